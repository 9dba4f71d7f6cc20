/** How late a deadline's listener may be called. Much less than the margin that a request's deadline leaves its client. */
const TICK_MS = 20;

/**
 * Those that are waited for, linked to each other from here on. Nearly all are met, so that one clock for all costs less than
 * a timer for each. No Set: V8 makes a new table for every few that come and go, and that of an old Set is old from the
 * start, which was half of what brought on collections of the old generation (docs/performance.md).
 */
const open: { newest: Deadline | undefined } = { newest: undefined };
/** When the clock looks at them next: no later than the first of them ends, `TICK_MS` aside. */
let due = Infinity;
let clock: NodeJS.Timeout | undefined;

/** The moment by which a request must have its answer; to be cleared when it is answered. */
export class Deadline {
  readonly end: number;
  private listener: (() => void) | undefined;
  private isOpen = true;
  private older: Deadline | undefined;
  private newer: Deadline | undefined;

  constructor(milliseconds: number) {
    this.end = performance.now() + milliseconds;
    this.older = open.newest;
    if (this.older !== undefined) this.older.newer = this;
    open.newest = this;
    if (this.end < due) lookAt(this.end);
  }

  /** Those that are waited for, at this moment. */
  static open(): Deadline[] {
    const all: Deadline[] = [];
    for (let one = open.newest; one !== undefined; one = one.older) all.push(one);
    return all;
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
    this.close();
    this.listener = undefined;
  }

  /** Calls the listener where the time is over. */
  check(): void {
    if (!this.isOpen || !this.passed) return;
    this.close();
    this.listener?.();
  }

  private close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.newer === undefined) open.newest = this.older;
    else this.newer.older = this.older;
    if (this.older !== undefined) this.older.newer = this.newer;
    // Whoever still holds this one must not hold the others with it.
    this.older = this.newer = undefined;
  }
}

function lookAt(end: number): void {
  due = end;
  clearTimeout(clock);
  clock = setTimeout(look, Math.max(TICK_MS, end - performance.now())).unref();
}

function look(): void {
  due = Infinity;
  for (const deadline of Deadline.open()) deadline.check();
  let next = Infinity;
  for (const { end } of Deadline.open()) next = Math.min(next, end);
  if (next < due) lookAt(next);
}
