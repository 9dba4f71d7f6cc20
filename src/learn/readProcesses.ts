import { capabilitiesOf } from '../images/fileCapability.js';
import type { CapabilitySets, Ids, ObservedProcess } from './observation.js';
import { linesOf, type Section } from './sections.js';

/** What a script saw of a process, and what only its reader needs. */
export interface SeenProcess extends ObservedProcess {
  /** In ticks of 10 ms since the node started. */
  readonly startTicks: number;
  /** Files that it has open for writing. */
  readonly openFiles: readonly string[];
  /** Inodes of its sockets. */
  readonly sockets: readonly number[];
  /** Its links could be read: it runs as the probe's user, or the probe may look at every process. */
  readonly isOpen: boolean;
}

export interface ProcessScope {
  /** As the runtime names the container: a part of the path of its cgroup. */
  readonly containerId: string;
  /** The probe runs in the container itself, not beside it. */
  readonly isInside: boolean;
}

/**
 * The processes of one container, its first one first; those of the probe are left out, and so are those of other
 * containers where the pod shares its process namespace.
 *
 * @param sections of STATE_SCRIPT
 */
export function readProcesses(sections: readonly Section[], scope: ProcessScope): SeenProcess[] {
  const self = sections.find(({ name }) => name === 'self');
  const own = Number(self?.argument ?? 0);
  const ownGroup = linesOf(sections, 'selfcgroup').join('\n');
  const seen = sections
    .filter(({ name }) => name === 'process')
    .flatMap(({ argument, lines }) => {
      const process = processOf(argument, lines, sections);
      const group = lines.filter((line) => CGROUP.test(line)).join('\n');
      return process === undefined ? [] : [{ process, group }];
    });
  const parents = new Map(seen.map(({ process }) => [process.pid, process.ppid]));
  const isProbes = (pid: number): boolean => pid === own || ancestors(pid, parents).includes(own);
  const isNamed = scope.containerId !== '' && seen.some(({ group }) => group.includes(scope.containerId));
  const isMine = (group: string): boolean => {
    // Where cgroups have a namespace of their own, the container's is `/` to itself, and does not show its name.
    if (scope.isInside) return group === ownGroup || isBelow(group, ownGroup);
    return isNamed ? group.includes(scope.containerId) : group !== ownGroup;
  };
  const mine = seen.filter(({ process, group }) => isMine(group) && !isProbes(process.pid));
  const tops = mine.filter(({ process }) => process.ppid === 0).sort(byStart);
  const first = (tops[0] ?? [...mine].sort(byStart)[0])?.process;
  if (first === undefined) return [];
  const outside = new Set(tops.slice(1).map(({ process }) => process.pid));
  const processes = mine.map(({ process }) => ({
    ...process,
    isFromOutside:
      outside.has(process.pid) || ancestors(process.pid, parents).some((pid) => outside.has(pid)),
    ownUserNamespace:
      process.userNamespace !== '' &&
      first.userNamespace !== '' &&
      process.userNamespace !== first.userNamespace,
  }));
  return processes
    .map(({ userNamespace: _, ...process }) => process)
    .sort(
      (one, other) => Number(other.pid === first.pid) - Number(one.pid === first.pid) || one.pid - other.pid,
    );
}

function byStart(one: { process: SeenProcess }, other: { process: SeenProcess }): number {
  return one.process.startTicks - other.process.startTicks;
}

/** A line of /proc/PID/cgroup, beside those of its status. */
const CGROUP = /^\d+:[^:\t]*:/;

/** A program may make cgroups of its own below its container's. */
function isBelow(group: string, parent: string): boolean {
  const paths = (text: string): string[] => text.split('\n').map((line) => line.replace(/^[^:]*:[^:]*:/, ''));
  const own = paths(parent);
  return paths(group).every((path, index) => {
    const above = own[index] ?? '';
    return !path.startsWith('/..') && (path === above || path.startsWith(above === '/' ? '/' : `${above}/`));
  });
}

function ancestors(pid: number, parents: ReadonlyMap<number, number>): number[] {
  const found: number[] = [];
  let at = parents.get(pid);
  // Pids are read one after the other, so that a reused one might close a circle.
  while (at !== undefined && at !== 0 && !found.includes(at)) {
    found.push(at);
    at = parents.get(at);
  }
  return found;
}

function processOf(
  pid: string,
  status: readonly string[],
  sections: readonly Section[],
): (SeenProcess & { readonly userNamespace: string }) | undefined {
  const fields = new Map(
    status.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const numbers = (name: string): number[] =>
    (fields.get(name) ?? '')
      .split(/\s+/)
      .filter((word) => word !== '')
      .map(Number);
  const [ppid] = numbers('PPid');
  // One that ended meanwhile has no status; a zombie has, and nothing else.
  if (ppid === undefined || (fields.get('State') ?? '').startsWith('Z')) return undefined;
  const listed = linesOf(sections, 'files', pid);
  const links = linkTargets(listed);
  const files = listed.filter((line) => !LINK.test(line)).map(targetOf);
  const [exeMode, exeUid] = (linesOf(sections, 'program', pid)[0] ?? '').split(' ');
  const exe = links.get('exe');
  const root = links.get('root');
  return {
    pid: Number(pid),
    ppid,
    name: fields.get('Name') ?? '',
    exe: exe?.replace(/ \(deleted\)$/, ''),
    exeMode: exeMode === undefined || exeMode === '' ? undefined : parseInt(exeMode, 16) & 0o7777,
    exeUid: exeUid === undefined ? undefined : Number(exeUid),
    uid: ids(numbers('Uid')),
    gid: ids(numbers('Gid')),
    groups: numbers('Groups'),
    capabilities: capabilitySets(fields),
    noNewPrivileges: fields.get('NoNewPrivs') === '1',
    seccomp: numbers('Seccomp')[0] ?? 0,
    ownUserNamespace: false,
    userNamespace: links.get('user') ?? '',
    root: root === undefined || root === '/' ? undefined : root,
    isFromOutside: false,
    startTicks: startTicks(status.find((line) => line.startsWith(`${pid} (`)) ?? ''),
    openFiles: files.filter((file) => file.startsWith('/')),
    sockets: files.flatMap((file) => {
      const inode = /^socket:\[(\d+)\]$/.exec(file)?.[1];
      return inode === undefined ? [] : [Number(inode)];
    }),
    isOpen: exe !== undefined,
  };
}

function ids([real = -1, effective = -1, saved = -1, fs = -1]: readonly number[]): Ids {
  return { real, effective, saved, fs };
}

function capabilitySets(fields: ReadonlyMap<string, string>): CapabilitySets {
  const set = (name: string): string[] => {
    const text = fields.get(name) ?? '';
    return /^[0-9a-f]+$/i.test(text) ? capabilitiesOf(BigInt(`0x${text}`)) : [];
  };
  return {
    inheritable: set('CapInh'),
    permitted: set('CapPrm'),
    effective: set('CapEff'),
    bounding: set('CapBnd'),
    ambient: set('CapAmb'),
  };
}

/** Field 22 of /proc/PID/stat; the second, the name in parentheses, may hold anything. Source: proc_pid_stat(5). */
function startTicks(stat: string): number {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(afterName[19] ?? 0);
}

/** Of `ls -l`: one of the process's own links, its last part, and where it leads. */
const LINK = /\s\S*\d+\/(?:ns\/)?(exe|root|user) -> (.*)$/;

function linkTargets(lines: readonly string[]): Map<string, string> {
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const [, name, target] = LINK.exec(line) ?? [];
      return name === undefined || target === undefined ? [] : [[name, target]];
    }),
  );
}

function targetOf(line: string): string {
  const arrow = line.indexOf(' -> ');
  return line.slice(arrow + ' -> '.length).replace(/ \(deleted\)$/, '');
}
