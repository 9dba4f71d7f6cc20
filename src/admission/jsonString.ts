/** What JSON text escapes, and what is not ASCII. */
const NOT_PLAIN = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/;
const NOT_ASCII = /[\x7f-\uffff]/g;

/** A text as a JSON string in ASCII alone: other characters as `\uXXXX`. */
export function jsonString(text: string): string {
  return NOT_PLAIN.test(text) ? JSON.stringify(text).replace(NOT_ASCII, escaped) : `"${text}"`;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
