import { ProgramFailure } from '../programFailure.js';
import type { ProgramPod } from '../programPod.js';
import { read, write } from '../programRun.js';
import type { Program } from '../programs/program.js';
import type { BrokenWorkload } from './combination.js';
import { deploy, podOfDeployment } from './deployment.js';

/** Several start at once, on few processors: one that is slow is not to pass for one that is broken. */
const READY_TIMEOUT_MS = 180_000;

/** Deploys a program, has it serve, write and read, kills it and has it do so again, as runProgram does with a bare pod. */
export async function deployProgram(
  program: Program,
  namespace: string,
  spec: object = program.pod(program.image.name),
): Promise<BrokenWorkload | undefined> {
  const name = program.id.toLowerCase();
  await deploy(namespace, name, spec);
  const pod = await podOfDeployment(namespace, name);
  try {
    const value = await twice(async () => writeAndRead(program, pod, await ready(pod)));
    await pod.kill();
    await twice(async () => {
      const host = await ready(pod, 1);
      if (program.survives) await read(program, pod, host, value);
      else await writeAndRead(program, pod, host);
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof ProgramFailure)) throw error;
    return { target: `deploy/${name}`, pod: pod.name, quote: `${error.step}: ${error.quote}` };
  }
}

function ready(pod: ProgramPod, restarts = 0): Promise<string> {
  return pod.becomesReady({ restarts, timeoutMs: READY_TIMEOUT_MS });
}

async function writeAndRead(program: Program, pod: ProgramPod, host: string): Promise<string> {
  const value = await write(program, pod, host);
  await read(program, pod, host, value);
  return value;
}

/** A client that gives up on a slow program finds it ready the second time; one that is broken stays so. */
async function twice<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ProgramFailure) || error.step === 'start' || error.step === 'restart') throw error;
    return attempt();
  }
}
