// Before `make e2e` runs the tests: finds or builds what they run on, so that a build's progress is seen and no test's
// time is spent on it.
import { findBinaries } from './binaries.js';
import { BinariesError } from './binariesError.js';

try {
  const binaries = findBinaries({ say: (line) => console.error(line) });
  for (const [name, path] of Object.entries(binaries)) console.log(`${name}: ${path ?? 'none'}`);
} catch (error) {
  if (!(error instanceof BinariesError)) throw error;
  console.error(error.message);
  if (error.cause instanceof Error) console.error(error.cause.message);
  process.exitCode = 1;
}
