import type { Rule, RuleId } from '../rule.js';
import { allowPrivilegeEscalation } from './allowPrivilegeEscalation.js';
import { appArmorProfile } from './appArmorProfile.js';
import { automountServiceAccountToken } from './automountServiceAccountToken.js';
import { capabilities } from './capabilities.js';
import { enableServiceLinks } from './enableServiceLinks.js';
import { hostNamespaces } from './hostNamespaces.js';
import { hostPath } from './hostPath.js';
import { hostUsers } from './hostUsers.js';
import { imagePullPolicy } from './imagePullPolicy.js';
import { privileged } from './privileged.js';
import { procMount } from './procMount.js';
import { readOnlyRootFilesystem } from './readOnlyRootFilesystem.js';
import { resources } from './resources.js';
import { runAsNonRoot } from './runAsNonRoot.js';
import { runAsUser } from './runAsUser.js';
import { runtimeSocket } from './runtimeSocket.js';
import { scheduling } from './scheduling.js';
import { seccompProfile } from './seccompProfile.js';
import { sshd } from './sshd.js';
import { supplementalGroupsPolicy } from './supplementalGroupsPolicy.js';
import { unprivilegedPorts } from './unprivilegedPorts.js';

/** The catalogue, in the order in which rules are listed everywhere: that of RULE_IDS. */
export const RULES: readonly Rule[] = [
  privileged,
  runAsNonRoot,
  runAsUser,
  capabilities,
  allowPrivilegeEscalation,
  readOnlyRootFilesystem,
  seccompProfile,
  resources,
  hostNamespaces,
  hostPath,
  runtimeSocket,
  sshd,
  automountServiceAccountToken,
  scheduling,
  unprivilegedPorts,
  procMount,
  appArmorProfile,
  hostUsers,
  enableServiceLinks,
  imagePullPolicy,
  supplementalGroupsPolicy,
];

/**
 * The order in which rules run: as listed, but for `hostUsers`. `privileged` comes first, since what it overrides no
 * longer counts for the others; then `hostUsers`, since runAsUser gives a pod in a user namespace other ids;
 * `unprivilegedPorts` comes after all that decide who ends up non-root.
 */
export const RUNNING_ORDER: readonly Rule[] = [
  privileged,
  hostUsers,
  ...RULES.filter((rule) => rule !== privileged && rule !== hostUsers),
];

export const RULES_BY_ID: ReadonlyMap<RuleId, Rule> = new Map(RULES.map((rule) => [rule.id, rule]));
