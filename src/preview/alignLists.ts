import { isRecord } from '../hardening/locate.js';
import { sameJson } from '../hardening/sameJson.js';

/**
 * How a list becomes another: `pairs` are the items that stay (changed inside, or not), in order on both sides; what
 * is in no pair is removed from the old list, or added by the new one.
 */
export interface Alignment {
  readonly pairs: readonly (readonly [before: number, after: number])[];
}

/** Past this product of lengths the table is not built: such lists are paired by position. */
const TABLE_MAX = 250_000;

/** Pairs the items of two lists, so that a text that holds the one can be edited into the other with few changes. */
export function alignLists(before: readonly unknown[], after: readonly unknown[]): Alignment {
  let start = 0;
  while (start < before.length && start < after.length && same(before[start], after[start])) start++;
  let end = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (end < shorter && same(before[before.length - 1 - end], after[after.length - 1 - end])) end++;

  const pairs: [number, number][] = [];
  for (let i = 0; i < start; i++) pairs.push([i, i]);
  const middle = longestCommon(
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  );
  pairs.push(...fillGaps(middle, before, after, start, end));
  for (let i = end; i > 0; i--) pairs.push([before.length - i, after.length - i]);
  return { pairs };
}

function longestCommon(before: readonly unknown[], after: readonly unknown[]): [number, number][] {
  const [rows, columns] = [before.length, after.length];
  if (rows === 0 || columns === 0 || rows * columns > TABLE_MAX) return [];
  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      const length = same(before[i], after[j]) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      lengths[i * width + j] = length;
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < rows && j < columns;) {
    if (same(before[i], after[j])) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

/** Between two pairs, as many items on both sides that carry no name of their own are the same items, changed. */
function fillGaps(
  middle: readonly (readonly [number, number])[],
  before: readonly unknown[],
  after: readonly unknown[],
  start: number,
  end: number,
): [number, number][] {
  const filled: [number, number][] = [];
  let [i, j] = [start, start];
  const stops = [
    ...middle.map(([a, b]) => [a + start, b + start] as const),
    [before.length - end, after.length - end] as const,
  ];
  for (const [stopBefore, stopAfter] of stops) {
    if (stopBefore - i === stopAfter - j) {
      for (; i < stopBefore; i++, j++) {
        if (identity(before[i]) === undefined && identity(after[j]) === undefined) filled.push([i, j]);
      }
    }
    if (stopBefore < before.length - end || stopAfter < after.length - end)
      filled.push([stopBefore, stopAfter]);
    [i, j] = [stopBefore + 1, stopAfter + 1];
  }
  return filled;
}

function same(a: unknown, b: unknown): boolean {
  const [left, right] = [identity(a), identity(b)];
  return left !== undefined && right !== undefined ? left === right : sameJson(a, b);
}

/** What Kubernetes merges list items by: the name, and for mounts the path, since a volume may be mounted twice. */
function identity(item: unknown): string | undefined {
  if (!isRecord(item) || typeof item['name'] !== 'string') return undefined;
  return JSON.stringify([item['name'], item['mountPath'] ?? item['devicePath'] ?? null]);
}
