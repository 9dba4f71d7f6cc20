import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { compact } from '../../../src/learn/access.js';
import { sectionsOf, type Section } from '../../../src/learn/sections.js';

/** What images have for a shell, as far as this machine has it. */
export const SHELLS: readonly (readonly string[])[] = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'sh'],
].filter(([program = '']) => where(program) !== undefined);

export function where(program: string): string | undefined {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
  return found === '' ? undefined : found;
}

/** A folder that holds these programs and nothing else: an image that has no more. */
export function toolFolder(parent: string, tools: readonly string[]): string {
  const folder = join(parent, `tools-${tools.join('-')}`);
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  for (const tool of tools) {
    const path = where(tool);
    if (path !== undefined) symlinkSync(path, join(folder, tool));
  }
  return folder;
}

export interface Run {
  readonly shell?: readonly string[];
  /** PATH, where it is not this process's. */
  readonly path?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a script of the probe as learn does, and gives what it prints. */
export function runScript(script: string, args: readonly string[], run: Run = {}): string {
  const [shell = 'sh', ...flags] = run.shell ?? SHELLS[0] ?? [];
  const env = { ...process.env, ...run.env, ...(run.path !== undefined && { PATH: run.path }) };
  return execFileSync(where(shell) ?? shell, [...flags, '-c', compact(script), 'learn', ...args], {
    encoding: 'utf8',
    env,
    cwd: run.cwd ?? '/',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 ** 2,
  });
}

export function sections(script: string, args: readonly string[], run: Run = {}): Section[] {
  return sectionsOf(runScript(script, args, run));
}
