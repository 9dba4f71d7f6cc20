import type { Rule } from '../rule.js';

const FIELD = ['securityContext', 'procMount'];

/**
 * Keeps the masks over /proc, which hide the node's keys, memory and settings from the container.
 *
 * Restricted field: `securityContext.procMount` of every container; allowed: unset, Default. The API server accepts
 * `Unmasked` only in a user namespace (`hostUsers: false`), where Pod Security *baseline* allows it since v1.35 and
 * *restricted* does not.
 * Source: policy/check_procMount_restricted.go; core/v1 validation (ValidateSecurityContext).
 */
export const procMount: Rule = {
  id: 'procMount',
  title: 'The masks over /proc stay',
  reason: "Without them a container reads and writes what /proc shows of its node's kernel.",
  risk: 'high',
  control: { level: 'restricted', name: 'procMount_restricted' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: 'nothing, for unset means `Default`; an explicit `Unmasked` is reported',
    Override: '`Unmasked`',
  },
  fields: [
    'spec.containers[*].securityContext.procMount',
    'spec.initContainers[*].securityContext.procMount',
    'spec.ephemeralContainers[*].securityContext.procMount',
  ],

  apply(pod) {
    for (const container of pod.containers) {
      const value = container.securityContext('procMount');
      if (value !== undefined && value !== 'Default') pod.replace(container, FIELD, value, 'Default');
    }
  },
};
