import type { Json } from '../apiValidation/json.js';
import type { Tape } from './tape.js';
import type { Traits } from './traits.js';

const CAPABILITIES_ADDED: readonly [string[], ...string[][]] = [
  ['NET_BIND_SERVICE'],
  ['CAP_NET_ADMIN'],
  ['net_raw', 'CHOWN'],
  ['ALL'],
  ['SYS_ADMIN'],
  ['CAP_SYS_ADMIN'],
  ['SYS_PTRACE', 'KILL'],
  ['all'],
  ['CAP_NET_BIND_SERVICE'],
];
const CAPABILITIES_DROPPED: readonly [string[] | null, ...(string[] | null)[]] = [
  ['ALL'],
  ['all'],
  ['All'],
  ['NET_RAW'],
  ['CAP_CHOWN', 'KILL'],
  ['KILL', 'ALL'],
  ['all', 'net_raw'],
  [],
  null,
  ['CAP_ALL'],
];
const SECCOMP: readonly [Json, ...Json[]] = [
  { type: 'RuntimeDefault' },
  { type: 'Unconfined' },
  { type: 'Localhost', localhostProfile: 'profiles/x.json' },
];
export const APPARMOR: readonly [Json, ...Json[]] = [
  { type: 'RuntimeDefault' },
  { type: 'Unconfined' },
  { type: 'Localhost', localhostProfile: 'shop' },
];
const USERS = [0, 1000, 0, 10001, 65534, 2147483647] as const;

export function securityContext(t: Tape, pod: Traits): Json {
  const context: Json = {};
  const set = (key: string, probability: number, value: () => unknown): void => {
    if (t.chance(probability)) context[key] = value();
  };
  if (!pod.linuxFields) {
    set('runAsNonRoot', 0.4, () => t.pick([true, false] as const));
    set('windowsOptions', 0.4, () => ({ runAsUserName: t.pick(WINDOWS_USERS) }));
    return context;
  }
  if (t.chance(0.2)) return strongSecurityContext();
  set('privileged', 0.25, () => t.pick([true, true, false, null] as const));
  set('runAsUser', 0.35, () => t.pick([...USERS, null] as const));
  set('runAsGroup', 0.2, () => t.pick([0, 3000, null] as const));
  set('runAsNonRoot', 0.35, () => t.pick([true, false, null] as const));
  set('readOnlyRootFilesystem', 0.25, () => t.pick([true, false, null] as const));
  set('seccompProfile', 0.3, () => t.pick([...SECCOMP, null] as const));
  set('capabilities', 0.5, () => {
    const add = t.chance(0.6) ? t.pick(CAPABILITIES_ADDED) : undefined;
    const drop = t.chance(0.6) ? t.pick(CAPABILITIES_DROPPED) : undefined;
    return t.chance(0.05)
      ? null
      : { ...(add && { add: [...add] }), ...(drop !== undefined && { drop: drop && [...drop] }) };
  });
  set('allowPrivilegeEscalation', 0.4, () => {
    const added = (context.capabilities as { add?: string[] } | null | undefined)?.add ?? [];
    const mustBeTrue = context.privileged === true || added.includes('CAP_SYS_ADMIN');
    return mustBeTrue ? true : t.pick([true, false, null] as const);
  });
  set('procMount', pod.hostUsers ? 0.1 : 0.5, () => (pod.hostUsers ? 'Default' : 'Unmasked'));
  set('appArmorProfile', 0.2, () => t.pick([...APPARMOR, null] as const));
  if (pod.windows === 'nodeSelector' || pod.windows === 'affinity')
    set('windowsOptions', 0.4, () => ({ runAsUserName: t.pick(WINDOWS_USERS) }));
  return context;
}

const WINDOWS_USERS = [
  'ContainerUser',
  'ContainerAdministrator',
  'containeradministrator',
  'NT AUTHORITY\\LocalService',
] as const;

const strongSecurityContext = (): Json => ({
  privileged: false,
  runAsNonRoot: true,
  runAsUser: 1000,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
});

export function podSecurityContext(t: Tape, pod: Traits, hostIPC: boolean): Json | null | undefined {
  const context: Json = {};
  const set = (key: string, probability: number, value: () => unknown): void => {
    if (t.chance(probability)) context[key] = value();
  };
  if (pod.windows === 'hostProcess')
    context.windowsOptions = { hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM' };
  else if (pod.windows !== 'no' && pod.windows !== 'linux')
    set('windowsOptions', 0.4, () => ({ runAsUserName: t.pick(WINDOWS_USERS) }));
  set('runAsNonRoot', 0.2, () => t.pick([true, false] as const));
  if (pod.linuxFields) {
    set('runAsUser', 0.2, () => t.pick(USERS));
    set('runAsGroup', 0.1, () => t.pick([0, 3000] as const));
    set('fsGroup', 0.15, () => t.pick([0, 2000] as const));
    set('supplementalGroups', 0.15, () => t.pick([[4000], [4000, 70000]] as const));
    set('supplementalGroupsPolicy', 0.2, () => t.pick(['Merge', 'Strict'] as const));
    set('appArmorProfile', 0.15, () => t.pick(APPARMOR));
    set('seccompProfile', 0.2, () => t.pick(SECCOMP));
    const sysctls = SYSCTLS.filter(
      ({ name }) => !(pod.hostNetwork && /^net[./]/.test(name)) && !(hostIPC && name.startsWith('kernel')),
    );
    set('sysctls', 0.2, () => t.some(sysctls, 0.5).map((sysctl) => ({ ...sysctl })));
  }
  if (Object.keys(context).length > 0) return context;
  return t.chance(0.2) ? t.pick([{}, null] as const) : undefined;
}

const SYSCTLS = [
  { name: 'net.ipv4.ip_unprivileged_port_start', value: '1024' },
  { name: 'net/ipv4/ip_local_port_range', value: '1024 65535' },
  { name: 'kernel.shm_rmid_forced', value: '1' },
  { name: 'net.core.somaxconn', value: '1024' },
];
