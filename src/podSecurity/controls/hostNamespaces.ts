import type { PodSecurityControl } from '../control.js';

const HOST_NAMESPACES = ['hostNetwork', 'hostPID', 'hostIPC'] as const;

/**
 * A pod must not share the host's network, process or IPC namespace.
 *
 * Fields: `spec.hostNetwork`, `spec.hostPID`, `spec.hostIPC`.
 * Allowed: false, unset.
 * Source: policy/check_hostNamespaces.go, v1.0+.
 */
export const hostNamespaces: PodSecurityControl = {
  id: 'hostNamespaces',
  level: 'baseline',
  check({ spec }) {
    const shared = HOST_NAMESPACES.filter((namespace) => spec[namespace] === true);
    if (shared.length === 0) return undefined;
    return {
      message: `host namespaces (${shared.map((namespace) => `${namespace}=true`).join(', ')})`,
      fields: shared.map((namespace) => ({ field: `spec.${namespace}`, value: true })),
    };
  },
};
