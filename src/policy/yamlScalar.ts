/*
 * Plain scalars as go-yaml v2 resolves them (resolve.go), which is how kubectl and the API server read YAML 1.1.
 * It is not quite YAML 1.1: `y` and `n` are booleans, base 60 numbers are strings, timestamps stay strings.
 * test/fixtures/yaml/parity.json holds the Go library's own answers.
 */

export type ScalarValue = string | number | boolean | null;

/** A scalar that cannot be what its tag says, or cannot be written in JSON. The caller knows the place. */
export class ScalarError extends Error {
  readonly code = 'ScalarInvalid';
}

const WORDS: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    (word) => [word, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    (word) => [word, false] as const,
  ),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Infinity] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, -Infinity] as const),
]);

const INTEGER = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const MIN_INT = -(1n << 63n);
const MAX_INT = (1n << 63n) - 1n;
const MAX_UINT = (1n << 64n) - 1n;

/** What an unquoted scalar without a tag means. */
export function resolvePlain(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  const first = text[0] ?? '';
  if (first === '.') return float(text.replaceAll(/(?<=\d)_(?=\d)/g, '')) ?? text;
  if (!/[-+0-9]/.test(first)) return text;
  const digits = text.replaceAll('_', '');
  const whole = integer(digits);
  return (whole === undefined ? float(digits) : Number(whole)) ?? text;
}

/** Undefined too where it overflows a double: Go refuses that, and go-yaml then takes it for a string. */
function float(text: string): number | undefined {
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** A whole number of 64 bits, signed or unsigned; a longer one in decimal is a float, in another base a string. */
function integer(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal = '0'] = match;
  let digits = decimal;
  if (hex !== undefined) digits = `0x${hex}`;
  else if (binary !== undefined) digits = `0b${binary}`;
  else if (octal !== undefined) digits = `0o${octal}`;
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return value < MIN_INT || value > (sign === '+' ? MAX_INT : MAX_UINT) ? undefined : value;
}

const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d{2}:\d{2})?)?$/;
const CORE = 'tag:yaml.org,2002:';

/** What a scalar with an explicit tag means. Tags that go-yaml does not know leave the text as it is. */
export function resolveTagged(tag: string, text: string): ScalarValue {
  const name = tag.startsWith(CORE) ? tag.slice(CORE.length) : undefined;
  const value = resolvePlain(text);
  switch (name) {
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'null':
      if (value === null) return null;
      break;
    case 'int':
      if (typeof value === 'number' && integer(text.replaceAll('_', '')) !== undefined) return value;
      break;
    case 'float':
      if (typeof value === 'number') return value;
      break;
    case 'timestamp':
      if (TIMESTAMP.test(text)) return text;
      break;
    case 'binary':
      return binary(text);
    default:
      return text;
  }
  throw new ScalarError(`${JSON.stringify(text)} is not a !!${name}`);
}

function binary(text: string): string {
  const base64 = text.replaceAll(/[\r\n]/g, '');
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw new ScalarError('!!binary holds invalid base64');
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** A key as sigs.k8s.io/yaml writes it into JSON: whole numbers exactly, others as floats of 32 bits. */
export function keyText(value: ScalarValue, text: string): string {
  if (value === null) throw new ScalarError('null is not a key');
  if (typeof value !== 'number') return String(value);
  const whole = integer(text.replaceAll('_', ''));
  if (whole === undefined) return floatText(value);
  if (whole > MAX_INT) throw new ScalarError('a whole number of more than 63 bits is not a key');
  return String(whole);
}

/** Go's FormatFloat(value, 'g', -1, 32): the shortest text that is the same float of 32 bits. */
function floatText(value: number): string {
  const single = Math.fround(value);
  if (Number.isNaN(single)) return '.nan';
  if (!Number.isFinite(single)) return single > 0 ? '.inf' : '-.inf';
  if (single === 0) return Object.is(single, -0) ? '-0' : '0';
  let shortest = single;
  for (let digits = 1; digits <= 9; digits++) {
    shortest = Number(single.toPrecision(digits));
    if (Math.fround(shortest) === single) break;
  }
  const [mantissa = '', exponent = ''] = shortest.toExponential().split('e');
  const power = Number(exponent);
  // Go's own choice for the shortest form: an exponent below -4 or from 6 (strconv, %e is used if...).
  if (power >= -4 && power < 6) return String(shortest);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
