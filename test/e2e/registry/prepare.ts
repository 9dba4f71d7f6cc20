// Before `make e2e-registry` runs the tests: fetches the registry, or says in one line why they cannot run here.
import { BinariesError } from '../controlPlane/binariesError.js';
import { registryBinary } from './registryServer.js';

try {
  console.log(`docker-registry: ${registryBinary((line) => console.error(line))}`);
} catch (error) {
  if (!(error instanceof BinariesError)) throw error;
  console.error(`e2e-registry not run: ${error.message}`);
  process.exitCode = 1;
}
