import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import type { KubeHarden } from '../../../e2e/support/kubeHarden.js';

const run = promisify(execFile);

/** Numbers of cores, as `taskset --cpu-list` takes them. */
export type Cores = string;

/** Two of the cores that this process may run on; undefined where it has one, or where that cannot be told. */
export function twoCores(): readonly [Cores, Cores] | undefined {
  if (!existsSync('/proc/self/status')) return undefined;
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [one, other] = list.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return last > first ? [first, first + 1] : [first];
  });
  return one === undefined || other === undefined ? undefined : [String(one), String(other)];
}

/**
 * Has the thread that answers admission run on some cores and every other thread of the process on others, as far as they
 * run by now: one that is started later gets the cores of the thread that starts it.
 */
export async function separate({ pid }: KubeHarden, admission: Cores, others: Cores): Promise<void> {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const cores = Number(thread) === pid ? admission : others;
    try {
      await run('taskset', ['--pid', '--cpu-list', cores, thread]);
    } catch (error) {
      // It has ended meanwhile.
      if (existsSync(`/proc/${pid}/task/${thread}`)) throw error;
    }
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
