import { readFileSync, readdirSync } from 'node:fs';
import { responseOf } from '../../../admission/support/reviews.js';
import { podReview } from '../../../bench/review.js';
import { KubeHarden } from '../../../e2e/support/kubeHarden.js';
import { RunFolder } from '../../../e2e/support/runFolder.js';
import { authority } from '../../support/certificates.js';
import { post, type Call } from '../../support/clients.js';

/** `make faults-long`: waits and counts until it is sure, and holds to the goals of a quiet machine; the short variant is for every push. */
export const LONG = process.env['KUBE_HARDEN_FAULTS'] === 'long';

export const runFolder = RunFolder.create();

let started = 0;

export interface ServeOptions {
  /** Appended to the flags: the last one of a flag counts. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A `kube-harden serve` of its own, standalone, ready; ended with the run where a test does not end it. */
export function serve({ args = [], env = {} }: ServeOptions = {}): Promise<KubeHarden> {
  started += 1;
  return KubeHarden.start({
    name: `serve-${started}`,
    folder: runFolder,
    kubeconfig: 'none',
    certificates: authority,
    args: ['--log-decisions', 'denied', '--shutdown-delay-duration', '0s', ...args],
    env,
  });
}

/** The sentence behind "and the next healthy request is served": hardened, as ever. */
export async function hardens({ admissionPort }: KubeHarden, options: Call = {}): Promise<boolean> {
  const { status, text } = await post(admissionPort, podReview(2), options, '/mutate?timeout=30s');
  return status === 200 && responseOf({ body: text }).operations.length > 0;
}

/** How many file descriptors a process holds. */
export function openFiles({ pid }: KubeHarden): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Of a process's memory what is resident: now, and at most since it started, in MiB. */
export function residentMiB({ pid }: Pick<KubeHarden, 'pid'>): {
  readonly now: number;
  readonly most: number;
} {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field: string): number =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024);
  return { now: of('VmRSS'), most: of('VmHWM') };
}

const held: string[] = [];

/** A line under the test's title, with what it counted; where files are tested side by side, above all titles of its file. */
export function print(line: string): void {
  if (process.env['MOCHA_WORKER_ID'] === undefined) console.log(`      ${line}`);
  else held.push(`      ${line}`);
}

/** At the end of a file: its lines, together. */
export function printHeld(): void {
  for (const line of held.splice(0)) console.log(line);
}
