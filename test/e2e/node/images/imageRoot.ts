import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ToolPaths } from '../debianTools.js';
import { debianMirror } from './debianMirror.js';
import { ImageError } from './imageError.js';
import type { ImageRecipe } from './recipe.js';

const SCRIPT = join(import.meta.dirname, 'buildRoot.sh');

/** Debian's, also where it comes from on Ubuntu. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Debian's means with which a base is made. */
export type DebootstrapPaths = Pick<ToolPaths, 'debootstrap' | 'debootstrapFolder'>;

/**
 * Fills a folder that does not exist with the root file system on which all images stand, and writes what it did into
 * the log.
 *
 * @throws ImageError naming the log
 */
export async function makeBaseRoot(root: string, tools: DebootstrapPaths, log: string): Promise<void> {
  const { main, security, settings } = debianMirror();
  await run(['base', root], log, {
    DEBOOTSTRAP: tools.debootstrap,
    DEBOOTSTRAP_DIR: tools.debootstrapFolder,
    KEYRING,
    MIRROR: main,
    SECURITY_MIRROR: security,
    APT_SETTINGS: settings,
  });
}

export interface ProgramRoot {
  /** What the image adds to the base. */
  readonly upper: string;
  /** Upstream's version of the program, without Debian's epoch and revision. */
  readonly version: string;
}

/**
 * @param work - an empty folder, in which `upper` lies afterwards
 * @throws ImageError naming the log, and where the package's version is not that of the image's tag
 */
export async function makeProgramRoot(
  base: string,
  recipe: ImageRecipe,
  work: string,
  log: string,
): Promise<ProgramRoot> {
  const folder = (name: string): string => join(work, name);
  for (const name of ['upper', 'work', 'files']) mkdirSync(folder(name));
  writeFiles(folder('files'), recipe.files ?? {});
  await run(['layer', base, folder('upper'), folder('work'), folder('files')], log, {
    PACKAGES: recipe.packages.join(' '),
    USERS: (recipe.users ?? [])
      .map(({ name, uid, gid, home = '/nonexistent' }) => `${name} ${uid} ${gid} ${home}`)
      .join('\n'),
    STEPS: recipe.steps ?? '',
    VERSION_OF: recipe.versionOf,
    VERSION_FILE: folder('version'),
  });
  const version = upstream(readFileSync(folder('version'), 'utf8'));
  const [tag = ''] = recipe.name
    .slice(recipe.name.lastIndexOf(':') + 1)
    .replace(/^v/, '')
    .split('-');
  if (version !== tag && !version.startsWith(`${tag}.`)) {
    throw new ImageError(
      `${recipe.name}: Debian's ${recipe.versionOf} is ${version} by now; name the image by a version that begins so.`,
    );
  }
  return { upper: folder('upper'), version };
}

function writeFiles(folder: string, files: NonNullable<ImageRecipe['files']>): void {
  for (const [path, file] of Object.entries(files)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (typeof file === 'string') writeFileSync(target, file, { mode: 0o644 });
    else writeFileSync(target, file.script, { mode: 0o755 });
  }
}

/** `1:2.3.4+ds1-5+deb12u1` is upstream's 2.3.4. */
function upstream(version: string): string {
  return version.replace(/^\d+:/, '').replace(/[-+~].*$/, '');
}

/** In namespaces of its own: no mount is left on the machine, and no process, however this ends. */
async function run(args: readonly string[], log: string, env: Record<string, string>): Promise<void> {
  const own = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const script = 'exec > "$0" 2>&1; exec sh "$@"';
  const child = spawn('unshare', [...own, 'sh', '-c', script, log, SCRIPT, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('exit', resolve));
  if (code === 0) return;
  throw new ImageError(
    `Making an image failed (needs root, unshare, overlayfs and Debian's mirror): ${lastLines(log)}`,
  );
}

/** The end of the log, since what failed is said there. */
function lastLines(log: string): string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return `${log}\n${lines.slice(-20).join('\n')}`;
}
