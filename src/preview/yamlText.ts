import { Scalar, stringify } from 'yaml';
import { resolvePlain } from '../policy/yamlScalar.js';

/** How the author of a file writes YAML, so that what is added looks the same. */
export interface YamlStyle {
  readonly eol: '\n' | '\r\n';
  /** Columns that a nested map stands to the right of its parent. */
  readonly step: number;
  /** Columns that a list's dashes stand to the right of its parent map: 0, or as many as `step`. */
  readonly dash: number;
}

/** How flow collections (`{a: b}`, and JSON) are written. */
export interface FlowStyle {
  /** JSON: every key and string in double quotes. */
  readonly quoted: boolean;
  /** `{ a: b }` instead of `{a: b}`. */
  readonly padded: boolean;
  /** `{"a":1,"b":2}`, as machines write it, has none. */
  readonly spaced: boolean;
}

type Entries = Record<string, unknown>;

/** The lines of a map or list in block style, the first at `column`. */
export function blockLines(value: object, column: number, style: YamlStyle): string[] {
  const margin = ' '.repeat(column);
  if (Array.isArray(value)) return value.flatMap((item: unknown) => itemLines(item, column, style));
  return Object.entries(value as Entries).flatMap(([key, child]) =>
    entryLines(key, child, margin, column, style),
  );
}

function entryLines(key: string, value: unknown, margin: string, column: number, style: YamlStyle): string[] {
  const head = `${margin}${scalarText(key)}:`;
  if (!isFilled(value)) return [`${head} ${scalarText(value)}`];
  return [head, ...blockLines(value, column + (Array.isArray(value) ? style.dash : style.step), style)];
}

/** A list item; a map begins on the line of its dash. */
export function itemLines(item: unknown, column: number, style: YamlStyle): string[] {
  const margin = ' '.repeat(column);
  if (!isFilled(item)) return [`${margin}- ${scalarText(item)}`];
  const [first = '', ...rest] = blockLines(item, column + 2, style);
  return [`${margin}- ${first.slice(column + 2)}`, ...rest];
}

/** A map or list that holds something; an empty one is written `{}` or `[]` wherever it stands. */
export function isFilled(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/**
 * A scalar on one line, quoted where YAML 1.1 (which Kubernetes reads) would take it for something else.
 * @param like the scalar that it replaces: its quotes are kept
 */
export function scalarText(value: unknown, like?: Scalar): string {
  if (Array.isArray(value)) return '[]';
  if (typeof value === 'object' && value !== null) return '{}';
  // A plain or folded text over several lines would depend on the column.
  if (typeof value === 'string' && /[^\x20-\x7e]/.test(value)) return JSON.stringify(value);
  const scalar = new Scalar(value);
  const quotes = like?.type === Scalar.QUOTE_DOUBLE || like?.type === Scalar.QUOTE_SINGLE;
  if (typeof value === 'string' && quotes && like.type !== undefined) scalar.type = like.type;
  const text = stringify(scalar, { version: '1.1', lineWidth: 0, blockQuote: false }).trimEnd();
  // What the library leaves plain and go-yaml reads as something else.
  return typeof value === 'string' && text === value && resolvePlain(text) !== value
    ? JSON.stringify(value)
    : text;
}

/** A value in flow style on one line. */
export function flowText(value: unknown, flow: FlowStyle): string {
  if (!isFilled(value)) return flow.quoted ? JSON.stringify(value) : flowScalar(value);
  const comma = flow.spaced ? ', ' : ',';
  if (Array.isArray(value)) return `[${value.map((item) => flowText(item, flow)).join(comma)}]`;
  const entries = Object.entries(value as Entries).map(([key, child]) => flowEntry(key, child, flow));
  return flow.padded ? `{ ${entries.join(comma)} }` : `{${entries.join(comma)}}`;
}

export function flowEntry(key: string, value: unknown, flow: FlowStyle): string {
  const colon = flow.spaced || !flow.quoted ? ': ' : ':';
  return `${flow.quoted ? JSON.stringify(key) : flowScalar(key)}${colon}${flowText(value, flow)}`;
}

function flowScalar(value: unknown): string {
  const text = scalarText(value);
  // Plain in a block, these end a plain scalar in flow style.
  return typeof value === 'string' && /^[^"'].*[,[\]{}]|^[^"'].*:$/.test(text) ? JSON.stringify(value) : text;
}

/** A value as indented JSON, its further lines under `margin`. */
export function jsonText(value: unknown, step: string, margin: string, eol: string): string {
  return JSON.stringify(value, null, step).replaceAll('\n', `${eol}${margin}`);
}
