/** What time it is. Two clocks, for two questions: tests drive both. */
export interface Clock {
  /** Milliseconds since the epoch: what certificates' dates are compared with. It may jump, and others' may differ. */
  now(): number;
  /** Milliseconds since some moment: how long something took or has lasted. It only grows. */
  monotonic(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
