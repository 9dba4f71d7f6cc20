// Before `make chart` runs the tests: finds or builds helm and kubectl, so that a build's progress is seen and no test's
// time is spent on it.
import { BinariesError } from '../e2e/controlPlane/binariesError.js';
import { findHelm } from './support/helmBinary.js';
import { findKubectl } from './support/kubectlBinary.js';

const say = (line: string): void => console.error(line);
try {
  console.log(`helm: ${findHelm({ say })}`);
  console.log(`kubectl: ${findKubectl(say)}`);
} catch (error) {
  if (!(error instanceof BinariesError)) throw error;
  console.error(error.message);
  if (error.cause instanceof Error) console.error(error.cause.message);
  process.exitCode = 1;
}
