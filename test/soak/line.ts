/** A straight line through points, and how sure its slope is. */
export interface Line {
  /** Of y by x. */
  readonly slope: number;
  /** The standard error of the slope: it lies within twice this in 95 of 100 runs. */
  readonly error: number;
}

/** Least squares, over means of so many stretches: neighbours are alike (a garbage collector's saw), means hardly. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[], stretches = 20): Line {
  const means = meansOf(points, stretches);
  const n = means.length;
  if (n < 3) throw new Error(`a line with its error takes 3 stretches, not ${n}`);
  const meanX = sum(means.map(([x]) => x)) / n;
  const meanY = sum(means.map(([, y]) => y)) / n;
  const spread = sum(means.map(([x]) => (x - meanX) ** 2));
  const slope = sum(means.map(([x, y]) => (x - meanX) * (y - meanY))) / spread;
  const residuals = sum(means.map(([x, y]) => (y - meanY - slope * (x - meanX)) ** 2));
  return { slope, error: Math.sqrt(residuals / (n - 2) / spread) };
}

function meansOf(points: readonly (readonly [number, number])[], stretches: number): [number, number][] {
  const size = Math.max(1, Math.ceil(points.length / stretches));
  const means: [number, number][] = [];
  for (let at = 0; at + size <= points.length; at += size) {
    const stretch = points.slice(at, at + size);
    means.push([sum(stretch.map(([x]) => x)) / size, sum(stretch.map(([, y]) => y)) / size]);
  }
  return means;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
