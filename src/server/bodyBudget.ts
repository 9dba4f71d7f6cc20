import type { Series } from '../telemetry/instruments.js';

/** Memory for all request bodies that are held at a time, counted by bytes that have arrived, not by what was announced. */
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

  give(bytes: number): void {
    this.used.value -= bytes;
  }
}
