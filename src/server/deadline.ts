/** How late a deadline's listener may be called. Much less than the margin that a request's deadline leaves its client. */
const TICK_MS = 20;

/** Those that are waited for. Nearly all are met, so that one clock for all costs less than a timer for each. */
const open = new Set<Deadline>();
/** When the clock looks at them next: no later than the first of them ends, `TICK_MS` aside. */
let due = Infinity;
let clock: NodeJS.Timeout | undefined;

/** The moment by which a request must have its answer; to be cleared when it is answered. */
export class Deadline {
  readonly end: number;
  private listener: (() => void) | undefined;

  constructor(milliseconds: number) {
    this.end = performance.now() + milliseconds;
    open.add(this);
    if (this.end < due) lookAt(this.end);
  }

  /** By the clock: while the event loop is blocked nobody is called. */
  get passed(): boolean {
    return performance.now() > this.end;
  }

  /** Calls back, once, when the time is over; the latest listener counts. */
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
    open.delete(this);
    this.listener = undefined;
  }

  /** Calls the listener where the time is over. */
  check(): void {
    if (!this.passed) return;
    open.delete(this);
    this.listener?.();
  }
}

function lookAt(end: number): void {
  due = end;
  clearTimeout(clock);
  clock = setTimeout(look, Math.max(TICK_MS, end - performance.now())).unref();
}

function look(): void {
  due = Infinity;
  for (const deadline of open) deadline.check();
  let next = Infinity;
  for (const { end } of open) next = Math.min(next, end);
  if (next < due) lookAt(next);
}
