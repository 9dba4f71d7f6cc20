import type { DirectoryEntry, DirectoryState, FileKind, WrittenFile } from './observation.js';
import type { Section } from './sections.js';

/** A file as a script saw it; times in seconds since the epoch, 0 where they are not known. */
export interface SeenFile {
  readonly path: string;
  readonly kind: FileKind;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly size: number;
  readonly modified: number;
  readonly changed: number;
}

const LETTERS: Readonly<Record<string, FileKind>> = {
  f: 'file',
  '-': 'file',
  d: 'directory',
  l: 'link',
  s: 'socket',
  p: 'fifo',
  c: 'device',
  b: 'device',
};

/** By the first four bits of st_mode. Source: inode(7). */
const TYPES: Readonly<Record<number, FileKind>> = {
  0o01: 'fifo',
  0o02: 'device',
  0o04: 'directory',
  0o06: 'device',
  0o10: 'file',
  0o12: 'link',
  0o14: 'socket',
};

/**
 * A line of FILES_SCRIPT; undefined where it is none.
 * @param root what stands before each path: empty, or /proc/PID/root
 */
export function fileOf(line: string, root: string): SeenFile | undefined {
  const [kind = ''] = line;
  const rest = line.slice(2);
  if (kind === 'g') return found(/^(\S) ([0-7]+) (\d+) (\d+) (\d+) (\S+) (\S+) (\/.*)$/.exec(rest), root);
  if (kind === 'f') return statted(rest, root);
  if (kind === 'l') return listed(rest, root);
  if (kind === 't' && rest.startsWith('/'))
    return { ...UNKNOWN, path: inside(rest, root), kind: 'file', uid: -1, gid: -1, mode: 0o644 };
  return undefined;
}

const UNKNOWN = { size: 0, modified: 0, changed: 0 };

function found(match: RegExpExecArray | null, root: string): SeenFile | undefined {
  if (match === null) return undefined;
  const [, type = '', mode = '', uid, gid, size, modified, changed, path = ''] = match;
  return {
    path: inside(path, root),
    kind: LETTERS[type] ?? 'file',
    uid: Number(uid),
    gid: Number(gid),
    mode: parseInt(mode, 8),
    size: Number(size),
    modified: Number(modified),
    changed: Number(changed),
  };
}

function statted(text: string, root: string): SeenFile | undefined {
  const [, raw = '', uid, gid, size, modified, changed, path = ''] =
    /^([0-9a-f]+) (\d+) (\d+) (\d+) (\d+) (\d+) (\/.*)$/.exec(text) ?? [];
  if (path === '') return undefined;
  const mode = parseInt(raw, 16);
  return {
    path: inside(path, root),
    kind: TYPES[mode >> 12] ?? 'file',
    uid: Number(uid),
    gid: Number(gid),
    mode: mode & 0o7777,
    size: Number(size),
    modified: Number(modified),
    changed: Number(changed),
  };
}

/** `drwxr-xr-x 2 0 0 4096 Nov 26 04:26 /path`, and `-> TARGET` after a link's. */
function listed(text: string, root: string): SeenFile | undefined {
  const [, type = '', bits = '', uid, gid, size = '', path = ''] =
    /^([-dlspcb])([-rwxsStT]{9})\S*\s+\d+\s+(\d+)\s+(\d+)\s+(\d+|\d+,\s*\d+)\s+\S+\s+\S+\s+\S+\s+(\/.*)$/.exec(
      text,
    ) ?? [];
  if (path === '') return undefined;
  const kind = LETTERS[type] ?? 'file';
  return {
    ...UNKNOWN,
    path: inside(kind === 'link' ? path.replace(/ -> .*$/, '') : path, root),
    kind,
    uid: Number(uid),
    gid: Number(gid),
    size: /^\d+$/.test(size) ? Number(size) : 0,
    mode: modeOf(bits),
  };
}

/** `rwxr-sr-t` as a number. */
function modeOf(bits: string): number {
  const plain = bits.split('').reduce((mode, bit) => mode * 2 + (/[rwxst]/.test(bit) ? 1 : 0), 0);
  const special = [2, 5, 8].reduce((mode, at) => mode * 2 + (/[sStT]/.test(bits[at] ?? '') ? 1 : 0), 0);
  return special * 0o1000 + plain;
}

function inside(path: string, root: string): string {
  const own = root !== '' && path.startsWith(root) ? path.slice(root.length) : path;
  const clean = own.replace(/\/{2,}/g, '/');
  return clean.length > 1 ? clean.replace(/\/$/, '') : clean || '/';
}

/** Between the clock by which a file is dated and that by which a process's start is, the kernel rounds by a tick. */
export const ROUNDING_SECONDS = 0.05;

/** What runtimes put into a container's root when they make it. */
const MARKS_OF_RUNTIMES = ['/.dockerenv', '/run/.containerenv'];

export interface ReadFiles {
  readonly written: readonly WrittenFile[];
  /** There was more. */
  readonly isCut: boolean;
}

/**
 * Files that were written since a container began, by the times of the files.
 *
 * A directory's own time tells that something was made or removed in it, which is worth knowing where what was made is gone
 * again; not so where a mount was put below it, for which the runtime makes the place. Its ctime alone says nothing: overlay
 * file systems copy a directory when something below it changes.
 *
 * @param startSeconds when it began, since the epoch
 * @param mounts places of mounts, below which nothing counts
 */
export function writtenFiles(
  sections: readonly Section[],
  root: string,
  startSeconds: number,
  mounts: readonly string[],
): ReadFiles {
  const start = startSeconds - ROUNDING_SECONDS;
  const aboveMounts = new Set(mounts.flatMap(ancestorsOf));
  const points = new Set(mounts);
  const newer = sections
    .filter(({ name }) => name === 'files')
    .flatMap(({ lines }) => lines.flatMap((line) => fileOf(line, root) ?? []))
    .filter((file) => {
      // busybox gives whole seconds.
      const floor = Number.isInteger(file.changed) ? Math.floor(start) : start;
      if (file.changed !== 0 && file.changed < floor) return false;
      if (points.has(file.path) || MARKS_OF_RUNTIMES.includes(file.path)) return false;
      if (file.kind !== 'directory') return true;
      return file.modified === 0 || file.modified >= floor;
    });
  const touched = new Set(newer.filter(({ kind }) => kind === 'directory').map(({ path }) => path));
  const howOf = ({ path, kind, modified }: SeenFile): WrittenFile['how'] =>
    kind === 'directory' || modified === 0 || modified >= Math.floor(start) || touched.has(parentOf(path))
      ? 'newer'
      : 'owner';
  return {
    written: newer
      .filter(({ path, kind }) => kind !== 'directory' || !aboveMounts.has(path))
      .map((file) => ({ ...file, how: howOf(file) })),
    isCut: sections.some(({ name }) => name === 'cut'),
  };
}

/** All directories above a path, `/` included. */
export function ancestorsOf(path: string): string[] {
  const found: string[] = [];
  for (let at = path; at !== '/';) {
    at = parentOf(at);
    found.push(at);
  }
  return found;
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}

const ENTRY_KINDS: Readonly<Record<string, DirectoryEntry['kind']>> = {
  f: 'file',
  l: 'link',
  d: 'empty',
  D: 'directory',
};

/** What DIRECTORIES_SCRIPT prints. Directories that are not there are left out. */
export function readDirectories(sections: readonly Section[]): DirectoryState[] {
  return sections
    .filter(({ name }) => name === 'directory')
    .flatMap(({ argument: path, lines }) => {
      const [first = ''] = lines;
      const stat = /^d ([0-9a-f]+) (\d+) (\d+)$/.exec(first);
      const entries = lines.flatMap((line): DirectoryEntry[] => {
        const [, kind = '', name] = /^e (\S) (.*)$/.exec(line) ?? [];
        const known = ENTRY_KINDS[kind];
        return name === undefined || known === undefined ? [] : [{ name, kind: known }];
      });
      if (stat !== null) {
        const [, mode = '', uid, gid] = stat;
        return [{ path, mode: parseInt(mode, 16) & 0o7777, uid: Number(uid), gid: Number(gid), entries }];
      }
      const file = first.startsWith('l ') ? listed(first.slice(2), '') : undefined;
      if (file === undefined && entries.length === 0) return [];
      return [{ path, mode: file?.mode ?? 0o755, uid: file?.uid ?? -1, gid: file?.gid ?? -1, entries }];
    });
}
