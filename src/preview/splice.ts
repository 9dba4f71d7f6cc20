import type { Path } from '../hardening/rule.js';

/** A stretch of a text and what is written in its place. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A splice that says what it is there for. */
export interface TracedSplice extends Splice {
  /** The document, from 0: empty ones not counted. */
  readonly document: number;
  /** The text in parts, each with the field that it holds. Where the text is empty: what went, or made room. */
  readonly pieces: readonly Piece[];
}

/** Text, and the field of the edited document that it holds; text that opens a map or list holds all beneath it. */
export interface Piece {
  readonly text: string;
  readonly path: Path;
}

/** In the order of the text, or undefined where two of them are about the same stretch. */
export function sortSplices<S extends Splice>(splices: readonly S[]): readonly S[] | undefined {
  // At one place, what is written comes before what is taken out there, in the order in which it was found: the
  // innermost first.
  const rank = ({ start, end }: Splice): number => (start === end ? 0 : 1);
  const sorted = [...splices].sort((a, b) => a.start - b.start || rank(a) - rank(b));
  return sorted.every(({ start }, index) => index === 0 || start >= (sorted[index - 1]?.end ?? 0))
    ? sorted
    : undefined;
}

/** @param splices sorted */
export function applySplices(text: string, splices: readonly Splice[], from = 0, to = text.length): string {
  const parts: string[] = [];
  let at = from;
  for (const splice of splices) {
    parts.push(text.slice(at, splice.start), splice.text);
    at = splice.end;
  }
  parts.push(text.slice(at, to));
  return parts.join('');
}
