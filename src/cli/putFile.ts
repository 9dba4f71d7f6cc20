import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile } from './replaceFile.js';

/**
 * Gives a file its text, wholly or not at all, also where there is no such file yet.
 *
 * @throws NotReplaceable for what is read-only or no regular file
 * @throws a system error where it cannot be written; nothing is left behind then
 */
export function putFile(path: string, text: string): void {
  if (statSync(path, { throwIfNoEntry: false })) {
    replaceFile(path, text);
    return;
  }
  const temporary = join(dirname(path), `.kube-harden-${randomBytes(8).toString('hex')}.tmp`);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
