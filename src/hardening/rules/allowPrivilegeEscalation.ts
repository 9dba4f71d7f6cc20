import { capabilityName } from '../capabilityNames.js';
import type { ContainerDraft } from '../containerDraft.js';
import type { Rule, SkipCode } from '../rule.js';

const FIELD = ['securityContext', 'allowPrivilegeEscalation'];

/**
 * `false` sets the process's no_new_privs flag: set-uid programs and file capabilities give it nothing.
 *
 * Restricted field: `securityContext.allowPrivilegeEscalation` of every container; allowed: false.
 * The API server rejects `false` beside `privileged: true` or an added CAP_SYS_ADMIN; with SYS_ADMIN or ALL it
 * accepts it, and it means nothing. Source: core/v1 validation; policy/check_allowPrivilegeEscalation.go.
 */
export const allowPrivilegeEscalation: Rule = {
  id: 'allowPrivilegeEscalation',
  title: 'Containers cannot gain privileges',
  reason: 'Without it a set-uid program in the image, or one brought in, makes root of any user.',
  risk: 'low',
  control: { level: 'restricted', name: 'allowPrivilegeEscalation' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: { Default: '`false`', Override: 'explicit `true`' },
  fields: [
    'spec.containers[*].securityContext.allowPrivilegeEscalation',
    'spec.initContainers[*].securityContext.allowPrivilegeEscalation',
    'spec.ephemeralContainers[*].securityContext.allowPrivilegeEscalation',
  ],

  apply(pod) {
    for (const container of pod.containers) {
      const value = container.securityContext('allowPrivilegeEscalation');
      if (value === false) continue;
      const obstacle = obstacleOf(container);
      const isRefused =
        pod.stance(container).denies &&
        (obstacle === 'ApiWouldReject' || (obstacle === 'PrivilegedContainer' && value === true));
      // An added SYS_ADMIN must not be the way past Deny.
      if (isRefused) pod.report(container, FIELD, value, obstacle);
      else if (obstacle) pod.skip(obstacle, container);
      else if (value === true) pod.replace(container, FIELD, true, false);
      else pod.fill(container, FIELD, false);
    }
  },
};

function obstacleOf(container: ContainerDraft): SkipCode | undefined {
  if (container.isPrivileged) return 'PrivilegedContainer';
  const added = container.capabilities('add')?.map(capabilityName) ?? [];
  if (added.includes('SYS_ADMIN') || added.includes('ALL')) return 'ApiWouldReject';
  return container.needs('allowPrivilegeEscalation') ? 'ImageNeeds' : undefined;
}
