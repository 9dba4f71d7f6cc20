import type { FSWatcher } from 'node:fs';
import { realpathSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { loadPolicyPath, policyFiles } from './load.js';
import type { Policy } from './policy.js';

/** What a change of the policies came to: new ones, or why they are not taken (PolicyError, or the system's error). */
export type PolicyChange = { readonly policies: readonly Policy[] } | { readonly error: unknown };

/** A ConfigMap swaps a link, an editor renames: some file systems and mounts report neither, so it is looked at too. */
const POLL_MS = 2000;
/** An editor's save is several events, and a moment without the file. */
const SETTLE_MS = 100;

/**
 * Loads a policy file or folder again whenever it changes. Who calls has loaded it once already; on an error the last
 * good policies stay in force, for nothing but the error is handed over. Keeps no process alive.
 *
 * @param seen its signature before it was loaded, so that no change in between is missed
 * @returns ends the watching
 */
export function watchPolicyPath(
  path: string,
  onChange: (change: PolicyChange) => void,
  seen = signature(path),
): { close(): void } {
  let settling: NodeJS.Timeout | undefined;

  const look = () => {
    if (settling !== undefined || signature(path) === seen) return;
    settling = setTimeout(() => {
      settling = undefined;
      // Taken before the files are read: what changes meanwhile is seen the next time.
      seen = signature(path);
      onChange(load(path));
    }, SETTLE_MS).unref();
  };

  const watchers = watchFolders(path, look);
  const poll = setInterval(look, POLL_MS).unref();
  return {
    close() {
      clearInterval(poll);
      clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function load(path: string): PolicyChange {
  try {
    return { policies: loadPolicyPath(path) };
  } catch (error) {
    return { error };
  }
}

/** Which files there are, and which version of each; what is not there is a version too. */
export function signature(path: string): string {
  try {
    return policyFiles(path)
      .map((file) => {
        const { ino, mtimeMs, ctimeMs, size } = statSync(file);
        return [file, realpathSync(file), ino, mtimeMs, ctimeMs, size].join('|');
      })
      .join('\n');
  } catch (error) {
    return String(error);
  }
}

/** The folder and the one above it, since a file's own watch ends when it is renamed. Where it fails, the poll is left. */
function watchFolders(path: string, look: () => void): FSWatcher[] {
  return [path, dirname(path)].flatMap((folder) => {
    try {
      const watcher = watch(folder, { persistent: false }, look);
      watcher.on('error', () => {
        watcher.close();
      });
      return [watcher];
    } catch {
      return [];
    }
  });
}
