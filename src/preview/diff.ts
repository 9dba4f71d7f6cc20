import type { DiffArraysOptionsAbortable, StructuredPatchHunk } from 'diff';
import { FILE_HEADERS_ONLY, diffArrays, formatPatch } from 'diff';
import type { Splice } from './splice.js';
import { applySplices } from './splice.js';

/** Lines around a change, as `diff -u` shows them. */
const CONTEXT = 3;

/**
 * A unified diff that `patch -p1` and `git apply` take; empty where nothing differs.
 *
 * The edits are known, so nothing is searched for: comparing the texts costs seconds on a file of 200 kB to which a
 * fifth is added (diff 9, measured), this milliseconds.
 *
 * @param name the file's path, relative: `a/NAME` and `b/NAME` stand in the head, without timestamps
 * @param splices what was done to `before`, in order and not overlapping
 */
export function unifiedDiff(name: string, before: string, splices: readonly Splice[]): string {
  const lines = linesOf(before);
  const hunks = toHunks(lines, regionsOf(before, lines, splices));
  if (hunks.length === 0) return '';
  const names = { oldFileName: `a/${name}`, newFileName: `b/${name}` };
  return withEndedNames(
    formatPatch({ ...names, oldHeader: undefined, newHeader: undefined, hunks }, FILE_HEADERS_ONLY),
  );
}

/**
 * Without a tab behind it `patch` takes a name for ended at its first space; git writes one too. A name in quotes ends
 * with them.
 */
export function withEndedNames(diff: string): string {
  return diff.replace(/^--- [^\n]*\n\+\+\+ [^\n]*\n/, (head) =>
    head.replaceAll(/^(?:---|\+\+\+) [^"].* .*$/gm, (line) => `${line}\t`),
  );
}

interface Line {
  /** With its line break. */
  readonly text: string;
  readonly start: number;
}

/** Lines `from` to `to` (without it, from 0) of the old text, and the lines in their place, with their line breaks. */
export interface Region {
  readonly from: number;
  readonly to: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** With their line breaks. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function linesOf(text: string): Line[] {
  let start = 0;
  return splitLines(text).map((line) => {
    const placed = { text: line, start };
    start += line.length;
    return placed;
  });
}

/**
 * Which lines of a text are edited: each splice widened to whole lines; those that touch are one. A line of a region may
 * be the same as before.
 *
 * @param splices in order and not overlapping
 */
export function editedRegions(before: string, splices: readonly Splice[]): Region[] {
  return regionsOf(before, linesOf(before), splices);
}

function regionsOf(before: string, lines: readonly Line[], splices: readonly Splice[]): Region[] {
  const groups: { from: number; to: number; splices: Splice[] }[] = [];
  const startOf = (line: number): number => lines[line]?.start ?? before.length;
  const textOf = (group: { from: number; to: number; splices: Splice[] }): string =>
    applySplices(before, group.splices, startOf(group.from), startOf(group.to));
  for (const splice of splices) {
    const { from, to } = affectedLines(before, lines, splice);
    const last = groups.at(-1);
    // What is left of a line that lost its break goes on into the next line.
    if (last && from > last.to && endsWithinLine(textOf(last))) last.to = Math.min(last.to + 1, lines.length);
    if (last && from <= last.to) {
      last.to = Math.max(last.to, to);
      last.splices.push(splice);
    } else groups.push({ from, to, splices: [splice] });
  }
  const end = groups.at(-1);
  if (end && endsWithinLine(textOf(end))) end.to = Math.min(end.to + 1, lines.length);
  return groups.map((group) => ({
    from: group.from,
    to: group.to,
    before: lines.slice(group.from, group.to).map(({ text }) => text),
    after: splitLines(textOf(group)),
  }));
}

function endsWithinLine(text: string): boolean {
  return text !== '' && !text.endsWith('\n');
}

function affectedLines(
  before: string,
  lines: readonly Line[],
  { start, end, text }: Splice,
): { from: number; to: number } {
  const from = lineAt(before, lines, start);
  const last = lineAt(before, lines, end);
  const endsAtLine = end === (lines[last]?.start ?? before.length);
  const wholeLines = text === '' ? start === (lines[from]?.start ?? before.length) : text.endsWith('\n');
  return { from, to: endsAtLine && wholeLines ? last : Math.min(last + 1, lines.length) };
}

/** The line that an offset is in; the end of a text that ends with a line break is a line of its own. */
function lineAt(before: string, lines: readonly Line[], offset: number): number {
  if (offset >= before.length) return before.endsWith('\n') ? lines.length : Math.max(lines.length - 1, 0);
  let [low, high] = [0, lines.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lines[middle]?.start ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Changed regions with the lines around them, joined where those would meet. */
function toHunks(lines: readonly Line[], regions: readonly Region[]): StructuredPatchHunk[] {
  const hunks: StructuredPatchHunk[] = [];
  let shift = 0;
  let end = 0;
  for (const region of regions) {
    const changed = changedLines(region.before, region.after);
    if (!changed.some((line) => /^[+-]/.test(line))) continue;
    let hunk = hunks.at(-1);
    let start = end;
    if (!hunk || region.from - end > 2 * CONTEXT) {
      if (hunk) close(hunk, lines, end, end + CONTEXT);
      start = Math.max(region.from - CONTEXT, 0);
      hunk = { oldStart: start + 1, oldLines: 0, newStart: start + 1 + shift, newLines: 0, lines: [] };
      hunks.push(hunk);
    }
    close(hunk, lines, start, region.from);
    hunk.lines.push(...changed);
    shift += region.after.length - region.before.length;
    end = region.to;
  }
  const last = hunks.at(-1);
  if (last) close(last, lines, end, end + CONTEXT);
  for (const hunk of hunks) count(hunk);
  return hunks;
}

/** Unchanged lines at the end of a hunk. */
function close(hunk: StructuredPatchHunk, lines: readonly Line[], from: number, to: number): void {
  hunk.lines.push(...lines.slice(from, to).flatMap(({ text }) => hunkLine(' ', text)));
}

function changedLines(before: readonly string[], after: readonly string[]): string[] {
  return comparedLines(before, after).flatMap(({ lines, is }) =>
    lines.flatMap((text) => hunkLine(is === 'added' ? '+' : is === 'removed' ? '-' : ' ', text)),
  );
}

/** Looking for the lines that stay costs as much as this times the lines: a document written anew may be large. */
const EDITS_MAX = 2000;

/** How the lines of a region become others. */
export function comparedLines(
  before: readonly string[],
  after: readonly string[],
): { readonly is: 'kept' | 'added' | 'removed'; readonly lines: readonly string[] }[] {
  if (before.length === 0) return [{ is: 'added', lines: after }];
  const options: DiffArraysOptionsAbortable<string> = { maxEditLength: EDITS_MAX };
  const changes = diffArrays([...before], [...after], options);
  if (changes === undefined) {
    return [
      { is: 'removed', lines: before },
      { is: 'added', lines: after },
    ];
  }
  return changes.map(({ value, added, removed }) => ({
    is: added ? 'added' : removed ? 'removed' : 'kept',
    lines: value,
  }));
}

function hunkLine(sign: string, text: string): string[] {
  return text.endsWith('\n') ? [sign + text.slice(0, -1)] : [sign + text, '\\ No newline at end of file'];
}

function count(hunk: StructuredPatchHunk): void {
  for (const line of hunk.lines) {
    if (line.startsWith(' ') || line.startsWith('-')) hunk.oldLines++;
    if (line.startsWith(' ') || line.startsWith('+')) hunk.newLines++;
  }
}

const RESET = '\u001b[0m';
const COLOURS: readonly (readonly [RegExp, string])[] = [
  [/^(?:---|\+\+\+) /, '\u001b[1m'],
  [/^@@ /, '\u001b[36m'],
  [/^\+/, '\u001b[32m'],
  [/^-/, '\u001b[31m'],
];

/** A diff for a terminal, coloured as git does. */
export function colouredDiff(diff: string): string {
  return diff
    .split('\n')
    .map((line) => {
      const colour = COLOURS.find(([pattern]) => pattern.test(line))?.[1];
      // A carriage return stays last, or the terminal would write over the line.
      return colour === undefined ? line : `${colour}${line.replace(/\r?$/, (end) => RESET + end)}`;
    })
    .join('\n');
}
