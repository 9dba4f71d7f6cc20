/**
 * How long decisions may be made within one turn of the event loop. A turn answers all requests that have arrived when
 * it begins; what arrives meanwhile waits in the kernel, where nobody counts it. So the length of a turn is the one
 * measure of how long requests wait, and cutting it short is the one way to bound that.
 */
export class TurnBudget {
  private began: number | undefined;

  constructor(private readonly limitMs: number) {}

  /** Whether the turn that goes on has been at work for longer than the limit. Its first question begins it. */
  get spent(): boolean {
    const now = performance.now();
    if (this.began === undefined) {
      this.began = now;
      // Runs once every socket that was ready has been served.
      setImmediate(this.end);
    }
    return now - this.began > this.limitMs;
  }

  private readonly end = (): void => {
    this.began = undefined;
  };
}
