import { topmost, type ImageFindings } from './imageFindings.js';

/** Below, distributions have users of their own, which are in every image. Source: Debian Policy 9.2.2. */
const FIRST_ADDED_UID = 100;

/** Of apt and nothing else. */
const NEVER_A_SERVICE = ['_apt', 'nobody'];

const MAX_CANDIDATES = 8;
const MAX_DIRECTORIES = 5;

/**
 * Whom an entrypoint that starts as root may become: who owns the image's volumes, then who owns other directories, then
 * who was added to /etc/passwd. Lines for people.
 */
export function candidateUsers(volumes: readonly string[], findings: ImageFindings | undefined): string[] {
  if (!findings) return ['Candidates are in the layers (--config-only).'];
  const { files, users, directories } = findings;
  const ownedVolumes = volumes.flatMap((volume) => {
    const found = files.find(volume);
    return found && found.file.uid !== 0 ? [{ uid: found.file.uid, gid: found.file.gid, volume }] : [];
  });
  const ownedDirectories = directories.filter(({ file }) => file.uid !== 0);
  const added = users.users.filter(
    ({ uid, name }) => uid >= FIRST_ADDED_UID && !NEVER_A_SERVICE.includes(name),
  );
  const uids = new Set([
    ...ownedVolumes.map(({ uid }) => uid),
    ...ownedDirectories.map(({ file }) => file.uid),
    ...added.map(({ uid }) => uid),
  ]);
  if (uids.size === 0) return ["Its /etc/passwd has no candidate, and all directories are root's."];
  const lines = [...uids].map((uid) => {
    const user = users.userOf(uid);
    const own = topmost(ownedDirectories.filter(({ file }) => file.uid === uid)).map(({ path }) => path);
    const gid = user?.gid ?? [...ownedVolumes.filter((owned) => owned.uid === uid)].at(0)?.gid;
    const owns = [
      ...ownedVolumes.filter((owned) => owned.uid === uid).map(({ volume }) => `VOLUME ${volume}`),
      ...own.slice(0, MAX_DIRECTORIES),
      ...(own.length > MAX_DIRECTORIES ? [`${own.length - MAX_DIRECTORIES} more directories`] : []),
    ];
    const ids = gid === undefined ? String(uid) : `${uid}:${gid}`;
    return `  ${ids} ${user?.name ?? '(not in /etc/passwd)'}${owns.length === 0 ? '' : `, owns ${owns.join(', ')}`}`;
  });
  const more = lines.length > MAX_CANDIDATES ? [`  and ${lines.length - MAX_CANDIDATES} more`] : [];
  return ['Candidates:', ...lines.slice(0, MAX_CANDIDATES), ...more];
}
