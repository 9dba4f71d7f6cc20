import { randomBytes } from 'node:crypto';
import type { Json } from '../controlPlane/apiClient.js';
import { inClient } from './client.js';
import { complaintIn, isRefusal } from './complaint.js';
import type { ContainerProcess } from './containerProcesses.js';
import { ProgramFailure, type Step } from './programFailure.js';
import { ProgramPod } from './programPod.js';
import type { RunnableProgram } from './programs/program.js';

/** What came of a program in a pod: it served, wrote and read, before and after it was killed, or it failed. */
export interface Outcome {
  readonly failure?: ProgramFailure;
  /** As admitted; undefined where it was not. */
  readonly podSpec?: Json;
  /** While it served. */
  readonly processes: readonly ContainerProcess[];
}

export interface RunOptions {
  readonly namespace: string;
  /** Unless given, what the program's users write. */
  readonly spec?: object;
  /** A failure is what the test expects: nothing is kept of it. */
  readonly mayFail?: boolean;
}

/** Never throws for what the program does: that is the outcome. */
export async function runProgram(program: RunnableProgram, options: RunOptions): Promise<Outcome> {
  const { namespace, spec = program.pod(program.image.name), mayFail = false } = options;
  let pod: ProgramPod | undefined;
  let processes: readonly ContainerProcess[] = [];
  try {
    pod = await ProgramPod.create(namespace, program.id.toLowerCase(), spec);
    const host = await pod.becomesReady();
    const value = await write(program, pod, host);
    await read(program, pod, host, value);
    processes = await pod.processes();
    await pod.kill();
    const again = await pod.becomesReady({ restarts: 1 });
    await read(program, pod, again, program.survives ? value : await write(program, pod, again));
    return { podSpec: pod.spec, processes };
  } catch (error) {
    if (!(error instanceof ProgramFailure)) throw error;
    if (!mayFail) await pod?.keepEvidence();
    return { failure: error, podSpec: pod?.spec, processes };
  } finally {
    await pod?.remove();
  }
}

/** For a test: the failure with all that it says, if there is one. */
export function expectServed(outcome: Outcome | undefined): void {
  if (outcome === undefined) throw new Error('it did not run');
  const { failure } = outcome;
  if (failure !== undefined) throw new Error(`${failure.step}: ${failure.message}`, { cause: failure });
}

/** The value, a random word. */
export async function write(program: RunnableProgram, pod: ProgramPod, host: string): Promise<string> {
  const value = `v${randomBytes(8).toString('hex')}`;
  const { code, output } = await inClient(program.write, { HOST: host, VALUE: value });
  if (code !== 0) throw await failureOf('write', pod, output);
  return value;
}

export async function read(
  program: RunnableProgram,
  pod: ProgramPod,
  host: string,
  value: string,
): Promise<void> {
  const { output } = await inClient(program.read, { HOST: host, VALUE: value });
  if (!output.includes(value)) throw await failureOf('read', pod, output);
}

/** The client tells what it could not do, and often only the program's own log tells why. */
async function failureOf(step: Step, pod: ProgramPod, output: string): Promise<ProgramFailure> {
  const client = complaintIn(output);
  const log = await pod.complaint();
  const quote = isRefusal(log) && !isRefusal(client) ? log : client;
  return new ProgramFailure(step, `the client: ${client}; the log: ${log}`, quote);
}
