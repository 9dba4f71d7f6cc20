import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';

/** Thrown for a file that is not to be written, though the operating system might let us. */
export class NotReplaceable extends Error {
  readonly code = 'NotReplaceable';
}

/**
 * Gives a file another text, wholly or not at all: it is written to a file beside it, which then takes its place with
 * its mode, and with its owner where we may give it. Of a symbolic link the file that it leads to is replaced; a hard
 * link keeps the old text.
 *
 * @throws NotReplaceable for what is read-only or no regular file
 * @throws a system error where it cannot be written; nothing is changed then, and nothing left behind
 */
export function replaceFile(path: string, text: string): void {
  const file = realpathSync(path);
  const before = statSync(file);
  if (!before.isFile()) throw new NotReplaceable('it is no regular file');
  // A rename would succeed, and root may write everything: but who takes the permission away means it.
  if ((before.mode & 0o222) === 0) throw new NotReplaceable('it is read-only');
  accessSync(file, constants.W_OK);
  const folder = dirname(file);
  // In the same folder, for only within a file system is a rename one step; a short name, for names have a limit.
  const temporary = join(folder, `.kube-harden-${randomBytes(8).toString('hex')}.tmp`);
  try {
    writeLike(before, temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
}

function writeLike(before: Stats, path: string, text: string): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(descriptor, text);
    keepOwner(descriptor, before);
    // After the owner: a change of owner takes the set-user-id bits away.
    fchmodSync(descriptor, before.mode & 0o7777);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Another's file becomes ours unless we are root; the group can often be kept. */
function keepOwner(descriptor: number, { uid, gid }: Stats): void {
  for (const owner of [uid, -1]) {
    try {
      fchownSync(descriptor, owner, gid);
      return;
    } catch {
      // Not allowed, or the file system knows no owners.
    }
  }
}

/** So that the rename outlives a loss of power; some file systems cannot, and the file itself is whole either way. */
function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, 'r');
    fsyncSync(descriptor);
  } catch {
    return;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
