import { BoundedMap } from './boundedMap.js';

/**
 * Kubernetes quantities, exact: a decimal number with a suffix (`n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei`) or a decimal
 * exponent. Source: k8s.io/apimachinery/pkg/api/resource. The API server rounds up what is finer than a nano, so a
 * quantity is a whole number of nanos and comparing is comparing integers.
 */
export type Quantity = bigint;

const BINARY: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};
const DECIMAL: Readonly<Record<string, number>> = {
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
const NANO_DIGITS = 9;

// The exponent is bounded so that hostile input cannot ask for a number of a billion digits; the API caps at 2^63-1.
const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(?:(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)|[eE]([+-]?\d{1,3}))?$/;
const MAX_LENGTH = 64;

/** Parsed strings, since a cluster uses few different ones. Bounded: the texts come from pod authors. */
const parsed = new BoundedMap<string, Quantity | undefined>(4096);

/**
 * @param value a quantity as a manifest holds it: a string, or a bare number
 * @returns the number of nanos, or undefined where it is not a quantity
 */
export function parseQuantity(value: unknown): Quantity | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? parseQuantity(String(value)) : undefined;
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined;
  const known = parsed.get(value);
  if (known !== undefined || parsed.has(value)) return known;
  const result = parseText(value);
  parsed.set(value, result);
  return result;
}

function parseText(text: string): Quantity | undefined {
  const match = SYNTAX.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', suffix = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  const binary = BINARY[suffix];
  const power =
    NANO_DIGITS - fraction.length + (exponent === undefined ? (DECIMAL[suffix] ?? 0) : Number(exponent));
  const scaled = scale(digits * (binary ?? 1n), power);
  return sign === '-' ? -scaled : scaled;
}

/** digits × 10^power, rounded up. */
function scale(digits: bigint, power: number): bigint {
  if (power >= 0) return digits * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return (digits + divisor - 1n) / divisor;
}

/** A quantity as text: in whole units, or in `m`, `u`, `n` where it is finer. */
export function formatQuantity(value: Quantity): string {
  for (const [suffix, nanos] of [
    ['', 1_000_000_000n],
    ['m', 1_000_000n],
    ['u', 1_000n],
  ] as const) {
    if (value % nanos === 0n) return `${value / nanos}${suffix}`;
  }
  return `${value}n`;
}
