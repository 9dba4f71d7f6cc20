import type { Series } from '../telemetry/instruments.js';

/**
 * Memory for all request bodies that are held at a time, counted by bytes that have arrived, not by what was announced; and
 * for large answers that nobody takes.
 */
export class BodyBudget {
  /** @param used the gauge that holds the number of bytes in use */
  constructor(
    private readonly limit: number,
    private readonly used: Series,
  ) {}

  take(bytes: number): boolean {
    if (this.used.value + bytes > this.limit) return false;
    this.used.value += bytes;
    return true;
  }

  /** Counts what is there already, whether there is room for it or not. */
  hold(bytes: number): void {
    this.used.value += bytes;
  }

  give(bytes: number): void {
    this.used.value -= bytes;
  }
}
