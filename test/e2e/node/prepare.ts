// Before `make e2e-node` runs the tests: says why they cannot run here, or fetches and builds what they run on. The tests
// themselves have no network.
import { findBinaries } from '../controlPlane/binaries.js';
import { BinariesError } from '../controlPlane/binariesError.js';
import { eachOf } from '../support/podRequests.js';
import { debianTools } from './debianTools.js';
import { imageArchive } from './images/imageArchive.js';
import { ImageError } from './images/imageError.js';
import { staticArchive } from './images/staticArchive.js';
import { STATIC_IMAGES } from './learn/staticImages.js';
import { neededImages } from './neededImages.js';
import { obstacle } from './obstacle.js';

function say(line: string): void {
  console.error(line);
}

async function prepare(): Promise<string | undefined> {
  const found = obstacle();
  if (found !== undefined) return found;
  const { kubelet } = findBinaries({ say });
  if (kubelet === undefined)
    return 'there is no kubelet in KUBEBUILDER_ASSETS; unset it to use a build of our own';
  debianTools(undefined, say);
  const [first, ...others] = neededImages();
  // It makes the base that all others stand on.
  if (first !== undefined) await imageArchive(first, { say });
  await eachOf(others, 2, (recipe) => imageArchive(recipe, { say }));
  for (const image of STATIC_IMAGES) await staticArchive(image, { say });
  return undefined;
}

function reason(error: unknown): string {
  if (!(error instanceof BinariesError || error instanceof ImageError)) throw error;
  if (error.cause instanceof Error) say(error.cause.message);
  const [first = '', ...details] = error.message.split('\n');
  for (const line of details) say(line);
  return first;
}

const notRun = await prepare().catch(reason);
if (notRun !== undefined) {
  say(`e2e-node not run: ${notRun}`);
  process.exitCode = 1;
}
