import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { cacheName } from '../../e2e/controlPlane/build.js';
import { onPath } from '../../e2e/controlPlane/onPath.js';

export const CACHE = join(homedir(), '.cache', 'kube-harden');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without variables of a cluster, of Krew or of kube-harden.
 *
 * @param folders first in PATH, before those of the machine
 */
export function runIn(
  cwd: string,
  folders: readonly string[],
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Ran {
  const path = [...folders, ...kubectlFolders(), process.env['PATH'] ?? ''].join(delimiter);
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:KUBE|KREW|POD_|NODE_(?:OPTIONS|V8)|npm_(?!config))/.test(name),
  );
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    timeout: 90_000,
    env: { ...Object.fromEntries(inherited), ...env, PATH: path },
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
}

/** kubectl is that of the machine, else the one that the end-to-end tests have built. */
function kubectlFolders(): string[] {
  const built = join(CACHE, cacheName());
  return onPath('kubectl', process.env) === undefined && existsSync(join(built, 'kubectl')) ? [built] : [];
}
