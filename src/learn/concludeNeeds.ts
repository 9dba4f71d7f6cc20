import { DEFAULT_CAPABILITIES } from '../hardening/capabilityNames.js';
import type { LearnedField, LearnedValue, ObservedProcess } from './observation.js';
import { namesOf } from './concludeUser.js';
import type { Seen } from './seen.js';

const SET_UID = 0o4000;
const SET_GID = 0o2000;

/** What the program cannot do without, by the state of its processes. */
export function concludeNeeds(seen: Seen, writableRoot: string | undefined): LearnedField {
  const values: LearnedValue[] = [];
  const notes: string[] = [];
  const need = (value: string, because: string): void => {
    if (!values.some((each) => each.value === value)) values.push({ value, because });
  };
  for (const [path, names] of seen.fileCapabilities) {
    for (const name of names.filter((each) => DEFAULT_CAPABILITIES.includes(each)))
      need(name, `a file capability of ${path}, which runs: without it the kernel may not even start it`);
    const beyond = names.filter((each) => !DEFAULT_CAPABILITIES.includes(each));
    if (beyond.length > 0)
      notes.push(
        `${path} carries ${beyond.join(', ')} as file capabilities, which is more than a profile gives: the pod itself has to add it.`,
      );
  }
  for (const process of seen.processes) {
    const gained = gainedCapabilities(process);
    for (const name of gained.filter((each) => DEFAULT_CAPABILITIES.includes(each)))
      need(
        name,
        `${process.name} (pid ${process.pid}) has it as uid ${process.uid.effective}, so from its file`,
      );
  }
  const escalated = escalations(seen.processes) ?? traceOfRoot(seen);
  if (escalated !== undefined) {
    need('allowPrivilegeEscalation', escalated);
    for (const name of ['SETUID', 'SETGID']) need(name, 'a set-uid program becomes another user with it');
    const given = emptyDirGivenAway(seen);
    if (given !== undefined) need('CHOWN', given);
  }
  const sandboxed = seen.processes.filter(({ ownUserNamespace }) => ownUserNamespace);
  if (sandboxed.length > 0)
    need(
      'unconfinedSeccomp',
      `${namesOf(sandboxed)} run in a user namespace of their own, which RuntimeDefault refuses to make`,
    );
  if (writableRoot !== undefined) need('writableRoot', writableRoot);
  // Started as another user than root, it would have them by now.
  const wouldShow = seen.startUids.length > 0 && seen.startUids.every((uid) => uid > 0);
  const unread = seen.processes.filter(({ exe }) => exe === undefined || !seen.fileCapabilities.has(exe));
  if (!wouldShow && unread.length > 0 && unread.length === seen.processes.length)
    notes.push(
      `file capabilities of ${namesOf(unread)} could not be read. If it does not start hardened (operation not permitted), its file carries some; \`kube-harden profile IMAGE\` reads them from the image.`,
    );
  if (seen.processes.length > 0 && seen.processes.every(({ noNewPrivileges }) => noNewPrivileges))
    notes.push(
      'no_new_privs is set for all its processes already: allowPrivilegeEscalation: false changes nothing.',
    );
  return { field: 'needs', values, notes };
}

/**
 * Capabilities in effect of a process that is not root's, and that it was not given by the runtime: they come from its
 * file. A program that starts as root can also keep them when it drops (PR_SET_KEEPCAPS); then its real user's are kept
 * from a start as root, which a container that starts as another user does not have.
 */
function gainedCapabilities({ uid, capabilities, ownUserNamespace }: ObservedProcess): readonly string[] {
  if (ownUserNamespace || uid.effective === 0 || uid.real === 0) return [];
  return capabilities.effective.filter((name) => !capabilities.ambient.includes(name));
}

/** What only root can have done in a container that was not started as root, and in which nothing is root's now. */
function traceOfRoot(seen: Seen): string | undefined {
  const isRootless =
    seen.startUids.length > 0 &&
    seen.startUids.every((uid) => uid > 0) &&
    seen.processes.every(({ uid }) => uid.effective > 0);
  if (!isRootless) return undefined;
  const made = seen.written.find(({ kind, uid, how }) => kind === 'file' && uid === 0 && how === 'newer');
  if (made !== undefined)
    return `${made.path} was written as root, and the container was started as uid ${seen.startUids.join(', ')}: by a set-uid program`;
  const given = emptyDirGivenAway(seen);
  return given === undefined
    ? undefined
    : `${given}, and the container was not started as root: by a set-uid program`;
}

function emptyDirGivenAway(seen: Seen): string | undefined {
  const path = seen.ownEmptyDirs.find((place) => (seen.directory(place)?.uid ?? 0) > 0);
  return path === undefined
    ? undefined
    : `the emptyDir at ${path} was given to uid ${seen.directory(path)?.uid ?? ''}, which only root can`;
}

/** A set-uid program that runs, or a process of root's below one that was not. */
function escalations(processes: readonly ObservedProcess[]): string | undefined {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  for (const process of processes) {
    if (process.ownUserNamespace) continue;
    const { exe, exeMode = 0, exeUid, uid } = process;
    if (exe !== undefined && (exeMode & (SET_UID | SET_GID)) !== 0) {
      const isOfAnother = (exeMode & SET_GID) !== 0 || exeUid !== uid.real;
      if (isOfAnother)
        return `${exe} is set-uid or set-gid (${exeMode.toString(8)}) and runs (pid ${process.pid})`;
    }
    const parent = byPid.get(process.ppid);
    if (parent !== undefined && parent.uid.saved > 0 && parent.uid.real > 0 && uid.effective === 0)
      return `${process.name} (pid ${process.pid}) is root's below ${parent.name} (pid ${parent.pid}) of uid ${parent.uid.effective}: it became root by a set-uid program`;
  }
  return undefined;
}
