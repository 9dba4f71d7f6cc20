/** What the command needs of the process to show how far it is. */
export interface ProgressIo {
  stderr(text: string): void;
  /** Standard error is a terminal. */
  readonly showsProgress: boolean;
}

/** One line on a terminal that is written over: what is being done. Elsewhere nothing is written. */
export class ProgressLine {
  private width = 0;

  constructor(private readonly io: ProgressIo) {}

  show(text: string): void {
    if (!this.io.showsProgress) return;
    this.io.stderr(`\r${text.padEnd(this.width)}`);
    this.width = text.length;
  }

  /** Takes the line away, so that what follows stands alone. */
  clear(): void {
    if (this.width > 0) this.io.stderr(`\r${' '.repeat(this.width)}\r`);
    this.width = 0;
  }
}
