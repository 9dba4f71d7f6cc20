import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import type { KubeHarden } from '../../../e2e/support/kubeHarden.js';

const run = promisify(execFile);

/** Numbers of cores, as `taskset --cpu-list` takes them. */
export type Cores = string;

/**
 * Has the thread that answers admission run on some cores and every other thread of the process on others, as far as they
 * run by now: one that is started later gets the cores of the thread that starts it.
 */
export async function separate({ pid }: KubeHarden, admission: Cores, others: Cores): Promise<void> {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const cores = Number(thread) === pid ? admission : others;
    await run('taskset', ['--pid', '--cpu-list', cores, thread]);
  }
}

/** A command, and its arguments, of a process that runs on these cores; on all of them unless they are given. */
export function onCores(
  cores: Cores | undefined,
  command: readonly [string, ...string[]],
): [string, string[]] {
  const [program, ...args] = cores === undefined ? command : ['taskset', '--cpu-list', cores, ...command];
  return [program, args];
}
