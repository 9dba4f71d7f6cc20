/**
 * What a container has by default and PSS *baseline* allows to be added.
 * Source: kubernetes/pod-security-admission policy/check_capabilities_baseline.go.
 */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

/** `cap_net_admin`, `CAP_NET_ADMIN` and `NET_ADMIN` are the same to a container runtime: the last is how we write it. */
export function capabilityName(name: string): string {
  const upper = name.toUpperCase();
  return upper.startsWith('CAP_') ? upper.slice('CAP_'.length) : upper;
}
