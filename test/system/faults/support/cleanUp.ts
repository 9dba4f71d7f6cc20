import type { Context } from 'mocha';
import { endOwnedProcesses } from '../../../e2e/support/ownedProcess.js';
import { printHeld, runFolder } from './serveProcess.js';

let failed = false;
// Where files are tested side by side afterAll is called after each of them, and several have this process.
process.once('exit', () => runFolder.finish({ failed }));

/** No process outlives the run; its logs stay where a test has failed. */
export const mochaHooks = {
  afterEach(this: Context): void {
    failed ||= this.currentTest?.state === 'failed';
  },
  async afterAll(): Promise<void> {
    printHeld();
    await endOwnedProcesses();
  },
};
