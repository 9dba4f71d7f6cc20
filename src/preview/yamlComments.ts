import { Lexer } from 'yaml';

/** A comment's place in a text: from its `#` to the end of its line, the line break left out. */
export interface Comment {
  readonly start: number;
  readonly text: string;
}

/** Marks that the lexer puts between the pieces of the text: the next piece is a scalar's. */
const SCALAR = '\u001F';
/** Where a document begins, where a flow collection ends unclosed, and the above: no part of the text. */
const MARKS = new Set(['\u0002', '\u0018', SCALAR]);

/** Where the comments of a YAML text stand. They are looked for only when something is taken out of it. */
export class YamlComments {
  #found: readonly Comment[] | undefined;

  /** @param text without a byte order mark, and without the control characters that YAML refuses */
  constructor(readonly text: string) {}

  /** Those that begin from `start` to `end` (without it), in order. */
  within(start: number, end: number): readonly Comment[] {
    this.#found ??= commentsOf(this.text);
    const found = this.#found;
    // A file may have as many comments as it has fields to change: each look-up must not go through all of them.
    const first = firstFrom(found, start);
    return found.slice(first, firstFrom(found, end));
  }
}

/** The index of the first comment that begins at an offset or after it. */
function firstFrom(comments: readonly Comment[], offset: number): number {
  let [low, high] = [0, comments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((comments[middle]?.start ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function commentsOf(text: string): Comment[] {
  const found: Comment[] = [];
  let offset = 0;
  let before = '';
  for (const piece of new Lexer().lex(text)) {
    if (piece.startsWith('#') && before !== SCALAR)
      found.push({ start: offset, text: piece.replace(/\r$/, '') });
    if (!MARKS.has(piece)) offset += piece.length;
    before = piece;
  }
  return found;
}
