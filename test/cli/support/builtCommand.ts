import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleCli } from '../../../scripts/krew/bundle.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** In the project, so that packages are found. */
const FOLDER = join(ROOT, `.cache/test-cli-${process.pid}`);
const DIST = join(FOLDER, 'dist');

let built: Promise<string> | undefined;

/**
 * The command line as programs: `kube-harden`, `kubectl-harden` and `kubectl_complete-harden`, compiled once for all
 * tests, so that a process starts in a tenth of a second.
 *
 * @returns the folder to put into PATH
 */
export function builtCommand(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
  await bundleCli(DIST, { packages: 'external' });
  for (const file of ['package.json', 'docs']) symlinkSync(join(ROOT, file), join(FOLDER, file));
  const bin = join(FOLDER, 'bin');
  mkdirSync(bin);
  const programs = {
    'kube-harden': 'kubectl-harden',
    'kubectl-harden': 'kubectl-harden',
    'kubectl_complete-harden': 'kubectl_complete-harden',
  };
  for (const [name, file] of Object.entries(programs)) {
    chmodSync(join(DIST, `${file}.js`), 0o755);
    symlinkSync(join(DIST, `${file}.js`), join(bin, name));
  }
  return bin;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program with the command line's programs first in PATH. Variables of a cluster or of kube-harden are left out. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, input, env }: RunOptions = {},
): Promise<Ran> {
  const bin = await builtCommand();
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:KUBE|POD_|NODE_(?:OPTIONS|V8))/.test(name),
  );
  const child = spawn(program, args, {
    cwd,
    env: { ...Object.fromEntries(inherited), PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, ...env },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  // A program that reads nothing may be gone already.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  return { code, ...said };
}
