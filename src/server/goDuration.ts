const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5, which Go prints
  μs: 1e-3, // U+03BC
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * A duration as Go writes it (`10s`, `500ms`, `1m30s`, `0`), in milliseconds.
 * The API server sends its `?timeout=` like this, and Kubernetes' flags read it.
 * @returns undefined where it is not one, or negative
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let total = 0;
  let end = 0;
  for (const [part, amount, unit] of text.matchAll(PART)) {
    total += Number(amount) * (MILLISECONDS[unit ?? ''] ?? NaN);
    end += part.length;
  }
  return end === text.length && end > 0 && Number.isFinite(total) ? total : undefined;
}
