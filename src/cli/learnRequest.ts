import { readFileSync } from 'node:fs';
import { namespaceProblem } from '../preview/choices.js';
import { parseGoDuration } from '../server/goDuration.js';
import { CommandError } from './commandError.js';
import type { LearnFlags } from './learn.js';
import { parseDoctorTarget } from './doctorTarget.js';
import type { LiveTarget } from './liveTarget.js';
import { systemReason } from './systemReason.js';

/** What the command line asks for, checked before anything is sent. */
export interface LearnRequest {
  readonly target: LiveTarget;
  readonly namespace: string | undefined;
  readonly container: string | undefined;
  readonly debugImage: string | undefined;
  /** 0: once. */
  readonly watchMs: number;
  readonly output: 'yaml' | 'json';
  readonly policy: PolicyTarget | undefined;
  readonly verify: VerifyRequest | undefined;
}

/** Where the profile is to go. */
export interface PolicyTarget {
  readonly file: string;
  readonly text: string;
  /** Else its diff is printed. */
  readonly write: boolean;
}

export interface VerifyRequest {
  /** The program may be started a second time. */
  readonly yes: boolean;
  readonly timeoutMs: number;
}

/** A watch is kept in this process's memory; a night is enough. */
const WATCH_MAX_MS = 24 * 3_600_000;

/** @throws CommandError with everything that is wrong */
export async function learnRequest(given: string, flags: LearnFlags): Promise<LearnRequest> {
  const problems: string[] = [];
  const target = targetOf(given, problems);
  const wrong = flags.namespace === undefined ? undefined : namespaceProblem(flags.namespace);
  if (wrong !== undefined) problems.push(`--namespace: ${wrong}`);
  problems.push(...togetherProblems(flags));
  const watchMs = flags.watch === undefined ? 0 : duration('--watch', flags.watch, problems);
  if (watchMs > WATCH_MAX_MS) problems.push(`--watch: ${String(flags.watch)} is more than 24h`);
  const timeoutMs = duration('--verify-timeout', flags.verifyTimeout ?? '3m', problems);
  const policy =
    flags.policy === undefined ? undefined : policyTarget(flags.policy, flags.write === true, problems);
  if (policy) await checkPolicy(policy, problems);
  if (problems.length > 0 || !target) throw new CommandError(problems);
  return {
    target,
    namespace: flags.namespace,
    container: flags.container,
    debugImage: flags.debugImage,
    watchMs,
    output: flags.output ?? 'yaml',
    policy,
    verify: flags.verify === true ? { yes: flags.yes === true, timeoutMs } : undefined,
  };
}

function targetOf(given: string, problems: string[]): LiveTarget | undefined {
  try {
    return parseDoctorTarget(given);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    problems.push(...error.lines);
    return undefined;
  }
}

/** Options that have no meaning alone, or none together. */
function togetherProblems({ policy, write, verify, verifyTimeout, yes, output }: LearnFlags): string[] {
  return [
    ...(write === true && policy === undefined ? ['--write needs --policy: the file to write'] : []),
    ...(verifyTimeout !== undefined && verify !== true
      ? ['--verify-timeout is for --verify: nothing else waits for a copy']
      : []),
    ...(yes === true && verify !== true ? ['--yes is for --verify: nothing else is started'] : []),
    ...(policy !== undefined && write !== true && output === 'json'
      ? ['-o json: with --policy and without --write the diff is printed; leave one of them out']
      : []),
  ];
}

function duration(flag: string, text: string, problems: string[]): number {
  const milliseconds = parseGoDuration(text);
  if (milliseconds === undefined || milliseconds <= 0)
    problems.push(`${flag}: ${JSON.stringify(text)} is no duration; write 30s or 10m`);
  return milliseconds ?? 0;
}

function policyTarget(file: string, write: boolean, problems: string[]): PolicyTarget | undefined {
  try {
    return { file, write, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const advice = isMissing(error) ? '; make one: kube-harden policy show default > ' + file : '';
    problems.push(`--policy: ${file}: ${systemReason(error)}${advice}`);
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Before ten minutes are spent on what cannot be written down. */
async function checkPolicy({ file, text }: PolicyTarget, problems: string[]): Promise<void> {
  const [{ loadPolicies }, { PolicyError }] = await Promise.all([
    import('../policy/load.js'),
    import('../policy/policyError.js'),
  ]);
  try {
    loadPolicies(text, { source: file });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    problems.push(...error.message.split('\n').map((line) => `--policy: ${line}`));
  }
}
