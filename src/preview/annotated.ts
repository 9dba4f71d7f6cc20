import type { Path } from '../hardening/rule.js';
import { sameJson } from '../hardening/sameJson.js';
import { comparedLines, editedRegions } from './diff.js';
import { notes } from './notes.js';
import type { Preview } from './preview.js';
import type { FilePreview } from './previewFile.js';
import type { PreviewChange, PreviewResult } from './result.js';
import type { TracedSplice } from './splice.js';

/** Of `POST /preview`: the hardened manifests with each changed line tied to what changed it. */
export const ANNOTATED_MEDIA_TYPE = 'application/vnd.kube-harden.annotated+json';

/** The hardened manifests, and where each of their changed lines comes from. */
export interface AnnotatedPreview {
  /** The manifests with the hardened fields written into them, as `application/yaml` gives them without its notes. */
  readonly text: string;
  /**
   * The lines of `text` that differ from the input's, ascending. A line that changes of several objects wrote (a List
   * of JSON on one line) is there once for each of them.
   */
  readonly lines: readonly AnnotatedLine[];
  /** What is done to the objects, each change once: thousands of objects have the same few. */
  readonly changes: readonly PreviewChange[];
  readonly results: readonly AnnotatedResult[];
  /** What the text cannot show: the mode, violations, what is wrong with labels and exceptions. Lines to print. */
  readonly notes: readonly string[];
}

/** What hardening does to one object; its changes are indexes in the answer's. */
export type AnnotatedResult = Omit<PreviewResult, 'hardened' | 'changes'> & {
  readonly changes: readonly number[];
};

/** A line of the hardened text that is not in the input. Lines end with a line feed, alone or after a carriage return. */
export interface AnnotatedLine {
  /** In `text`, from 1. */
  readonly line: number;
  /** The input's line, from 1, that it replaces, or after which it comes; 0 where it comes before the first. */
  readonly original: number;
  /** Index in `results` of the object that it belongs to. */
  readonly result: number;
  /** Which of that result's `changes`, by their place there: those that wrote it. A line that opens a map or list has all beneath it. */
  readonly changes: readonly number[];
}

/**
 * Ties each changed line to its changes. Nothing is compared or guessed: the edits of the text say which field each
 * piece of them holds.
 *
 * @throws YamlEditError
 */
export function annotate(preview: FilePreview): AnnotatedPreview {
  const { file, previews } = preview;
  const { text, splices, shared } = preview.edited();
  const index = new ChangeIndex();
  previews.forEach((one, result) => {
    const manifest = file.manifests[result];
    if (!manifest) return;
    const aliases = shared.get(manifest.document);
    pathsOf(one, manifest.object).forEach((path, change) => {
      const place = writtenAt([...manifest.at, ...path], aliases);
      index.add(manifest.document, place, { result, change });
    });
  });
  return {
    text,
    lines: annotatedLines(file.text, text, splices, index),
    ...tabled(previews),
    notes: notes(previews),
  };
}

/** The results with each of their changes once, which makes a large answer half as long. */
function tabled(previews: readonly Preview[]): Pick<AnnotatedPreview, 'changes' | 'results'> {
  const changes: PreviewChange[] = [];
  const indexes = new Map<string, number>();
  /** Of the object before: mostly it has the same changes, and to compare them takes a third of the time of a key. */
  let last: readonly number[] = [];
  const indexOf = (change: PreviewChange, place: number): number => {
    const guess = last[place];
    if (guess !== undefined && sameJson(changes[guess], change)) return guess;
    const key = JSON.stringify(change);
    const known = indexes.get(key);
    if (known !== undefined) return known;
    indexes.set(key, changes.length);
    return changes.push(change) - 1;
  };
  const results = previews.map(({ result: { hardened: _, ...result } }) => {
    last = result.changes.map(indexOf);
    return { ...result, changes: last };
  });
  return { changes, results };
}

/** Where each change of an object stands once all of them are made. */
function pathsOf({ changePaths, result }: Preview, object: object): readonly Path[] {
  const removed = changePaths.filter((_, index) => result.changes[index]?.after === null);
  const lengths = new Map<string, number>();
  return changePaths.map((path) => {
    const place = path.at(-1) === '-' ? appended(path.slice(0, -1), object, lengths) : path;
    return removed.length === 0 ? place : shifted(place, removed);
  });
}

/** @param lengths of the lists that have been added to, by their path as JSON */
function appended(list: Path, object: object, lengths: Map<string, number>): Path {
  const key = JSON.stringify(list);
  const index = lengths.get(key) ?? lengthAt(list, object);
  lengths.set(key, index + 1);
  return [...list, index];
}

function lengthAt(list: Path, object: object): number {
  let value: unknown = object;
  for (const key of list) value = (value as Record<string | number, unknown> | null | undefined)?.[key];
  return Array.isArray(value) ? value.length : 0;
}

/** An item of a list moves up for each one before it that is taken out. */
function shifted(path: Path, removed: readonly Path[]): Path {
  return path.map((key, depth) => {
    if (typeof key !== 'number') return key;
    const before = removed.filter((gone) => {
      const last = gone[depth];
      const isSibling =
        gone.length === depth + 1 && gone.every((step, at) => at === depth || step === path[at]);
      return isSibling && typeof last === 'number' && last < key;
    });
    return key - before.length;
  });
}

/** Follows aliases and merge keys to the place where the text of a field is. */
function writtenAt(path: Path, aliases: ReadonlyMap<string, Path> | undefined): Path {
  if (!aliases || aliases.size === 0) return path;
  let place: (string | number)[] = [];
  for (const key of path) {
    place.push(key);
    for (
      let target = aliases.get(JSON.stringify(place));
      target;
      target = aliases.get(JSON.stringify(place))
    ) {
      place = [...target];
    }
  }
  return place;
}

interface ChangeRef {
  readonly result: number;
  readonly change: number;
}

/** Most have one child and no change, or one change and no child: there are tens of thousands. */
interface IndexNode {
  changes?: ChangeRef[];
  children?: Map<string | number, IndexNode>;
}

/** The changes of a file by the places that they wrote. */
class ChangeIndex {
  readonly #root: IndexNode = {};

  add(document: number, path: Path, change: ChangeRef): void {
    let node = child(this.#root, document);
    for (const key of path) node = child(node, key);
    (node.changes ??= []).push(change);
  }

  /** Those that wrote the field, or what it stands in, or anything beneath it. */
  at(document: number, path: Path): ChangeRef[] {
    let node = this.#root.children?.get(document);
    const found: ChangeRef[] = [];
    for (const key of path) {
      if (!node) return found;
      if (node.changes) found.push(...node.changes);
      node = node.children?.get(key);
    }
    if (!node) return found;
    const pending = [node];
    for (let next = pending.pop(); next; next = pending.pop()) {
      if (next.changes) for (const change of next.changes) found.push(change);
      if (next.children) pending.push(...next.children.values());
    }
    return found;
  }
}

function child(parent: IndexNode, key: string | number): IndexNode {
  const children = (parent.children ??= new Map<string | number, IndexNode>());
  let node = children.get(key);
  if (!node) children.set(key, (node = {}));
  return node;
}

function annotatedLines(
  before: string,
  after: string,
  splices: readonly TracedSplice[],
  index: ChangeIndex,
): AnnotatedLine[] {
  const writers = writersOfLines(before, after, splices, index);
  const found: AnnotatedLine[] = [];
  for (const { line, original } of differingLines(before, splices)) {
    const all = writers.get(line) ?? [];
    const [first] = all;
    // As nearly all lines have it.
    if (first && all.every(({ result }) => result === first.result)) {
      const changes = all.length === 1 ? [first.change] : distinct(all.map(({ change }) => change));
      found.push({ line, original, result: first.result, changes });
      continue;
    }
    for (const result of distinct(all.map((change) => change.result))) {
      const changes = distinct(all.flatMap((one) => (one.result === result ? [one.change] : [])));
      found.push({ line, original, result, changes });
    }
  }
  return found;
}

/** Each once, ascending. */
function distinct(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function differingLines(
  before: string,
  splices: readonly TracedSplice[],
): { readonly line: number; readonly original: number }[] {
  const found: { line: number; original: number }[] = [];
  let shift = 0;
  for (const region of editedRegions(before, splices)) {
    let old = region.from;
    let line = old + shift;
    let replaced: readonly string[] = [];
    for (const { is, lines } of comparedLines(region.before, region.after)) {
      if (is === 'added') {
        lines.forEach((text, at) => {
          const stays = replaced[at];
          // A line that only gains a line break, since others come after it, is the same line.
          if (stays === undefined || content(stays) !== content(text)) {
            const ahead = Math.max(replaced.length - 1 - at, 0);
            found.push({ line: line + at + 1, original: old - ahead });
          }
        });
      } else old += lines.length;
      if (is !== 'removed') line += lines.length;
      replaced = is === 'removed' ? lines : [];
    }
    shift += region.after.length - region.before.length;
  }
  return found;
}

function content(line: string): string {
  return line.replace(/\r?\n$/, '');
}

/** The changes by the lines, from 1, that the edits touch. */
function writersOfLines(
  before: string,
  after: string,
  splices: readonly TracedSplice[],
  index: ChangeIndex,
): ReadonlyMap<number, readonly ChangeRef[]> {
  const writers = new Map<number, ChangeRef[]>();
  const lineAt = lineCounter(after);
  let shift = 0;
  for (const { start, end, text, document, pieces } of splices) {
    // What holds no change of its own (an alias that is written out) is there for the others of the edit.
    let all: readonly ChangeRef[] | undefined;
    let offset = start + shift;
    for (const piece of pieces) {
      const own = index.at(document, piece.path);
      if (own.length === 0) all ??= pieces.flatMap(({ path }) => index.at(document, path));
      const changes = own.length > 0 ? own : (all ?? []);
      const [from, to] = inkOf(piece.text);
      const wholeLines = text === '' && isLineStart(before, start) && isLineStart(before, end);
      if (!wholeLines) {
        const first = lineAt(offset + from);
        const last = lineAt(offset + to);
        for (let line = first; line <= last; line++) {
          const known = writers.get(line);
          // One line may be of thousands of objects. The list that was just made is the first line's own.
          if (known) known.push(...changes);
          else writers.set(line, changes === own && line === first ? own : [...changes]);
        }
      }
      offset += piece.text.length;
    }
    shift += text.length - (end - start);
  }
  return writers;
}

/** The first and last character of a text that is no blank; 0 where there is none. */
function inkOf(text: string): readonly [number, number] {
  let first = 0;
  let last = text.length - 1;
  while (first <= last && isBlank(text, first)) first++;
  while (last > first && isBlank(text, last)) last--;
  return first > last ? [0, 0] : [first, last];
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  // All blanks of ASCII are up to the space, and no other character of a manifest is.
  return code <= 0x20 || (code > 0x7e && /\s/.test(text[at] ?? ''));
}

function isLineStart(text: string, offset: number): boolean {
  return offset === 0 || text[offset - 1] === '\n';
}

/** The line, from 1, of offsets that are asked for in ascending order. */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let next = text.indexOf('\n');
  return (offset) => {
    while (next >= 0 && next < offset) {
      line++;
      next = text.indexOf('\n', next + 1);
    }
    return line;
  };
}
