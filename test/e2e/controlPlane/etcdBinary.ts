import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BinariesError } from './binariesError.js';
import { onPath } from './onPath.js';

/**
 * etcd from PATH, or from Debian's package. That one is unpacked into the cache and not installed: installing it would
 * start a system service on etcd's own ports.
 *
 * @throws BinariesError where neither is possible
 */
export function findEtcd(env: NodeJS.ProcessEnv, cacheFolder: string, say: (line: string) => void): string {
  const installed = onPath('etcd', { PATH: `${env['PATH'] ?? ''}:/usr/bin:/usr/local/bin` });
  if (installed !== undefined) return installed;
  const cached = join(cacheFolder, 'etcd', 'usr', 'bin', 'etcd');
  if (!existsSync(cached)) unpackDebianPackage(join(cacheFolder, 'etcd'), env, say);
  return cached;
}

function unpackDebianPackage(folder: string, env: NodeJS.ProcessEnv, say: (line: string) => void): void {
  const missing = 'The end-to-end tests need etcd 3.4 or newer on PATH (Debian: apt-get install etcd-server)';
  if (onPath('apt-get', env) === undefined || onPath('dpkg', env) === undefined) {
    throw new BinariesError(`${missing}; there is no apt-get here to fetch it with.`);
  }
  say('Fetching etcd from Debian into the cache; nothing is installed.');
  mkdirSync(join(folder, '..'), { recursive: true });
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    download(partial, env);
    const archive = readdirSync(partial).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get download left no package');
    execFileSync('dpkg', ['-x', archive, partial], { cwd: partial, env });
    if (!existsSync(folder)) renameSync(partial, folder);
  } catch (error) {
    throw new BinariesError(`${missing}; fetching the package failed.`, { cause: error });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** A machine that has never asked Debian for its lists does not know the package yet. */
function download(folder: string, env: NodeJS.ProcessEnv): void {
  const stdio: ['ignore', number, number] = ['ignore', 2, 2];
  const get = (): void =>
    void execFileSync('apt-get', ['download', 'etcd-server'], { cwd: folder, env, stdio });
  try {
    get();
  } catch {
    execFileSync('apt-get', ['update'], { env, stdio });
    get();
  }
}
