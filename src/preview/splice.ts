/** A stretch of a text and what is written in its place. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** In the order of the text, or undefined where two of them are about the same stretch. */
export function sortSplices(splices: readonly Splice[]): readonly Splice[] | undefined {
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
