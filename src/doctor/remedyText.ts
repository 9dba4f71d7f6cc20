import type { RuleId } from '../hardening/rule.js';
import { scalarText } from '../policy/yamlLine.js';

/** Twice a quantity, in its own unit. */
export function doubled(quantity: string): string {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(.*)$/.exec(quantity) ?? [];
  return number === '' ? quantity : `${Number(number) * 2}${unit}`;
}

export const lines = (list: readonly string[]): string => list.join('\n');
/** A YAML list on one line. */
export const list = (items: readonly string[]): string => `[${items.map(scalarText).join(', ')}]`;
export const quoted = (text: string): string => JSON.stringify(text);

/** A name for an object of Kubernetes, of a text. */
export function dnsLabel(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
}

/** A word that a shell takes as it is. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const DAY = 24 * 60 * 60 * 1000;
/** An exception is meant to end: time enough to write a profile, or to mend the image. */
const EXCEPTION_DAYS = 90;

export interface ExceptionText {
  readonly rule: RuleId;
  /** What it is for; a name is made of it. */
  readonly of: string;
  readonly reason: string;
  /** Fields of `match`, each with its value as YAML. */
  readonly match: readonly (readonly [field: string, value: string])[];
  /** Milliseconds since the epoch, from which its end is counted. */
  readonly now: number;
}

/** An exception as it goes into the spec of a policy. */
export function exceptionText({ rule, of, reason, match, now }: ExceptionText): string {
  return lines([
    'exceptions:',
    `  - name: ${scalarText(dnsLabel(`${of}-${rule}`))}`,
    `    reason: ${quoted(reason)}`,
    `    expires: "${new Date(now + EXCEPTION_DAYS * DAY).toISOString().slice(0, 10)}"`,
    '    match:',
    ...match.map(([field, value]) => `      ${field}: ${value}`),
    `    rules: [${rule}]`,
  ]);
}
