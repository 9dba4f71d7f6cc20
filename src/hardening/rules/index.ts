import type { Rule, RuleId } from '../rule.js';
import { allowPrivilegeEscalation } from './allowPrivilegeEscalation.js';
import { automountServiceAccountToken } from './automountServiceAccountToken.js';
import { capabilities } from './capabilities.js';
import { hostNamespaces } from './hostNamespaces.js';
import { hostPath } from './hostPath.js';
import { privileged } from './privileged.js';
import { readOnlyRootFilesystem } from './readOnlyRootFilesystem.js';
import { resources } from './resources.js';
import { runAsNonRoot } from './runAsNonRoot.js';
import { runAsUser } from './runAsUser.js';
import { runtimeSocket } from './runtimeSocket.js';
import { scheduling } from './scheduling.js';
import { seccompProfile } from './seccompProfile.js';
import { sshd } from './sshd.js';
import { unprivilegedPorts } from './unprivilegedPorts.js';

/**
 * The catalogue, in the order in which rules run and are listed. `privileged` comes first, since what it overrides
 * no longer counts for the others; `unprivilegedPorts` last, since it asks who ended up non-root.
 */
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
];

export const RULES_BY_ID: ReadonlyMap<RuleId, Rule> = new Map(RULES.map((rule) => [rule.id, rule]));
