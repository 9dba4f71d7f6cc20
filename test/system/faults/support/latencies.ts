/** The share of sorted values that lies at or below the answer: `quantile(values, 0.99)`. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** `1.2` of 1.234: what a printed line needs. */
export function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
