import { existsSync } from 'node:fs';
import { findBinaries } from '../controlPlane/binaries.js';
import {
  mochaGlobalSetup as startWorld,
  mochaGlobalTeardown as endWorld,
  mochaHooks,
} from '../support/globalFixture.js';
import { world } from '../support/world.js';
import { debianTools } from './debianTools.js';
import { archivePath } from './images/imageArchive.js';
import { Node } from './node.js';
import { neededImages } from './neededImages.js';
import { setNode, theNode } from './theNode.js';

export { mochaHooks };

/** As in test/e2e, and a node. `make e2e-node` has fetched and built before what this finds in the cache. */
export async function mochaGlobalSetup(): Promise<void> {
  const { kubelet } = findBinaries();
  if (kubelet === undefined) throw new Error('there is no kubelet in KUBEBUILDER_ASSETS: run make e2e-node');
  const images = neededImages().map((recipe) => archivePath(recipe));
  const missing = images.filter((archive) => !existsSync(archive));
  if (missing.length > 0) throw new Error(`run make e2e-node, which makes ${missing.join(', ')}`);
  await startWorld();
  const { controlPlane } = world();
  const began = performance.now();
  try {
    setNode(await Node.start({ controlPlane, kubelet, tools: debianTools(), images }));
  } catch (error) {
    // mocha calls no teardown then.
    controlPlane.folder.finish({ failed: true });
    await endWorld();
    throw error;
  }
  console.log(
    `  node with ${images.length} images ready in ${((performance.now() - began) / 1000).toFixed(1)} s`,
  );
}

export async function mochaGlobalTeardown(): Promise<void> {
  await theNode().stop();
  await endWorld();
}
