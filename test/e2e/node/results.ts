import { writeFileSync } from 'node:fs';
import type { Outcome } from './programRun.js';
import type { Step } from './programFailure.js';

/** `null` where the program served, wrote, read, and did so again after it was killed. */
export type Result = null | { readonly step: Step; readonly quote: string };

/** What came of one program, in the order in which they ran. */
export interface ProgramResult {
  readonly id: string;
  readonly image: string;
  /** Upstream's, of Debian's package. */
  readonly version: string;
  /** What the image needs of what the rules take away, by a profile in the test's own policy. */
  readonly needs: readonly string[];
  readonly asIs: Result;
  readonly naive: Result;
  readonly hardened: Result;
}

/** What a run of the programs leaves for docs/programs.md. */
export interface Results {
  readonly kubelet: string;
  readonly containerRuntime: string;
  readonly programs: readonly ProgramResult[];
}

export function resultOf({ failure }: Outcome): Result {
  return failure === undefined ? null : { step: failure.step, quote: failure.quote };
}

/** Writes them where E2E_NODE_RESULTS names a file. */
export function writeResults(results: Results): void {
  const file = process.env['E2E_NODE_RESULTS'];
  if (file !== undefined && file !== '') writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}
