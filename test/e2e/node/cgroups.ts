import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders in the machine's cgroup hierarchies under which all of a node's are. */
export interface NodeCgroup {
  readonly version: 1 | 2;
  /** One in each hierarchy. */
  readonly folders: readonly string[];
  /** The kubelet's `cgroupRoot`. */
  readonly root: string;
}

/** Without these the kubelet does not start. */
const CONTROLLERS = ['cpu', 'cpuset', 'memory', 'pids'] as const;

export interface CgroupMounts {
  /** Mount points of version 1, with their controllers or the hierarchy's name. */
  readonly v1: readonly { readonly path: string; readonly options: readonly string[] }[];
  /** Where version 2 is mounted; beside version 1 it has no controller that a kubelet needs. */
  readonly v2: string | undefined;
}

/** From the text of /proc/self/mountinfo. */
export function cgroupMounts(mountinfo: string): CgroupMounts {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [place = '', source = ''] = line.split(' - ');
    const [path = ''] = place.split(' ').slice(4);
    const [type = '', , options = ''] = source.split(' ');
    return type.startsWith('cgroup') ? [{ path, type, options: options.split(',') }] : [];
  });
  return {
    v1: mounts.filter(({ type }) => type === 'cgroup'),
    v2: mounts.find(({ type }) => type === 'cgroup2')?.path,
  };
}

/** Why the machine's cgroups cannot hold a node; undefined where they can. */
export function cgroupObstacle(mounts = machineMounts()): string | undefined {
  const { v1, v2 } = mounts;
  if (v1.length > 0) {
    const missing = CONTROLLERS.filter((name) => !v1.some(({ options }) => options.includes(name)));
    return missing.length === 0 ? undefined : `cgroup version 1 is mounted without ${missing.join(', ')}`;
  }
  if (v2 === undefined) return 'no cgroup file system is mounted';
  const enabled = readFileSync(join(v2, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
  const missing = CONTROLLERS.filter((name) => !enabled.includes(name));
  // Enabling them would change the machine's own cgroups.
  return missing.length === 0
    ? undefined
    : `${v2}/cgroup.subtree_control does not enable ${missing.join(', ')}`;
}

/** Names the folders without making them. */
export function nodeCgroup(name: string, { v1, v2 } = machineMounts()): NodeCgroup {
  const folders = [...v1.map(({ path }) => path), ...(v2 === undefined ? [] : [v2])].map((path) =>
    join(path, name),
  );
  // Version 2 alone gets a namespace, in which the folder is the root.
  return v1.length > 0 ? { version: 1, folders, root: `/${name}` } : { version: 2, folders, root: '/' };
}

export function makeCgroup({ version, folders }: NodeCgroup): void {
  for (const folder of folders) {
    // A hierarchy may be mounted at two places.
    mkdirSync(folder, { recursive: true });
    if (version === 1) copyCpuset(folder);
  }
}

/** In version 1 a new cpuset is empty, and nothing can run in it. */
function copyCpuset(folder: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (!existsSync(join(folder, file))) continue;
    writeFileSync(join(folder, file), readFileSync(join(folder, '..', file)));
  }
}

function machineMounts(): CgroupMounts {
  return cgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}
