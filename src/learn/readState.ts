import type { Container } from '../hardening/podSpec.js';
import { cleanPath, isAtOrBelow } from '../hardening/volumes.js';
import type { Listener, MemoryState, ObservedMount } from './observation.js';
import type { SeenProcess } from './readProcesses.js';
import { hasSection, linesOf, type Section } from './sections.js';

/** The kernel counts a process's start in hundredths of a second, on every machine that Kubernetes runs on. */
const TICKS_PER_SECOND = 100;

export interface StartTime {
  /** Since the epoch, with fractions; never after the container began. */
  readonly startSeconds: number;
  readonly ageSeconds: number;
}

/** When a process began, by the node's clock. */
export function startTime(sections: readonly Section[], first: SeenProcess): StartTime {
  const uptime = Number((linesOf(sections, 'uptime')[0] ?? '').split(' ')[0]);
  // busybox's date has no %N and prints it; then the second may be over by up to one.
  const now = Number((linesOf(sections, 'now')[0] ?? '').replace(/\.%?N$/, ''));
  const ageSeconds = Math.max(0, uptime - first.startTicks / TICKS_PER_SECOND);
  return { startSeconds: now - ageSeconds, ageSeconds };
}

/** Reads /proc/PID/mountinfo: who asked for each mount. Source: proc_pid_mountinfo(5). */
export function readMounts(
  sections: readonly Section[],
  container: Container,
  terminationLog: string,
): ObservedMount[] {
  const authors = (container.volumeMounts ?? []).map(({ mountPath = '' }) => cleanPath(mountPath));
  const all = linesOf(sections, 'mountinfo').flatMap((line) => {
    const [place = '', source = ''] = line.split(' - ');
    const [, , , , point, options = ''] = place.split(' ');
    if (point === undefined) return [];
    const [type = ''] = source.split(' ');
    return [{ path: unescaped(point), type, readOnly: options.split(',').includes('ro') }];
  });
  // Of two mounts at one place the later hides the earlier.
  const visible = [...new Map(all.map((mount) => [mount.path, mount])).values()];
  return visible.map((mount) => ({ ...mount, of: askedBy(mount, authors, terminationLog) }));
}

/** `\\040` and its like stand for a blank, a tab, a line break and a backslash. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

/** File systems that the runtime makes, and no volume of a pod or an image. */
const KERNEL_TYPES = [
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'mqueue',
  'devpts',
  'devtmpfs',
  'securityfs',
  'debugfs',
];
/** What the kubelet and the runtime mount into every container. Source: kubelet, makeMounts; CRI plugin, containerMounts. */
const SYSTEM_FILES = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];
const SYSTEM_FOLDERS = ['/dev', '/proc', '/sys', '/run/secrets', '/var/run/secrets', '/run/.containerenv'];

function askedBy(
  { path, type }: { readonly path: string; readonly type: string },
  authors: readonly string[],
  terminationLog: string,
): ObservedMount['of'] {
  if (path === '/') return 'root';
  const aliases = [path, path.replace(/^\/run(?=\/|$)/, '/var/run')];
  if (authors.some((author) => aliases.includes(author))) return 'author';
  if (KERNEL_TYPES.includes(type) || SYSTEM_FILES.includes(path) || path === terminationLog) return 'system';
  if (SYSTEM_FOLDERS.some((folder) => isAtOrBelow(path, folder))) return 'system';
  return authors.some((author) => isAtOrBelow(path, author)) ? 'author' : 'image';
}

const FIRST_UNPRIVILEGED_PORT = 1024;

/**
 * Reads /proc/net/tcp and its like: ports below 1024 on which something listens. All containers of a pod share them, so a
 * socket is known as this container's only by a process that holds it.
 *
 * @param isAlone the pod has no other container
 */
export function readListeners(
  sections: readonly Section[],
  processes: readonly SeenProcess[],
  isAlone: boolean,
): Listener[] {
  const sockets = new Set(processes.flatMap(({ sockets: inodes }) => inodes));
  const allOpen = processes.every(({ isOpen }) => isOpen);
  const found = new Map<string, Listener>();
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const protocol = table.startsWith('tcp') ? 'tcp' : 'udp';
    for (const line of linesOf(sections, table)) {
      const [, local = '', remote = '', state, , , , uid = '-1', , inode = '0'] = line.trim().split(/\s+/);
      const port = parseInt(local.split(':')[1] ?? '', 16);
      const listens = state === '0A' || (state === '07' && remote.endsWith(':0000'));
      if (!listens || !(port > 0 && port < FIRST_UNPRIVILEGED_PORT)) continue;
      const isHeld = sockets.has(Number(inode));
      const isOurs = isHeld || isAlone ? true : allOpen ? false : undefined;
      const key = `${protocol} ${port}`;
      if (found.get(key)?.isOurs !== true) found.set(key, { protocol, port, uid: Number(uid), isOurs });
    }
  }
  return [...found.values()].sort((one, other) => one.port - other.port);
}

/** What version 1 of cgroups has where there is no limit: the largest number of whole pages. */
const NO_LIMIT = 2 ** 62;

/** Reads the memory controller's files, of either version of cgroups. */
export function readMemory(sections: readonly Section[]): MemoryState {
  const number = (...files: readonly string[]): number | undefined => {
    for (const file of files) {
      const text = linesOf(sections, 'memory', file)[0];
      if (text !== undefined && /^\d+$/.test(text)) return Number(text);
    }
    return undefined;
  };
  const limit = number('memory.max', 'memory/memory.limit_in_bytes');
  const own = [
    ...linesOf(sections, 'memory', 'memory.stat'),
    ...linesOf(sections, 'memory', 'memory/memory.stat'),
  ]
    .map((line) => /^(?:anon|total_rss) (\d+)$/.exec(line)?.[1])
    .find((text) => text !== undefined);
  return {
    peakBytes: number('memory.peak', 'memory/memory.max_usage_in_bytes'),
    ownBytes: own === undefined ? undefined : Number(own),
    limitBytes: limit === undefined || limit >= NO_LIMIT ? undefined : limit,
  };
}

/** What the image has of what the probe uses. */
export function readTools(sections: readonly Section[]): ReadonlySet<string> {
  return new Set(linesOf(sections, 'tools'));
}

/** The script ran to its end. */
export function isWhole(sections: readonly Section[]): boolean {
  return hasSection(sections, 'end');
}
