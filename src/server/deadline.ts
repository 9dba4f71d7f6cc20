/** The moment by which a request must have its answer. One timer a request, cleared when it is answered. */
export class Deadline {
  private readonly timer: NodeJS.Timeout;
  private readonly end: number;
  private listener: (() => void) | undefined;

  constructor(milliseconds: number) {
    this.end = performance.now() + milliseconds;
    this.timer = setTimeout(() => this.listener?.(), milliseconds);
  }

  /** By the clock: while the event loop is blocked the timer does not fire. */
  get passed(): boolean {
    return performance.now() > this.end;
  }

  /** Calls back when the time is over; the latest listener counts. */
  whenPassed(listener: () => void): void {
    this.listener = listener;
  }

  /** The promise's result, or `late()` thrown when the time is over first. The promise itself runs on. */
  race<T>(promise: Promise<T>, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      this.whenPassed(() => reject(late()));
      promise.then(resolve, reject);
    });
  }

  clear(): void {
    clearTimeout(this.timer);
    this.listener = undefined;
  }
}
