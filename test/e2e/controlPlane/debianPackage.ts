import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BinariesError } from './binariesError.js';
import { onPath } from './onPath.js';

export interface DebianPackageOptions {
  readonly cacheFolder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

/**
 * The folder in the cache that a Debian package is unpacked in, as it would lie under `/`. Nothing is installed: no
 * maintainer script runs, no service starts, and the machine's own files stay as they are. What the package depends on
 * is the caller's affair.
 *
 * @throws BinariesError where there is no apt-get or dpkg, or no way to Debian's archive
 */
export function debianPackage(name: string, { cacheFolder, env, say }: DebianPackageOptions): string {
  const folder = join(cacheFolder, 'debian', name);
  if (existsSync(folder)) return folder;
  const missing = ['apt-get', 'dpkg'].find((program) => onPath(program, env) === undefined);
  if (missing !== undefined) {
    throw new BinariesError(
      `Debian's package ${name} is needed, and there is no ${missing} here to fetch it with`,
    );
  }
  say(`Fetching ${name} from Debian into the cache; nothing is installed.`);
  mkdirSync(dirname(folder), { recursive: true });
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    const download = join(partial, 'download');
    const root = join(partial, 'root');
    mkdirSync(download);
    mkdirSync(root);
    fetchInto(download, name, env);
    const archive = readdirSync(download).find((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get download left no package');
    execFileSync('dpkg', ['-x', join(download, archive), root], { env });
    // Another run may have been faster.
    if (!existsSync(folder)) renameSync(root, folder);
  } catch (error) {
    throw new BinariesError(`Debian's package ${name} is needed, and fetching it failed`, { cause: error });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

/** A machine that has never asked Debian for its lists does not know the package yet. */
function fetchInto(folder: string, name: string, env: NodeJS.ProcessEnv): void {
  const stdio: ['ignore', number, number] = ['ignore', 2, 2];
  // Without a sandbox user, who may not write into the cache; apt-get would warn of that.
  const download = ['-o', 'APT::Sandbox::User=root', '--quiet=2', 'download', name];
  const get = (): void => void execFileSync('apt-get', download, { cwd: folder, env, stdio });
  try {
    get();
  } catch {
    execFileSync('apt-get', ['--quiet=2', 'update'], { env, stdio });
    get();
  }
}
