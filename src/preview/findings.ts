import type { PreviewResult } from './result.js';

/** Which findings make a command end with 1; each takes in fewer than the one before it. */
export const FAIL_ON = ['change', 'risk', 'violation'] as const;
export type FailOn = (typeof FAIL_ON)[number];

/**
 * Whether there is anything to find.
 *
 * - `change`: any change, any violation
 * - `risk`: a change that may break a program that runs today (medium or high risk), or any violation
 * - `violation`: a violation
 */
export function hasFindings(
  results: readonly Pick<PreviewResult, 'changes' | 'violations'>[],
  failOn: FailOn = 'change',
): boolean {
  return results.some(
    ({ changes, violations }) =>
      violations.length > 0 ||
      (failOn !== 'violation' && changes.some(({ risk }) => failOn === 'change' || risk !== 'low')),
  );
}
