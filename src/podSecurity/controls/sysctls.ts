import type { PodSecurityControl } from '../control.js';

/** Namespaced, and without effect on other pods of the node; each with the minor since which it is allowed. */
const SAFE_SYSCTLS: ReadonlyMap<string, number> = new Map([
  ['kernel.shm_rmid_forced', 0],
  ['net.ipv4.ip_local_port_range', 0],
  ['net.ipv4.tcp_syncookies', 0],
  ['net.ipv4.ping_group_range', 0],
  ['net.ipv4.ip_unprivileged_port_start', 0],
  ['net.ipv4.ip_local_reserved_ports', 27],
  ['net.ipv4.tcp_keepalive_time', 29],
  ['net.ipv4.tcp_fin_timeout', 29],
  ['net.ipv4.tcp_keepalive_intvl', 29],
  ['net.ipv4.tcp_keepalive_probes', 29],
  ['net.ipv4.tcp_rmem', 32],
  ['net.ipv4.tcp_wmem', 32],
  ['net.ipv4.tcp_slow_start_after_idle', 37],
  ['net.ipv4.tcp_notsent_lowat', 37],
]);

/**
 * A sysctl can switch off a protection, or reach every container of a host.
 *
 * Fields: `spec.securityContext.sysctls[*].name`.
 * Allowed: the safe ones above, by their dotted name: the form with slashes is refused. The value is free.
 * Source: policy/check_sysctls.go.
 */
export const sysctls: PodSecurityControl = {
  id: 'sysctls',
  level: 'baseline',
  check({ spec }, minor) {
    const fields = (spec.securityContext?.sysctls ?? []).flatMap(({ name }, index) => {
      const value = name ?? '';
      const since = SAFE_SYSCTLS.get(value) ?? Infinity;
      return minor >= since ? [] : [{ field: `spec.securityContext.sysctls[${index}].name`, value }];
    });
    if (fields.length === 0) return undefined;
    return { message: `forbidden sysctls (${fields.map(({ value }) => value).join(', ')})`, fields };
  },
};
