import { Scalar, stringify } from 'yaml';
import { BoundedMap } from '../hardening/boundedMap.js';
import type { Path } from '../hardening/rule.js';
import { resolvePlain } from '../policy/yamlScalar.js';
import type { Piece } from './splice.js';

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

/** The lines of a map or list in block style, the first at `column`; `path` is where it stands in the document. */
export function blockLines(value: object, column: number, style: YamlStyle, path: Path): Piece[] {
  const lines: Piece[] = [];
  addBlock(lines, value, column, style, path);
  return lines;
}

function addBlock(lines: Piece[], value: object, column: number, style: YamlStyle, path: Path): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) addItem(lines, item, column, style, [...path, index]);
    return;
  }
  const margin = ' '.repeat(column);
  for (const key of Object.keys(value)) {
    const child = (value as Entries)[key];
    const place = [...path, key];
    const head = `${margin}${scalarText(key)}:`;
    if (isFilled(child)) {
      lines.push({ text: head, path: place });
      addBlock(lines, child, column + (Array.isArray(child) ? style.dash : style.step), style, place);
    } else lines.push({ text: `${head} ${scalarText(child)}`, path: place });
  }
}

/** A list item; a map begins on the line of its dash, which so holds the item as a whole. */
export function itemLines(item: unknown, column: number, style: YamlStyle, path: Path): Piece[] {
  const lines: Piece[] = [];
  addItem(lines, item, column, style, path);
  return lines;
}

function addItem(lines: Piece[], item: unknown, column: number, style: YamlStyle, path: Path): void {
  const margin = ' '.repeat(column);
  if (!isFilled(item)) {
    lines.push({ text: `${margin}- ${scalarText(item)}`, path });
    return;
  }
  const at = lines.length;
  addBlock(lines, item, column + 2, style, path);
  lines[at] = { text: `${margin}- ${lines[at]?.text.slice(column + 2) ?? ''}`, path };
}

/** A map or list that holds something; an empty one is written `{}` or `[]` wherever it stands. */
export function isFilled(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/** Plain whatever stands around it, unless it is a word of YAML's own. The library takes 20 us to say the same. */
const PLAIN_WORD = /^[A-Za-z][\w./-]*$/;

function isQuoted(style: Scalar.Type | undefined): boolean {
  return style === Scalar.QUOTE_DOUBLE || style === Scalar.QUOTE_SINGLE;
}

/**
 * A scalar on one line, quoted where YAML 1.1 (which Kubernetes reads) would take it for something else.
 * @param like the style of the scalar that it replaces: its quotes are kept
 */
export function scalarText(value: unknown, like?: Scalar.Type): string {
  if (Array.isArray(value)) return '[]';
  if (typeof value === 'object' && value !== null) return '{}';
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'string' && !isQuoted(like) && PLAIN_WORD.test(value) && resolvePlain(value) === value)
    return value;
  // A plain or folded text over several lines would depend on the column.
  if (typeof value === 'string' && /[^\x20-\x7e]/.test(value)) return JSON.stringify(value);
  if (typeof value !== 'string' || isQuoted(like)) return libraryText(value, like);
  let text = WRITTEN.get(value);
  if (text === undefined) {
    text = libraryText(value);
    WRITTEN.set(value, text);
  }
  return text;
}

/** The library takes 20 us for each of `100m` and `1Gi`, and a large file is given them thousands of times. */
const WRITTEN = new BoundedMap<string, string>(1000);

function libraryText(value: unknown, like?: Scalar.Type): string {
  const scalar = new Scalar(value);
  if (typeof value === 'string' && like !== undefined && isQuoted(like)) scalar.type = like;
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

/** A value as indented JSON, line by line, without line breaks; the lines after the first stand under `margin`. */
export function jsonLines(value: unknown, step: string, margin: string, path: Path): Piece[] {
  if (!isFilled(value)) return [{ text: JSON.stringify(value), path }];
  const inner = margin + step;
  const children = Array.isArray(value)
    ? value.map((item: unknown, index) => jsonLines(item, step, inner, [...path, index]))
    : Object.entries(value as Entries).map(([key, child]) =>
        withHead(`${JSON.stringify(key)}: `, jsonLines(child, step, inner, [...path, key])),
      );
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const lines = children.flatMap((child, index) => {
    const [first, ...rest] = withTail(child, index < children.length - 1 ? ',' : '');
    return first ? [{ ...first, text: inner + first.text }, ...rest] : [];
  });
  return [{ text: open ?? '', path }, ...lines, { text: margin + (close ?? ''), path }];
}

/** Pieces with a text before the first. */
export function withHead(head: string, pieces: readonly Piece[]): Piece[] {
  return pieces.map((piece, index) => (index === 0 ? { ...piece, text: head + piece.text } : piece));
}

/** Pieces with a text after the last. */
export function withTail(pieces: readonly Piece[], tail: string): Piece[] {
  return pieces.map((piece, index) =>
    index === pieces.length - 1 ? { ...piece, text: piece.text + tail } : piece,
  );
}
