import { resolvePlain } from './yamlScalar.js';

/** What would end a comment, or show as something that is not there: names of files and processes are anybody's to choose. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with such characters as `\u000a`. */
export function oneLine(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
  });
}

/** As it is where that is read as the same text; else quoted. */
export function scalarText(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const isPlain = /^[\w/.][\w/.@:+-]*$/.test(value) && !value.endsWith(':') && resolvePlain(value) === value;
  return isPlain ? value : oneLine(JSON.stringify(value));
}
