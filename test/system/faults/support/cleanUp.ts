import type { Context } from 'mocha';
import { endOwnedProcesses } from '../../../e2e/support/ownedProcess.js';
import { runFolder } from './serveProcess.js';

let failed = false;

/** No process outlives the run; its logs stay where a test has failed. */
export const mochaHooks = {
  afterEach(this: Context): void {
    failed ||= this.currentTest?.state === 'failed';
  },
  async afterAll(): Promise<void> {
    await endOwnedProcesses();
    runFolder.finish({ failed });
  },
};
