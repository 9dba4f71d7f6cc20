import { world } from '../../support/world.js';
import { ProgramFailure } from '../programFailure.js';
import type { ProgramPod } from '../programPod.js';
import { write } from '../programRun.js';
import type { RunnableProgram } from '../programs/program.js';

/** Programs whose work is done by others that end within milliseconds, and where these write what they are given. */
const WRITES: Readonly<Record<string, string>> = { sudo: '/srv/value', sandbox: '/tmp/value' };

/**
 * Leaves such a program in the midst of a write: a pipe that nobody reads has the place of the file, and whoever opens it
 * waits. In a cluster a watch of some minutes meets a busy program by itself.
 */
export async function keepBusy(program: RunnableProgram, pod: ProgramPod, host: string): Promise<void> {
  const file = WRITES[program.id];
  if (file === undefined) return;
  const script = 'rm -f "$0" && mkfifo --mode=0666 "$0"';
  const place = ['exec', '--namespace', pod.namespace, pod.name, '--'];
  await world().controlPlane.kubectlOutput([...place, 'sh', '-c', script, file]);
  try {
    await write(program, pod, host);
  } catch (error) {
    if (error instanceof ProgramFailure) return;
    throw error;
  }
  throw new Error(`${program.id} wrote into a pipe that nobody reads`);
}
