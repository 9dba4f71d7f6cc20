import { ProgressLine, type ProgressIo } from './progressLine.js';

const BAR_WIDTH = 20;
/** A screen is not drawn more often than an eye sees. */
const EVERY_MS = 50;

/** On a terminal: what is being read, and how far it is. Elsewhere nothing is written. */
export class ScanProgress {
  private readonly line: ProgressLine;
  private shownAt = -Infinity;

  constructor(
    private readonly io: ProgressIo,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.line = new ProgressLine(io);
  }

  /** @param remaining objects that the API server says are to come; undefined on the last page of a list */
  show(resource: string, soFar: number, remaining: number | undefined): void {
    if (!this.io.showsProgress || this.now() - this.shownAt < EVERY_MS) return;
    this.shownAt = this.now();
    const all = soFar + (remaining ?? 0);
    const done = all === 0 ? BAR_WIDTH : Math.round((BAR_WIDTH * soFar) / all);
    const bar = '#'.repeat(done).padEnd(BAR_WIDTH, '.');
    this.line.show(`[${bar}] ${resource} ${soFar}/${all}`);
  }

  clear(): void {
    this.line.clear();
  }
}
