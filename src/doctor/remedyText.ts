import { resolvePlain } from '../policy/yamlScalar.js';

/** Twice a quantity, in its own unit. */
export function doubled(quantity: string): string {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(.*)$/.exec(quantity) ?? [];
  return number === '' ? quantity : `${Number(number) * 2}${unit}`;
}

export const lines = (list: readonly string[]): string => list.join('\n');
/** A YAML list on one line. */
export const list = (items: readonly string[]): string => `[${items.map(scalar).join(', ')}]`;
export const quoted = (text: string): string => JSON.stringify(text);

/** As it is where that is read as the same text; else quoted. */
export function scalar(text: string): string {
  return /^[\w/.][\w/.@+-]*$/.test(text) && resolvePlain(text) === text ? text : quoted(text);
}

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
