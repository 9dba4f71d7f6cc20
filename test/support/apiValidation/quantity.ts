// apimachinery/pkg/api/resource. Nanos in a BigInt are exact, for that is also the finest the API keeps.

export const NANO = 1_000_000_000n;
const MILLI = 1_000_000n;
const DECIMAL_SUFFIX: Record<string, number> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_SUFFIX: Record<string, bigint> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/** The quantity in nanos, rounded away from zero as the API does; undefined where it is not a quantity. */
export function quantityNanos(value: unknown): bigint | undefined {
  if (value === null) return 0n;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[+-]?\d*)$/.exec(String(value).trim());
  if (match === null || match[0] === '') return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  let numerator = BigInt(whole + fraction || '0') * NANO;
  let denominator = 10n ** BigInt(fraction.length);
  const binary = BINARY_SUFFIX[suffix];
  if (binary !== undefined) {
    numerator <<= binary;
  } else {
    const decimal = DECIMAL_SUFFIX[suffix];
    const exponent = decimal ?? (/^[eE][+-]?\d+$/.test(suffix) ? Number(suffix.slice(1)) : undefined);
    if (exponent === undefined) return undefined;
    const scale = 10n ** BigInt(Math.min(Math.abs(exponent), 400));
    if (exponent >= 0) numerator *= scale;
    else denominator *= scale;
  }
  let nanos = ceilDivide(numerator, denominator);
  const max = ((1n << 63n) - 1n) * NANO;
  if (binary !== undefined && nanos > max) nanos = max;
  return sign === '-' ? -nanos : nanos;
}

const ceilDivide = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** SetDefaults_ResourceList: what stands in a ResourceList is rounded up to whole thousandths. */
export const roundUpToMilli = (nanos: bigint): bigint =>
  nanos >= 0n ? ceilDivide(nanos, MILLI) * MILLI : -((-nanos / MILLI) * MILLI);
