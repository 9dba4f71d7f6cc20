import { ProgramFailure } from '../programFailure.js';
import type { Program } from '../programs/program.js';
import { read, write } from '../programRun.js';
import type { BrokenWorkload, Combination } from './combination.js';
import { deploy, podOfDeployment } from './deployment.js';

/** A program that hardening does not break, with its profile under the built-in `default`: what it complains of by habit. */
export function healthy(program: Program): Combination {
  const { id, profile } = program;
  return {
    id: `healthy-${id.toLowerCase()}`,
    group: 'healthy',
    title: `${id} with its profile, serving`,
    program: id,
    ...(profile && { policy: { imageProfiles: [profile] } }),
    expected: [],
    make: (namespace) => serve(program, namespace),
  };
}

/** It serves, writes and reads. */
async function serve(program: Program, namespace: string): Promise<BrokenWorkload | undefined> {
  const name = program.id.toLowerCase();
  await deploy(namespace, name, program.pod(program.image.name));
  const pod = await podOfDeployment(namespace, name);
  const host = await pod.becomesReady({ timeoutMs: 180_000 });
  const value = await write(program, pod, host).catch((error: unknown) => {
    // A client may give up on a machine that is busy with others.
    if (error instanceof ProgramFailure) return write(program, pod, host);
    throw error;
  });
  await read(program, pod, host, value);
  return { target: `deploy/${name}`, pod: pod.name, quote: 'serves, writes and reads' };
}
