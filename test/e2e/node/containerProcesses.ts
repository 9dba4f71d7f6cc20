import { readFileSync, readdirSync } from 'node:fs';

/** What the kernel says of a process of a container, in its /proc/PID. */
export interface ContainerProcess {
  /** In the namespace of the tests. */
  readonly pid: number;
  /** 1 is the container's first. */
  readonly pidInContainer: number;
  readonly command: string;
  /** Effective. */
  readonly uid: number;
  /** Effective. */
  readonly gid: number;
  /** Supplementary. */
  readonly groups: readonly number[];
  /** Those that the image's own /etc/group gives to the user. */
  readonly groupsOfImage: readonly number[];
  /** Bit masks as the kernel has them: bit 10 is CAP_NET_BIND_SERVICE. */
  readonly boundingCapabilities: bigint;
  readonly effectiveCapabilities: bigint;
  readonly noNewPrivileges: boolean;
  /** 0: none; 2: a filter. */
  readonly seccompMode: number;
  readonly mounts: readonly Mount[];
}

export interface Mount {
  readonly path: string;
  readonly type: string;
  readonly readOnly: boolean;
}

/** Of runc's own process, which becomes the program of a container, or of an `exec` probe, once all is set up. */
const RUNC_INIT = /(^|\/)runc init$/;

/**
 * The processes in the cgroup of a container, its first process first. One that ends meanwhile is left out, and one
 * that is runc's still: what the spec says does not hold of it yet.
 */
export function processesOfContainer(containerId: string): ContainerProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId)) return [];
        // First: once it is the program's command, the rest is the program's as well.
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return RUNC_INIT.test(command) ? [] : [readProcess(pid, command)];
      } catch (error) {
        if (hasEnded(error)) return [];
        throw error;
      }
    })
    .sort((one, other) => one.pidInContainer - other.pidInContainer);
}

function readProcess(pid: string, command: string): ContainerProcess {
  const status = statusFields(readFileSync(`/proc/${pid}/status`, 'utf8'));
  const numbers = (name: string): number[] =>
    (status.get(name) ?? '').split(/\s+/).filter(Boolean).map(Number);
  const mask = (name: string): bigint => BigInt(`0x${status.get(name) ?? ''}`);
  // Real, effective, saved, file system.
  const uid = numbers('Uid')[1] ?? -1;
  return {
    pid: Number(pid),
    pidInContainer: numbers('NSpid').at(-1) ?? 0,
    command,
    uid,
    gid: numbers('Gid')[1] ?? -1,
    groups: numbers('Groups'),
    groupsOfImage: groupsOfImage(`/proc/${pid}/root/etc`, uid),
    boundingCapabilities: mask('CapBnd'),
    effectiveCapabilities: mask('CapEff'),
    noNewPrivileges: numbers('NoNewPrivs')[0] === 1,
    seccompMode: numbers('Seccomp')[0] ?? -1,
    mounts: mountsOf(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')),
  };
}

/** By the lines `name:password:uid:...` of passwd and `name:password:gid:member,member` of group. */
function groupsOfImage(folder: string, uid: number): number[] {
  const lines = (name: string): string[][] =>
    readFileSync(`${folder}/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  const user = lines('passwd').find(([, , id]) => id === String(uid))?.[0];
  if (user === undefined) return [];
  return lines('group')
    .filter(([, , , members = '']) => members.split(',').includes(user))
    .map(([, , id]) => Number(id));
}

function statusFields(text: string): Map<string, string> {
  return new Map(
    text.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

function mountsOf(mountinfo: string): Mount[] {
  return mountinfo
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [place = '', source = ''] = line.split(' - ');
      const [, , , , path = '', options = ''] = place.split(' ');
      return { path, type: source.split(' ')[0] ?? '', readOnly: options.split(',').includes('ro') };
    });
}

/** Of a process that has ended and is still listed, its mounts are an invalid argument. */
function hasEnded(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '');
}
