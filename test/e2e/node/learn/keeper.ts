import { httpValue } from '../programs/httpValue.js';
import type { RunnableProgram } from '../programs/program.js';
import { serverPod } from '../programs/serverPod.js';
import { KEEPER } from './staticImages.js';

/** A program in a distroless image, which starts as root, listens on a low port, and writes into its image. */
export const keeper: RunnableProgram = {
  id: 'keeper',
  image: KEEPER,
  pod: (image) => serverPod({ name: 'keeper', image, ports: [80] }),
  ...httpValue(80),
  survives: false,
};
