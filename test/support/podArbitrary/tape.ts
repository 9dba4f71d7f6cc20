import fc from 'fast-check';
import type { Json } from '../apiValidation/json.js';

/** Decisions, one byte each. Past its end a tape says 0 for ever. */
export class Tape {
  private next = 0;
  constructor(private readonly bytes: Uint8Array) {}

  private byte(): number {
    return this.bytes[this.next++] ?? 0;
  }

  chance(probability: number): boolean {
    return this.byte() >= 256 * (1 - probability);
  }

  pick<const L extends readonly [unknown, ...unknown[]]>(choices: L): L[number] {
    return choices[Math.floor((this.byte() * choices.length) / 256)];
  }

  /** Some of the choices, in their order. */
  some<T>(choices: readonly T[], probability: number): T[] {
    return choices.filter(() => this.chance(probability));
  }

  upTo(max: number): number {
    return Math.floor((this.byte() * (max + 1)) / 256);
  }
}

const TAPE_LENGTH = 800;
export const tape = fc
  .noBias(fc.uint8Array({ minLength: TAPE_LENGTH, maxLength: TAPE_LENGTH }))
  .map((bytes) => new Tape(bytes));

/** Through JSON.parse: in a literal `__proto__` would set the prototype instead of a key. */
export function freeFormMap(t: Tape, keys: readonly string[]): Json {
  const entries = t.some(keys, 0.5).map((key) => `${JSON.stringify(key)}:"v"`);
  return JSON.parse(`{${entries.join(',')}}`) as Json;
}

export function distinct(t: Tape, choices: readonly string[], count: number): string[] {
  const left = [...choices];
  return Array.from(
    { length: Math.min(count, left.length) },
    () => left.splice(t.upTo(left.length - 1), 1)[0] ?? 'none',
  );
}
