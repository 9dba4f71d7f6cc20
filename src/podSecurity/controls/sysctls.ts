import type { PodSecurityControl } from '../control.js';

/** Namespaced, and without effect on other pods of the node. The comments say since which policy version. */
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  // v1.0
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  // v1.27
  'net.ipv4.ip_local_reserved_ports',
  // v1.29
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  // v1.32
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
  // v1.37
  'net.ipv4.tcp_slow_start_after_idle',
  'net.ipv4.tcp_notsent_lowat',
]);

/**
 * A sysctl can switch off a protection, or reach every container of a host.
 *
 * Fields: `spec.securityContext.sysctls[*].name`.
 * Allowed: the safe ones above, by their dotted name: the form with slashes is refused. The value is free.
 * Source: policy/check_sysctls.go, v1.37.
 */
export const sysctls: PodSecurityControl = {
  id: 'sysctls',
  level: 'baseline',
  check({ spec }) {
    const fields = (spec.securityContext?.sysctls ?? []).flatMap(({ name }, index) => {
      const value = name ?? '';
      return SAFE_SYSCTLS.has(value) ? [] : [{ field: `spec.securityContext.sysctls[${index}].name`, value }];
    });
    if (fields.length === 0) return undefined;
    return { message: `forbidden sysctls (${fields.map(({ value }) => value).join(', ')})`, fields };
  },
};
