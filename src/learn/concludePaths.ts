import { MAX_PATHS, MAX_WRITABLE_PATHS, isNameable } from '../hardening/profileBounds.js';
import { cleanPath, isAtOrBelow } from '../hardening/volumes.js';
import { mayWrite } from './concludeUser.js';
import type { LearnedField, LearnedValue, WrittenFile } from './observation.js';
import { ancestorsOf, parentOf } from './readFiles.js';
import type { Seen } from './seen.js';

export interface LearnedPaths {
  readonly fields: readonly LearnedField[];
  readonly warnings: readonly string[];
  /** Why the root file system has to stay writable; undefined where it has not. */
  readonly writableRoot: string | undefined;
}

export interface PathsContext {
  /** As whom the program will run; undefined: as whom the policy says. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** What the policy makes writable in every container. */
  readonly policyPaths: readonly string[];
  /** The emptyDirs' sizeLimit by the policy, in bytes. */
  readonly sizeLimit: number;
}

/** Directories that hold what programs make while they run, by the FHS: what an image left there is nothing that is needed. */
const VOLATILE = ['/run', '/tmp', '/var/tmp', '/var/cache', '/var/log', '/var/lock', '/var/spool'];

/** Where every image keeps programs and settings: where it cannot be seen what stands there, this is not empty. */
const OF_THE_SYSTEM = ['/etc', '/usr', '/bin', '/sbin', '/lib', '/lib64', '/opt', '/boot', '/srv'];

/** What is written on the root file system and in VOLUMEs, folded to the fewest directories that hide nothing of the image. */
export function concludePaths(seen: Seen, context: PathsContext): LearnedPaths {
  const { onRoot, inVolumes } = placesOf(seen);
  const closed = new Map(onRoot.flatMap(({ path }) => closedAbove(path, seen, context)));
  const kept = onRoot.filter(({ path }) => !isSpareCache(path) && !closed.has(path));
  const folded = fold(kept, seen);
  const isPolicys = (path: string): boolean => context.policyPaths.some((each) => isAtOrBelow(path, each));
  const volumes = seen.imageVolumes.map((path) => volumeOf(path, inVolumes, seen, context));
  const found = [
    ...folded.directories.filter(({ path }) => !isPolicys(path)).map((each) => valueOf(each)),
    ...volumes.flatMap(({ writable: value }) => value ?? []),
  ].sort((one, other) => String(one.value).localeCompare(String(other.value)));
  const writable = found.filter(({ value }) => isNameable(String(value)));
  const unnameable = found.filter(({ value }) => !isNameable(String(value)));
  const data = [
    ...volumes.flatMap(({ data: value }) => value ?? []),
    ...seen.lastingMounts.map((value) => ({ value, because: 'the pod has a volume there that outlives it' })),
  ]
    .filter(({ value }) => isNameable(String(value)))
    .slice(0, MAX_PATHS);
  const policys = folded.directories.filter(({ path }) => isPolicys(path)).map(({ path }) => path);
  const spare = [
    ...new Set(onRoot.filter(({ path }) => isSpareCache(path)).map(({ path }) => spareCache(path))),
  ];
  const notes = [
    ...(policys.length > 0 ? [`it also writes to ${listed(policys)}, which the policy makes writable.`] : []),
    ...(spare.length > 0
      ? [`it also tries to keep compiled code in ${listed(spare)}, and does without.`]
      : []),
    ...[...new Set(closed.values())].map(
      (path) =>
        `it wrote to ${path}, which only its owner may enter: as another user it cannot, and a HOME of its own takes its place.`,
    ),
    ...folded.notes,
  ];
  return {
    fields: [
      { field: 'writablePaths', values: writable.slice(0, MAX_WRITABLE_PATHS), notes },
      { field: 'dataPaths', values: data, notes: [] },
      sizeField(folded.directories, context),
    ],
    warnings: [
      ...dataWarnings(folded.directories.filter(({ path }) => !isPolicys(path))),
      ...volumes.flatMap(({ warning }) => warning ?? []),
      ...folded.warnings,
      ...(writable.length > MAX_WRITABLE_PATHS
        ? [`It writes to ${writable.length} directories; a profile names at most ${MAX_WRITABLE_PATHS}.`]
        : []),
      ...unnameable.map(({ value }) => `It writes to ${value}, which a profile cannot name.`),
    ],
    writableRoot: folded.writableRoot,
  };
}

/** What was written, without what lies in mounts of the pod; what only changed its owner is not written. */
function placesOf(seen: Seen): { onRoot: WrittenFile[]; inVolumes: WrittenFile[] } {
  const files = seen.written.filter(
    ({ path, how }) => how !== 'owner' && !seen.foreignMounts.some((mount) => isAtOrBelow(path, mount)),
  );
  const isInVolume = ({ path }: WrittenFile): boolean =>
    seen.imageVolumes.some((mount) => isAtOrBelow(path, mount));
  return { onRoot: files.filter((file) => !isInVolume(file)), inVolumes: files.filter(isInVolume) };
}

/** The directory at or above a path that the program's later user cannot enter, where there is one. */
function closedAbove(path: string, seen: Seen, { uid, gid }: PathsContext): [string, string][] {
  const places = [path, ...ancestorsOf(path)];
  const closed = places.find((place) => {
    const state = seen.directory(place);
    // One that was made since the start is made again, by whoever runs then.
    if (state === undefined || state.uid < 0 || place === '/') return false;
    if (isMadeSince(place, seen)) return false;
    if (state.uid === uid) return false;
    const isOfGroup = state.gid === gid && (state.mode & 0o010) !== 0;
    return !isOfGroup && (state.mode & 0o001) === 0;
  });
  return closed === undefined ? [] : [[path, closed]];
}

/** A directory was made, and not only changed, if that above it changed too. */
function isMadeSince(path: string, seen: Seen): boolean {
  return seen.isWritten(path) && seen.isWritten(parentOf(path));
}

/** An interpreter's cache beside its modules: where it cannot be written, nothing is amiss. */
const SPARE_CACHE = /^(.*\/__pycache__)(?:\/|$)/;

function isSpareCache(path: string): boolean {
  return SPARE_CACHE.test(path);
}

function spareCache(path: string): string {
  return SPARE_CACHE.exec(path)?.[1] ?? path;
}

interface Folded {
  readonly directories: readonly Directory[];
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
  readonly writableRoot: string | undefined;
}

/** A directory to be made writable, and what was written in it or below it. */
interface Directory {
  readonly path: string;
  readonly files: readonly WrittenFile[];
}

/**
 * From the root down: a directory in which something was written is taken as a whole if it holds nothing of the image's;
 * else what was written in it stands for itself, which works for directories and not for files.
 */
function fold(files: readonly WrittenFile[], seen: Seen): Folded {
  const taken: Directory[] = [];
  const notes: string[] = [];
  const warnings: string[] = [];
  let writableRoot: string | undefined;
  const below = (path: string): WrittenFile[] =>
    files.filter((file) => file.path !== path && isAtOrBelow(file.path, path));
  const touched = [
    ...new Set(files.map(({ path, kind }) => (kind === 'directory' ? path : parentOf(path)))),
  ].sort();
  for (const path of touched) {
    if (taken.some((directory) => isAtOrBelow(path, directory.path))) continue;
    const direct = files.filter((file) => file.kind !== 'directory' && parentOf(file.path) === path);
    const older = olderContent(path, seen);
    if (older === undefined) {
      taken.push({ path, files: below(path) });
      const hidden = hiddenFolders(path, seen, files);
      if (hidden.length > 0)
        warnings.push(
          `An emptyDir at ${path} hides ${listed(hidden)}, in which it also writes: it works only if the program makes that by itself.`,
        );
      const links = linksIn(path, seen);
      if (links.length > 0) notes.push(`an emptyDir at ${path} hides the image's ${listed(links)}.`);
    } else if (direct.length > 0) {
      const late = direct.filter((file) => isOfTheProgram(file, seen));
      const [first] = late.length > 0 ? late : direct;
      const shownFile = first?.path ?? path;
      if (late.length > 0) {
        writableRoot ??= `${shownFile} is written beside the image's own ${older}`;
        warnings.push(
          `${path} holds ${older} of the image and cannot be an emptyDir, but ${shownFile} is written there. Have the program write elsewhere: then the root file system can be read-only.`,
        );
      } else {
        warnings.push(
          `${shownFile}${more(direct.length)} was written by root when the container was started, beside the image's own ${older}. As another user, or on a read-only root, that is left out: see to it if the program depends on it.`,
        );
      }
    }
    // Else only folders were made in it, which stand for themselves, or something that is gone again.
  }
  return { directories: taken, notes, warnings, writableRoot };
}

/** Something of the image's that an emptyDir at a directory would hide and that may be needed; undefined where nothing is. */
function olderContent(path: string, seen: Seen): string | undefined {
  if (path === '/') return 'files';
  if (VOLATILE.some((each) => isAtOrBelow(path, each))) return undefined;
  const state = seen.directory(path);
  if (state === undefined) return OF_THE_SYSTEM.some((each) => isAtOrBelow(path, each)) ? 'files' : undefined;
  for (const { name, kind } of state.entries) {
    const entry = `${path}/${name}`;
    if (seen.isWritten(entry) && kind !== 'directory') continue;
    if (kind === 'file') return `file ${name}`;
    // A directory with files in it: they are the image's unless it is one in which the program writes.
    if (kind === 'directory') {
      const isOlder =
        seen.directory(entry) === undefined
          ? !seen.isWritten(entry)
          : olderContent(entry, seen) !== undefined;
      if (isOlder) return `directory ${name}`;
    }
  }
  return undefined;
}

/** Empty folders of the image below a directory in which something is written: an emptyDir above hides them. */
function hiddenFolders(path: string, seen: Seen, files: readonly WrittenFile[]): string[] {
  const direct = (seen.directory(path)?.entries ?? [])
    .filter(({ kind }) => kind === 'empty' || kind === 'directory')
    .map(({ name }) => `${path}/${name}`);
  // One that the program made since its start is made again.
  return direct.filter(
    (folder) => !seen.isWritten(folder) && files.some((file) => isAtOrBelow(file.path, folder)),
  );
}

function linksIn(path: string, seen: Seen): string[] {
  return (seen.directory(path)?.entries ?? [])
    .filter(({ name, kind }) => kind === 'link' && !seen.isWritten(`${path}/${name}`))
    .map(({ name }) => `link ${name}`);
}

/** It has the file open, or wrote it as another user than root: not only an entrypoint that starts as root. */
function isOfTheProgram({ how, uid }: WrittenFile, seen: Seen): boolean {
  const dropsRoot = seen.processes.every((process) => process.uid.effective !== 0);
  return how === 'open' || uid > 0 || !dropsRoot;
}

interface Volume {
  readonly writable?: LearnedValue;
  readonly data?: LearnedValue;
  readonly warning?: string;
}

/** A VOLUME stays writable under a read-only root, for whom it belongs to. */
function volumeOf(
  place: string,
  written: readonly WrittenFile[],
  seen: Seen,
  { uid, gid }: PathsContext,
): Volume {
  const path = cleanPath(place);
  const state = seen.directory(path);
  const files = written.filter((file) => isAtOrBelow(file.path, path));
  const owner =
    state === undefined ? '' : `, ${state.uid}:${state.gid} ${state.mode.toString(8).padStart(4, '0')}`;
  if (state === undefined || mayWrite(state, uid ?? NOBODYS, gid ?? NOBODYS))
    return { data: { value: path, because: `VOLUME of the image${owner}, to which its user may write` } };
  const older = olderContent(path, seen);
  const what = files.length === 0 ? 'nothing was written there yet' : whatOf(files);
  return {
    writable: {
      value: path,
      because: `VOLUME of the image${owner}, to which only its owner may write: ${what}`,
    },
    ...(older !== undefined && { warning: `An emptyDir at the VOLUME ${path} hides the image's ${older}.` }),
  };
}

/** An id that no file has: of a user of whom nothing is known. */
const NOBODYS = -2;

function valueOf({ path, files }: Directory): LearnedValue {
  return { value: path, because: whatOf(files) };
}

/** `/run/server.pid (uid 0, written since its start) and 2 more` */
function whatOf(files: readonly WrittenFile[]): string {
  const things = files.filter(({ kind }) => kind !== 'directory');
  const shown = (things.length > 0 ? things : files)[0];
  if (shown === undefined) return 'something was made and removed there';
  const count = (things.length > 0 ? things : files).length;
  const verb =
    shown.how === 'open' ? `${shown.process ?? 'a process'} has it open` : 'written since its start';
  return `${shown.path} (uid ${shown.uid}, ${verb})${more(count)}`;
}

function more(count: number): string {
  return count > 1 ? ` and ${count - 1} more` : '';
}

/** What of a path tells that it can be lost: logs, caches, and what is only for the running program. */
const PASSING =
  /(?:^|\/)(?:\.?caches?|logs?|tmp|temp|temporary|work|run|locks?|spool|sessions?)(?:\/|$)|\.(?:log|pid|lock|sock|tmp|out)$/i;

function dataWarnings(directories: readonly Directory[]): string[] {
  return directories.flatMap(({ path, files }) => {
    const things = files.filter(({ kind }) => kind === 'file');
    const data = things.filter((file) => !PASSING.test(file.path));
    const [first] = data;
    if (first === undefined) return [];
    return [
      `${path} holds what looks like data (${first.path}${more(data.length)}). In an emptyDir it lives as long as the pod; as it is now, only as long as the container. Mount a volume there if it is to stay.`,
    ];
  });
}

const GIBI = 1024 ** 3;

/** A pod that passes an emptyDir's limit is evicted: what fills more than a quarter of it already gets a larger one. */
function sizeField(directories: readonly Directory[], { sizeLimit }: PathsContext): LearnedField {
  const sized = directories.map(({ path, files }) => ({
    path,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  }));
  const [largest] = sized.sort((one, other) => other.bytes - one.bytes);
  if (largest === undefined || largest.bytes * 4 <= sizeLimit)
    return { field: 'sizeLimit', values: [], notes: [] };
  const value = `${Math.ceil((largest.bytes * 4) / GIBI)}Gi`;
  const because = `${largest.path} holds ${Math.round(largest.bytes / 1024 ** 2)} MiB already; four times as much`;
  return { field: 'sizeLimit', values: [{ value, because }], notes: [] };
}

function listed(items: readonly string[]): string {
  const MOST = 4;
  const shown = items.slice(0, MOST).join(', ');
  return items.length > MOST ? `${shown} and ${items.length - MOST} more` : shown;
}
