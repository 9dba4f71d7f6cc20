import type { ScanIo } from './scan.js';

const BAR_WIDTH = 20;
/** A screen is not drawn more often than an eye sees. */
const EVERY_MS = 50;

/** One line on a terminal that is written over: what is being read, and how far it is. Elsewhere nothing is written. */
export class ScanProgress {
  private width = 0;
  private shownAt = -Infinity;

  constructor(
    private readonly io: Pick<ScanIo, 'stderr' | 'showsProgress'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param remaining objects that the API server says are to come; undefined on the last page of a list */
  show(resource: string, soFar: number, remaining: number | undefined): void {
    if (!this.io.showsProgress || this.now() - this.shownAt < EVERY_MS) return;
    this.shownAt = this.now();
    const all = soFar + (remaining ?? 0);
    const done = all === 0 ? BAR_WIDTH : Math.round((BAR_WIDTH * soFar) / all);
    const bar = '#'.repeat(done).padEnd(BAR_WIDTH, '.');
    this.write(`[${bar}] ${resource} ${soFar}/${all}`);
  }

  /** Takes the line away, so that what follows stands alone. */
  clear(): void {
    if (this.width > 0) this.io.stderr(`\r${' '.repeat(this.width)}\r`);
    this.width = 0;
  }

  private write(line: string): void {
    this.io.stderr(`\r${line.padEnd(this.width)}`);
    this.width = line.length;
  }
}
