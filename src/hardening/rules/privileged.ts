import type { Rule } from '../rule.js';

const FIELD = ['securityContext', 'privileged'];

/**
 * Privileged containers have every capability, every device of the node, and no seccomp or AppArmor profile.
 *
 * Restricted field: `securityContext.privileged` of every container; allowed: unset, false.
 * `mountPropagation: Bidirectional` is valid only on a privileged container, so Override leaves such a one alone.
 * Source: kubernetes/pod-security-admission policy/check_privileged.go, core/v1 validation.
 */
export const privileged: Rule = {
  id: 'privileged',
  title: 'Containers are not privileged',
  reason: 'A privileged container has every capability and every device of its node: it is root on the node.',
  risk: 'high',
  control: { level: 'baseline', name: 'privileged' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: 'nothing, for unset means false; an explicit `true` is reported',
    Override: '`privileged: false`',
  },
  fields: [
    'spec.containers[*].securityContext.privileged',
    'spec.initContainers[*].securityContext.privileged',
    'spec.ephemeralContainers[*].securityContext.privileged',
  ],

  apply(pod) {
    for (const container of pod.containers) {
      if (!container.isPrivileged) continue;
      const bidirectional = container.spec.volumeMounts?.some(
        (mount) => mount.mountPropagation === 'Bidirectional',
      );
      if (bidirectional && pod.stance(container).replaces) {
        pod.skip('ApiWouldReject', container, 'mountPropagation: Bidirectional needs privileged: true');
        pod.report(container, FIELD, true);
      } else {
        pod.replace(container, FIELD, true, false);
      }
    }
  },
};
