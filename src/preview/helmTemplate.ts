import { Lexer } from 'yaml';

/**
 * Whether a text that is no YAML is so because it is a Helm template: an action (`{{ ... }}`) stands where YAML reads
 * it as its own braces, or on the line at which reading ended. Within strings and comments actions are ordinary YAML,
 * and the reason is another one.
 *
 * @param line of the first error, from 1
 */
export function isHelmTemplate(text: string, line: number): boolean {
  if (!text.includes('{{')) return false;
  if (text.split('\n')[line - 1]?.includes('{{') === true) return true;
  let before = '';
  for (const piece of new Lexer().lex(text)) {
    if (piece === '{' && before === '{') return true;
    before = piece;
  }
  return false;
}
