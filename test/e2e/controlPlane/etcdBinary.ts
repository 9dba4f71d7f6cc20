import { join } from 'node:path';
import { BinariesError } from './binariesError.js';
import { debianPackage } from './debianPackage.js';
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
  try {
    return join(debianPackage('etcd-server', { cacheFolder, env, say }), 'usr', 'bin', 'etcd');
  } catch (error) {
    if (!(error instanceof BinariesError)) throw error;
    const needed =
      'The end-to-end tests need etcd 3.4 or newer on PATH (Debian: apt-get install etcd-server)';
    throw new BinariesError(`${needed}; ${error.message}.`, { cause: error.cause });
  }
}
