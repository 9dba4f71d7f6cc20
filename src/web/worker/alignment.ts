import type { Alignment } from './protocol.js';

interface ChangedLine {
  /** In the hardened text, from 1. */
  readonly line: number;
  /** The input's line that it replaces, or after which it comes. */
  readonly original: number;
}

/**
 * Sets two texts side by side. Nothing is searched for: lines that are not named as changed are the input's, in order.
 *
 * @param input lines without their breaks
 * @param changed ascending by line
 */
export function align(
  input: readonly string[],
  hardened: readonly string[],
  changed: readonly ChangedLine[],
): Alignment {
  const inputGaps: number[] = [];
  const hardenedGaps: number[] = [];
  const replaced: number[] = [];
  // Lines of the input and of the hardened text that are set side by side so far.
  let old = 0;
  let line = 0;
  let next = 0;
  while (line < hardened.length) {
    const change = changed[next];
    if (change?.line === line + 1) {
      const block = blockOf(changed, next);
      const through = Math.max(old, changed[next + block - 1]?.original ?? 0);
      const gone = through - old;
      for (let at = old + 1; at <= through; at++) replaced.push(at);
      if (block > gone) inputGaps.push(through, block - gone);
      if (gone > block) hardenedGaps.push(line + block, gone - block);
      old = through;
      line += block;
      next += block;
      continue;
    }
    const from = old;
    while (old < input.length && input[old] !== hardened[line]) replaced.push(++old);
    if (old > from) hardenedGaps.push(line, old - from);
    old++;
    line++;
  }
  if (old < input.length) {
    hardenedGaps.push(line, input.length - old);
    while (old < input.length) replaced.push(++old);
  }
  return {
    inputGaps: Int32Array.from(inputGaps),
    hardenedGaps: Int32Array.from(hardenedGaps),
    replaced: Int32Array.from(replaced),
  };
}

/**
 * How many changed lines follow each other from here as one. An added line that comes after a later line of the input
 * than the one before it does is no part of it: lines that were only taken out lie between.
 */
function blockOf(changed: readonly ChangedLine[], from: number): number {
  let count = 1;
  for (;;) {
    const last = changed[from + count - 1];
    const here = changed[from + count];
    if (!last || here?.line !== last.line + 1) return count;
    if (here.original > last.original + 1) return count;
    count++;
  }
}
