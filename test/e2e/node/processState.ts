import type { Json } from '../controlPlane/apiClient.js';
import type { ContainerProcess } from './containerProcesses.js';

/** What a pod's spec says of its processes, and what the kernel says of them; a field that the spec leaves open is not there. */
export interface ProcessState {
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly seccomp: boolean;
  readonly readOnlyRoot: boolean;
  /** Path and mode of each of the container's volumeMounts. */
  readonly mounts: readonly string[];
}

/** What containerd gives to a container that says nothing of them, by bit. Source: Linux, capability.h. */
const DEFAULT_CAPABILITIES: Readonly<Record<string, number>> = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  NET_BIND_SERVICE: 10,
  NET_RAW: 13,
  SYS_CHROOT: 18,
  MKNOD: 27,
  AUDIT_WRITE: 29,
  SETFCAP: 31,
};

/** By the spec of a pod of one container, for one of its processes. */
export function expectedState(podSpec: Json, process: ContainerProcess): ProcessState {
  const [container] = podSpec.containers;
  const { fsGroup, supplementalGroups = [] } = podSpec.securityContext ?? {};
  const { capabilities = {}, ...context } = { ...podSpec.securityContext, ...container.securityContext };
  const { drop = [], add = [] } = capabilities as { drop?: string[]; add?: string[] };
  const { runAsUser: uid, runAsGroup: gid } = context;
  const kept = Object.keys(DEFAULT_CAPABILITIES).filter(
    (name) => !drop.includes('ALL') && !drop.includes(name),
  );
  const groups = [gid, fsGroup, ...supplementalGroups, ...process.groupsOfImage].filter(
    (id) => id !== undefined,
  );
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid, groups: sorted(groups) }),
    capabilities: [...new Set([...kept, ...add])].sort(),
    noNewPrivileges: context.allowPrivilegeEscalation === false,
    seccomp: context.seccompProfile?.type === 'RuntimeDefault',
    readOnlyRoot: context.readOnlyRootFilesystem === true,
    mounts: mountsOf(podSpec)
      .map(({ mountPath, readOnly }) => mountText(realPath(mountPath), readOnly === true))
      .sort(),
  };
}

/** The same of the process itself, as far as `expected` says something. */
export function actualState(process: ContainerProcess, expected: ProcessState, podSpec: Json): ProcessState {
  const mountPaths = mountsOf(podSpec).map(({ mountPath }) => realPath(mountPath));
  const mounts = process.mounts.filter(({ path }) => mountPaths.includes(path));
  return {
    ...(expected.uid === undefined ? {} : { uid: process.uid }),
    ...(expected.gid === undefined ? {} : { gid: process.gid, groups: sorted(process.groups) }),
    capabilities: capabilityNames(process.boundingCapabilities),
    noNewPrivileges: process.noNewPrivileges,
    seccomp: process.seccompMode === 2,
    readOnlyRoot: process.mounts.find(({ path }) => path === '/')?.readOnly === true,
    mounts: mounts.map(({ path, readOnly }) => mountText(path, readOnly)).sort(),
  };
}

/** Bits that have no name here stay numbers, so that they are seen. */
export function capabilityNames(mask: bigint): string[] {
  const names = new Map(Object.entries(DEFAULT_CAPABILITIES).map(([name, bit]) => [bit, name]));
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter(
    (bit) => ((mask >> BigInt(bit)) & 1n) === 1n,
  );
  return bits.map((bit) => names.get(bit) ?? String(bit)).sort();
}

interface VolumeMount {
  readonly mountPath: string;
  readonly readOnly?: boolean;
}

function mountsOf(podSpec: Json): readonly VolumeMount[] {
  return podSpec.containers[0].volumeMounts ?? [];
}

/** In Debian's images /var/run and /var/lock are links. */
function realPath(path: string): string {
  return path.replace(/^\/var\/run(?=\/|$)/, '/run').replace(/^\/var\/lock(?=\/|$)/, '/run/lock');
}

function mountText(path: string, readOnly: boolean): string {
  return `${path} ${readOnly ? 'ro' : 'rw'}`;
}

function sorted(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((one, other) => one - other);
}
