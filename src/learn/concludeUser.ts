import { DEFAULT_CAPABILITIES } from '../hardening/capabilityNames.js';
import { MAX_PATHS, isNameable } from '../hardening/profileBounds.js';
import { isAtOrBelow } from '../hardening/volumes.js';
import type { DirectoryState, LearnedField, LearnedValue, ObservedProcess } from './observation.js';
import { parentOf } from './readFiles.js';
import type { Seen } from './seen.js';

/** As whom the program works. */
export interface LearnedUser {
  /** Undefined where all its processes are root's, or run as several users. */
  readonly uid: number | undefined;
  /** That of its processes; 0 cannot be written into a profile. */
  readonly gid: number | undefined;
  /** It was started as root, as far as that could be seen. */
  readonly startsAsRoot: boolean;
  readonly fields: readonly LearnedField[];
  readonly warnings: readonly string[];
}

/** The uid and gid that the program dropped to, and what it needs where it has to start as root all the same. */
export function concludeUser(seen: Seen): LearnedUser {
  const own = seen.processes.filter(({ ownUserNamespace }) => !ownUserNamespace);
  const dropped = own.filter(({ uid }) => uid.effective > 0);
  const uids = [...new Set(dropped.map(({ uid }) => uid.effective))].sort((one, other) => one - other);
  const isRoot = own.some(({ uid }) => uid.effective === 0);
  // Where the start was seen, root's processes in a container that starts as somebody else became so by themselves.
  const startsAsRoot = seen.startUids.length > 0 ? seen.startUids.includes(0) : isRoot;
  const [uid] = uids;
  if (uid === undefined) return { ...stayedRoot(own), startsAsRoot };
  if (uids.length > 1) return { ...severalUsers(dropped, uids), startsAsRoot };

  const gids = [...new Set(dropped.map(({ gid }) => gid.effective))];
  const [gid = uid] = gids;
  const names = namesOf(dropped);
  const because =
    isRoot && startsAsRoot
      ? `${names} run so; ${namesOf(own.filter((process) => process.uid.effective === 0))} stays root`
      : startsAsRoot
        ? `${names}: started as root, it dropped to it by itself`
        : `${names}: it was started so`;
  const groupNotes = [
    ...(gid === 0
      ? [
          `the processes have gid 0, which a profile cannot say: they get gid ${uid}, and lose what only root's group may use.`,
        ]
      : []),
    ...(gids.length > 1 ? [`its processes have several groups: ${gids.join(', ')}.`] : []),
  ];
  const starts = startsAsRoot ? rootFields(seen, own, uid) : [];
  return {
    uid,
    gid,
    startsAsRoot,
    fields: [
      { field: 'runAsUser', values: [{ value: uid, because }], notes: [] },
      {
        field: 'runAsGroup',
        values: gid === uid || gid === 0 ? [] : [{ value: gid, because: `the group of ${names}` }],
        notes: groupNotes,
      },
      ...starts,
    ],
    warnings: [],
  };
}

type Outcome = Omit<LearnedUser, 'startsAsRoot'>;

function stayedRoot(own: readonly ObservedProcess[]): Outcome {
  const note = `not known: ${namesOf(own)} stays root, and drops to no user of its own. Without runAsUser the policy's uid is used: then it must need nothing that only root may read.`;
  return {
    uid: undefined,
    gid: undefined,
    fields: [{ field: 'runAsUser', values: [], notes: [note] }],
    warnings: [],
  };
}

function severalUsers(dropped: readonly ObservedProcess[], uids: readonly number[]): Outcome {
  const each = uids.map(
    (uid) => `${uid} (${namesOf(dropped.filter((process) => process.uid.effective === uid))})`,
  );
  const note = `not known: its processes run as several users: ${each.join(', ')}.`;
  return {
    uid: undefined,
    gid: undefined,
    fields: [{ field: 'runAsUser', values: [], notes: [note] }],
    warnings: [
      `Its processes run as several users (${uids.join(', ')}): a container that is started as one of them cannot become the others. It has to start as root, which takes an exception from runAsNonRoot, runAsUser and capabilities.`,
    ],
  };
}

/** What it did as root before or while others work for it. */
function rootFields(seen: Seen, own: readonly ObservedProcess[], uid: number): LearnedField[] {
  const dropped = own.filter((process) => process.uid.effective === uid);
  const roots = own.filter((process) => process.uid.effective === 0);
  const found = new Map<string, string>();
  const need = (name: string, because: string): void => {
    if (DEFAULT_CAPABILITIES.includes(name) && !found.has(name)) found.set(name, because);
  };
  need('SETUID', `from root to uid ${uid}`);
  if (dropped.some(({ gid }) => gid.effective !== 0))
    need('SETGID', `from root's group to gid ${dropped[0]?.gid.effective ?? uid}`);
  const given = givenAway(seen, uid);
  if (given !== undefined) need('CHOWN', `${given} belongs to uid ${uid}, and only root could give it away`);
  const closed = seen.guarded.find(({ kind, uid: owner }) => kind === 'directory' && owner === uid);
  if (closed)
    need('DAC_OVERRIDE', `${closed.path} is for uid ${uid} alone: at its next start root enters it only so`);
  const port = seen.lowPorts[0]?.port;
  if (port !== undefined) need('NET_BIND_SERVICE', `it listens on port ${port}`);
  if (roots.length > 0)
    need('KILL', `${namesOf(roots)} stays root, and signals processes of uid ${uid} only so`);
  if (lostBounding(dropped, seen.startBounding))
    need('SETPCAP', 'its bounding set is smaller than that with which it was started');
  const chrooted = own.find(({ root }) => root !== undefined);
  if (chrooted) need('SYS_CHROOT', `the root directory of ${chrooted.name} is ${chrooted.root ?? ''}`);
  const device = seen.written.find(({ kind }) => kind === 'device');
  if (device) need('MKNOD', `it made the device ${device.path}`);
  const values = [...found]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([value, because]) => ({ value, because }));
  return [{ field: 'startsAsRoot.capabilities', values, notes: [] }, ownersOnly(seen, uid)];
}

/** A path that belongs to the program's user in a place where it could not have made it. */
function givenAway(seen: Seen, uid: number): string | undefined {
  const made = seen.written.find((file) => {
    if (file.uid !== uid || file.how === 'open') return false;
    if (file.how === 'owner') return true;
    const parent = seen.directory(parentOf(file.path));
    return parent !== undefined && parent.uid >= 0 && !mayWrite(parent, uid);
  });
  if (made) return made.path;
  // The kubelet makes the directory of a volume for root.
  return seen.authorMounts.find((path) => seen.directory(path)?.uid === uid);
}

/** Whether a user that is in no group of its own may make files in a directory. */
export function mayWrite({ uid, gid, mode }: DirectoryState, user: number, group: number = user): boolean {
  if (uid === user) return (mode & 0o200) !== 0;
  return (mode & 0o002) !== 0 || (gid === group && (mode & 0o020) !== 0);
}

/**
 * Volumes that outlive the pod and of which the program makes more than fsGroup allows: fsGroup opens a directory and what is
 * in it to a group, and a program that closed it may refuse it then.
 */
function ownersOnly(seen: Seen, uid: number): LearnedField {
  const values: LearnedValue[] = [];
  const notes: string[] = [];
  // Where something is mounted now, another pod mounts a volume that lasts.
  for (const path of [...seen.authorMounts, ...seen.imageVolumes]) {
    if (!isNameable(path)) continue;
    const state = seen.directory(path);
    const own = seen.guarded.filter(
      (each) => each.uid === uid && isAtOrBelow(each.path, path) && each.path !== path,
    );
    const secret = own.find(({ kind }) => kind === 'file');
    const folder = own.find(({ kind, mode }) => kind === 'directory' && (mode & 0o070) === 0);
    if (state?.uid === uid && (state.mode & 0o070) === 0)
      values.push({
        value: path,
        because: `uid ${uid} keeps it for itself (${octal(state.mode)}), which fsGroup would undo`,
      });
    else if (secret)
      values.push({
        value: path,
        because: `${secret.path} is for its owner alone (0400), which fsGroup would undo`,
      });
    else if (folder)
      notes.push(
        `${folder.path} is for uid ${uid} alone (${octal(folder.mode)}), and fsGroup opens it to a group. If the program insists on it, name ${path} in startsAsRoot.volumes: it then stays root where a volume that outlives the pod is mounted there.`,
      );
  }
  return { field: 'startsAsRoot.volumes', values: values.slice(0, MAX_PATHS), notes };
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function lostBounding(dropped: readonly ObservedProcess[], start: readonly string[] | undefined): boolean {
  if (start === undefined) return false;
  return dropped.some(({ capabilities }) => start.some((name) => !capabilities.bounding.includes(name)));
}

/** `server (pid 7, 8)`: which processes, by name and id. */
export function namesOf(processes: readonly ObservedProcess[]): string {
  const MOST = 3;
  return [...grouped(processes)]
    .slice(0, MOST)
    .map(([name, those]) => {
      const pids = [...new Set(those.map(({ pid }) => pid))];
      return `${name} (${pids.length > MOST ? `${pids.length} processes` : `pid ${pids.join(', ')}`})`;
    })
    .join(', ');
}

function grouped(processes: readonly ObservedProcess[]): Map<string, ObservedProcess[]> {
  const groups = new Map<string, ObservedProcess[]>();
  for (const process of processes) groups.set(process.name, [...(groups.get(process.name) ?? []), process]);
  return groups;
}
