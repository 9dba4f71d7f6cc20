import { isRecord } from '../hardening/locate.js';
import type { Path } from '../hardening/rule.js';
import { alignLists } from './alignLists.js';
import { sameJson } from '../hardening/sameJson.js';
import { NotEditable } from './notEditable.js';
import { endOf } from './placedYaml.js';
import type { PlacedDocument, PlacedList, PlacedMap, PlacedNode, PlacedPair } from './placedYaml.js';
import type { Piece, Splice } from './splice.js';
import type { YamlComments } from './yamlComments.js';
import type { FlowStyle, YamlStyle } from './yamlText.js';
import {
  blockLines,
  flowEntry,
  flowText,
  isFilled,
  itemLines,
  jsonLines,
  scalarText,
  withHead,
  withTail,
} from './yamlText.js';

/** Where a node stands, which decides how another is written in its place. */
type Place =
  | { readonly in: 'document' }
  | { readonly in: 'flow' }
  | MapPlace
  /** An item of a block list whose dashes stand in column `indent`; `dash` is the offset after its dash. */
  | { readonly in: 'list'; readonly indent: number; readonly dash: number };

/** The value of a key of a block map that stands in column `indent`; `colon` is the offset after the key's colon. */
interface MapPlace {
  readonly in: 'map';
  readonly indent: number;
  readonly colon: number;
}

type Data = Record<string, unknown>;
type AnyNode = PlacedNode | null;

/** An edit before its document is known. */
export type DocumentSplice = Splice & { readonly pieces: readonly Piece[] };

/**
 * Finds the smallest edits of a text after which one of its documents reads as other data: a missing field becomes
 * new lines after the last field of its map, and what is not touched keeps its bytes. A comment is never lost: one
 * that stands beside or within what goes is left on a line of its own. Nothing is changed here; the edits are
 * collected, all relative to the text as it was.
 */
export class DocumentEditor {
  readonly #splices: DocumentSplice[] = [];
  readonly #text: string;
  readonly #comments: YamlComments;
  readonly #style: YamlStyle;
  readonly #document: PlacedDocument;
  readonly #after: unknown;
  /** Whether the whole document is JSON over several lines, and by what each level is indented. */
  readonly #jsonStep: string | undefined;
  /** Where the nodes with an anchor stand: what they will hold is what their aliases will read as. */
  readonly #anchored = new Map<PlacedNode, Path>();
  readonly #shared = new Map<string, Path>();

  /**
   * @param comments those of the text
   * @param before the data that the document holds
   * @param after the data that it is to hold
   */
  constructor(
    comments: YamlComments,
    document: PlacedDocument,
    style: YamlStyle,
    before: unknown,
    after: unknown,
  ) {
    const { text } = comments;
    this.#text = text;
    this.#comments = comments;
    this.#style = style;
    this.#document = document;
    this.#after = after;
    this.#jsonStep = jsonStep(text, document.root);
    if (document.hasAliases) this.#collectAnchors(document.root, []);
    this.#value(document.root, before, after, { in: 'document' }, []);
  }

  /** In the order of the text. Where several begin at one place, the innermost comes first. */
  get splices(): readonly DocumentSplice[] {
    return this.#splices;
  }

  /** Fields that stay an alias, or merged in, by their path as JSON: where what they hold is written. */
  get shared(): ReadonlyMap<string, Path> {
    return this.#shared;
  }

  #collectAnchors(node: AnyNode, path: Path): void {
    if (!node || node.kind === 'alias') return;
    if (node.anchor !== undefined) this.#anchored.set(node, path);
    if (node.kind === 'list')
      node.items.forEach((item, index) => this.#collectAnchors(item, [...path, index]));
    if (node.kind === 'map')
      for (const pair of node.pairs) this.#collectAnchors(pair.value, [...path, keyOf(pair)]);
  }

  #value(node: AnyNode, before: unknown, after: unknown, place: Place, path: Path): void {
    // Without anchors, what stays equal needs no look; with them, an alias changes with its anchor.
    if (this.#anchored.size === 0 && sameJson(before, after)) return;
    if (node?.kind === 'alias') {
      const { value, path: target } = this.#readsAs(node);
      if (sameJson(value, after)) this.#shared.set(JSON.stringify(path), target);
      else this.#replace(node, after, place, path);
    } else if (node?.kind === 'map' && isRecord(before) && isRecord(after)) {
      this.#map(node, before, after, place, path);
    } else if (node?.kind === 'list' && Array.isArray(before) && Array.isArray(after)) {
      this.#list(node, before, after, place, path);
    } else if (!sameJson(before, after)) {
      this.#replace(node, after, place, path);
    }
  }

  /** What an alias will read as once the edits are made: what its anchor is to hold, and where that stands. */
  #readsAs(node: AnyNode): { readonly value: unknown; readonly path: Path } {
    if (node?.kind !== 'alias') throw new NotEditable('a merge key without an alias');
    const { target } = node;
    const path = target && this.#anchored.get(target);
    if (!path) throw new NotEditable(`the anchor of *${node.source} was not found`);
    let value = this.#after;
    for (const key of path) {
      if (typeof value !== 'object' || value === null)
        throw new NotEditable(`the anchor of *${node.source} goes`);
      value = (value as Record<string | number, unknown>)[key];
    }
    return { value, path };
  }

  #map(node: PlacedMap, before: Data, after: Data, place: Place, path: Path): void {
    const merged = this.#merged(node);
    const { pairs } = node;
    const own = new Set(pairs.filter(({ isMerge }) => !isMerge).map(keyOf));
    // What a merge key brings in cannot be taken out again: then it is written out, but for what goes.
    const isWrittenOut = [...merged.keys()].some((key) => !own.has(key) && !Object.hasOwn(after, key));
    const inherited: typeof merged = isWrittenOut ? new Map() : merged;
    const gone: number[] = [];
    pairs.forEach((pair, index) => {
      if (pair.isMerge) {
        if (isWrittenOut) gone.push(index);
        return;
      }
      const key = keyOf(pair);
      if (!Object.hasOwn(before, key)) throw new NotEditable(`the key ${key} is not in the data`);
      const hiding = merged.get(key);
      if (hiding && hiding.index > index) {
        // As in go-yaml v2, what is merged after the key stands for it.
        if (isWrittenOut || !sameJson(hiding.value, after[key]))
          throw new NotEditable(`${key} is hidden by a merge key`);
      } else if (!Object.hasOwn(after, key)) gone.push(index);
      else this.#value(pair.value, before[key], after[key], this.#placeOf(node, pair), [...path, key]);
    });
    const added = Object.keys(after).filter((key) => {
      if (own.has(key)) return false;
      const held = inherited.get(key);
      if (!held || !sameJson(held.value, after[key])) return true;
      this.#shared.set(JSON.stringify([...path, key]), held.path);
      return false;
    });
    const entries = added.map((key) => [key, after[key]] as const);
    if (gone.length === 0 && entries.length === 0) return;
    if (gone.length === pairs.length || pairs.length === 0) {
      this.#replace(node, after, place, path);
      return;
    }
    const pathOf = (pair: PlacedPair): Path => (pair.isMerge ? path : [...path, keyOf(pair)]);
    if (node.flow) {
      const flow = this.#flowStyle(node);
      const kept = pairs.filter((_, index) => !gone.includes(index)).map((pair) => spanOf(pair));
      const dropped = gone.map((index) => pairs[index]).filter((pair) => pair !== undefined);
      this.#editFlow(
        kept,
        dropped.map((pair) => ({ ...spanOf(pair), path: pathOf(pair) })),
        entries.map(
          ([key, value]) =>
            (margin) =>
              this.#flowEntry(key, value, flow, margin, [...path, key]),
        ),
        flow,
      );
      return;
    }
    const indent = columnOf(node);
    for (const index of gone) this.#removeEntry(pairs, index, path);
    const lines = entries.flatMap(([key, value]) => blockLines({ [key]: value }, indent, this.#style, path));
    this.#insertLines(node.end, lines);
  }

  /** The keys that merge keys bring in. */
  #merged(node: PlacedMap): ReadonlyMap<string, Merged> {
    if (!node.pairs.some(({ isMerge }) => isMerge)) return NOTHING_MERGED;
    const merged = new Map<string, Merged>();
    node.pairs.forEach(({ isMerge, value }, index) => {
      if (!isMerge) return;
      const sources = value?.kind === 'list' ? [...value.items].reverse() : [value];
      for (const source of sources) {
        const { value: map, path } = this.#readsAs(source);
        if (!isRecord(map)) throw new NotEditable('a merge key of something that is no map');
        for (const [name, held] of Object.entries(map))
          merged.set(name, { value: held, path: [...path, name], index });
      }
    });
    return merged;
  }

  #list(
    node: PlacedList,
    before: readonly unknown[],
    after: readonly unknown[],
    place: Place,
    path: Path,
  ): void {
    const { items } = node;
    if (items.length !== before.length) throw new NotEditable('a list does not hold what was read');
    const { pairs } = alignLists(before, after);
    for (const [from, to] of pairs) {
      this.#value(items[from] ?? null, before[from], after[to], this.#placeOfItem(node, from), [...path, to]);
    }
    const kept = new Set(pairs.map(([from]) => from));
    if (kept.size === before.length && kept.size === after.length) return;
    if (kept.size === 0) {
      this.#replace(node, after, place, path);
      return;
    }
    const gone = before.map((_, index) => index).filter((index) => !kept.has(index));
    const inserted = insertions(pairs, after);
    if (node.flow) {
      const last = pairs.at(-1)?.[0];
      if ([...inserted.keys()].some((index) => index !== last)) {
        this.#replace(node, after, place, path);
        return;
      }
      const flow = this.#flowStyle(node);
      const spans = items.map((item) => ({ start: startOf(item), end: endOf(item), path }));
      this.#editFlow(
        spans.filter((_, index) => kept.has(index)),
        spans.filter((_, index) => !kept.has(index)),
        [...inserted.values()]
          .flat()
          .map((index) => (margin) => this.#flowValue(after[index], flow, margin, [...path, index])),
        flow,
      );
      return;
    }
    const indent = columnOf(node);
    for (const index of gone) this.#removeItem(node, index, path);
    for (const [index, added] of inserted) {
      const lines = added.flatMap((item) => itemLines(after[item], indent, this.#style, [...path, item]));
      if (index >= 0) this.#insertLines(endOf(items[index] ?? null), lines);
      else if (this.#isFirstOnLine(startOf(node)))
        this.#splice(this.#lineStart(startOf(node)), undefined, this.#joined(lines));
      else throw new NotEditable('an item before the first of a list that begins within a line');
    }
  }

  /** Writes other data in the place of a node. */
  #replace(node: AnyNode, after: unknown, place: Place, path: Path): void {
    const start = startOf(node);
    const end = endOf(node);
    const isBlock = isCollection(node) && !node.flow;
    if (isBlock && place.in === 'map' && start >= this.#nextLine(place.colon)) {
      this.#replaceBelow(place, { start, end }, after, path);
      return;
    }
    const comments = this.#commentLines(start, end, path);
    if (place.in === 'document') {
      if (!isCollection(node) || isBlock) throw new NotEditable('the document itself');
      this.#splice(start, end, this.#flowValue(after, this.#flowStyle(node), '', path));
    } else if (place.in === 'flow') {
      this.#splice(start, end, this.#flowValue(after, this.#flowStyle(node), this.#marginAt(start), path));
    } else if (!isFilled(after)) {
      const text = scalarText(after, node?.kind === 'scalar' ? node.style : undefined);
      const before = place.in === 'map' ? place.colon : place.dash;
      if (isBlock) this.#splice(before, end, [{ text: ` ${text}`, path }]);
      else if (start === end) this.#splice(before, undefined, [{ text: ` ${text}`, path }]);
      else this.#splice(start, end, [{ text, path }]);
    } else if (place.in === 'list') {
      const [first, ...rest] = blockLines(after, place.indent + 2, this.#style, path);
      const lines = this.#lines([{ text: first?.text.trimStart() ?? '', path }, ...rest]);
      if (start === end) this.#splice(place.dash, undefined, withHead(' ', lines));
      else this.#splice(start, end, lines);
    } else {
      const lines = this.#linesBelow(place, after, path);
      if (isBlock) this.#splice(place.colon, end, withHead(this.#style.eol, this.#lines(lines)));
      else {
        // `key: {}` keeps its line, its anchor and its comment; what it holds goes below.
        const from = start - blanksBefore(this.#text, place.colon, start);
        if (start !== end) this.#splice(from, end, [{ text: '', path }]);
        this.#insertLines(end, [...comments, ...lines]);
        return;
      }
    }
    this.#insertLines(end, comments);
  }

  /** Writes other data in the place of a block that stands on the lines below its key, whose own line stays. */
  #replaceBelow(place: MapPlace, block: Span, after: unknown, path: Path): void {
    const lines = isFilled(after) ? this.#linesBelow(place, after, path) : [];
    if (lines.length === 0) {
      const below = this.#nextLine(place.colon);
      const [comment] = this.#comments.within(place.colon, below);
      const beside = this.#text.slice(place.colon, comment?.start ?? below).trimEnd();
      this.#splice(place.colon + beside.length, undefined, [{ text: ` ${scalarText(after)}`, path }]);
    }
    this.#replaceLines(this.#lineStart(block.start), this.#nextLine(block.end), lines, path);
  }

  #linesBelow(place: MapPlace, value: object, path: Path): Piece[] {
    const column = place.indent + (Array.isArray(value) ? this.#style.dash : this.#style.step);
    return blockLines(value, column, this.#style, path);
  }

  /** Takes the lines of a key out; of a key that shares its line with a dash, the next key moves up there. */
  #removeEntry(pairs: readonly PlacedPair[], index: number, map: Path): void {
    const pair = pairs[index];
    if (!pair) return;
    const { start, end } = spanOf(pair);
    const next = pairs[index + 1];
    const path = pair.isMerge ? map : [...map, keyOf(pair)];
    if (this.#isFirstOnLine(start)) this.#replaceLines(this.#lineStart(start), this.#nextLine(end), [], path);
    else if (next) {
      const until = startOfKey(next);
      this.#splice(start, until, [{ text: this.#commentsWithin(start, until), path }]);
    } else throw new NotEditable('the only key on the line of a dash');
  }

  #removeItem(node: PlacedList, index: number, path: Path): void {
    const dash = dashOf(node, index) - 1;
    if (!this.#isFirstOnLine(dash)) throw new NotEditable('an item of a list that begins within a line');
    const end = endOf(node.items[index] ?? null, dash + 1);
    this.#replaceLines(this.#lineStart(dash), this.#nextLine(end), [], path);
  }

  /** Entries or items of a flow collection: takes some out with their commas, and appends others. */
  #editFlow(
    kept: readonly Span[],
    gone: readonly (Span & { readonly path: Path })[],
    added: readonly ((margin: string) => Piece[])[],
    flow: FlowStyle,
  ): void {
    const last = kept.at(-1);
    if (!last) throw new NotEditable('nothing of a flow collection stays');
    const starts =
      gone.length === 0 ? [] : [...kept, ...gone].map(({ start }) => start).sort((a, b) => a - b);
    for (const { start, path } of gone) {
      const next = starts[starts.indexOf(start) + 1];
      if (start < last.start && next !== undefined)
        this.#splice(start, next, [{ text: this.#commentsWithin(start, next), path }]);
    }
    const tail = gone.filter(({ start }) => start > last.start);
    const end = Math.max(last.end, ...tail.map((span) => span.end));
    const margin = this.#marginAt(last.start);
    const entries = added.map((entry) => entry(margin));
    const onLines = this.#isFirstOnLine(last.start);
    if (onLines && end === last.end) {
      this.#addFlowLines(end, entries, margin);
      return;
    }
    const comma = onLines ? `,${this.#style.eol}${margin}` : flow.spaced ? ', ' : ',';
    this.#splice(
      last.end,
      undefined,
      entries.flatMap((entry) => withHead(comma, entry)),
    );
    const [first] = tail;
    if (first)
      this.#splice(last.end, end, [
        { text: this.#commentsWithin(last.end, end, margin), path: first.path },
        ...tail.slice(1).map(({ path }) => ({ text: '', path })),
      ]);
  }

  /** Entries on lines of their own, after the one that ends at an offset and after the comment on its line. */
  #addFlowLines(end: number, entries: readonly (readonly Piece[])[], margin: string): void {
    const [first] = entries;
    if (!first) return;
    const lineBreak = this.#style.eol + margin;
    const [comment] = this.#comments.within(end, this.#nextLine(end));
    const between = this.#text.slice(end, comment?.start ?? end);
    if (!comment || !/^[ \t]*,?[ \t]*$/.test(between)) {
      this.#splice(
        end,
        undefined,
        entries.flatMap((entry) => withHead(`,${lineBreak}`, entry)),
      );
      return;
    }
    const after = comment.start + comment.text.length;
    if (between.includes(',')) {
      const lines = entries.flatMap((entry) => withHead(lineBreak, withTail(entry, ',')));
      this.#splice(after, undefined, lines);
    } else {
      this.#splice(end, undefined, [{ text: ',', path: first[0]?.path ?? [] }]);
      const lines = entries.flatMap((entry, index) =>
        withHead(lineBreak, withTail(entry, index < entries.length - 1 ? ',' : '')),
      );
      this.#splice(after, undefined, lines);
    }
  }

  #flowEntry(key: string, value: unknown, flow: FlowStyle, margin: string, path: Path): Piece[] {
    if (this.#jsonStep === undefined || !isFilled(value))
      return [{ text: flowEntry(key, value, flow), path }];
    return withHead(`${JSON.stringify(key)}: `, this.#flowValue(value, flow, margin, path));
  }

  #flowValue(value: unknown, flow: FlowStyle, margin: string, path: Path): Piece[] {
    if (this.#jsonStep === undefined || !isFilled(value)) return [{ text: flowText(value, flow), path }];
    return this.#lines(jsonLines(value, this.#jsonStep, margin, path));
  }

  #isJson(): boolean {
    const { root } = this.#document;
    return isCollection(root) && root.flow;
  }

  #flowStyle(node: AnyNode): FlowStyle {
    const source = isCollection(node) ? this.#text.slice(node.start, node.end) : '';
    const json = this.#isJson() || /^[{[]\s*"/.test(source);
    const spaced = !json || this.#jsonStep !== undefined || !/":\S/.test(this.#text.slice(0, 1000));
    return { quoted: json, padded: source.startsWith('{ '), spaced };
  }

  #placeOf(map: PlacedMap, pair: PlacedPair): Place {
    if (map.flow) return { in: 'flow' };
    if (pair.colon === undefined) throw new NotEditable(`the key ${keyOf(pair)} has no colon`);
    return { in: 'map', indent: columnOf(map), colon: pair.colon };
  }

  #placeOfItem(list: PlacedList, index: number): Place {
    if (list.flow) return { in: 'flow' };
    return { in: 'list', indent: columnOf(list), dash: dashOf(list, index) };
  }

  #insertLines(after: number, lines: readonly Piece[]): void {
    if (lines.length === 0) return;
    const at = this.#nextLine(after);
    if (this.#text[at - 1] === '\n') this.#splice(at, undefined, this.#joined(lines));
    else this.#splice(at, undefined, withHead(this.#style.eol, this.#lines(lines)));
  }

  /** Takes whole lines out, but for their comments, and puts others in their place. */
  #replaceLines(start: number, end: number, lines: readonly Piece[], path: Path): void {
    const all = [...this.#commentLines(start, end, path), ...lines];
    const pieces = this.#text[end - 1] === '\n' ? this.#joined(all) : this.#lines(all);
    this.#splice(start, end, pieces.length > 0 ? pieces : [{ text: '', path }]);
  }

  /** The comments of a stretch, each as a line of its own, as far to the right as its line begins. */
  #commentLines(start: number, end: number, path: Path): Piece[] {
    return this.#comments
      .within(start, end)
      .map((comment) => ({ text: this.#marginAt(comment.start) + comment.text, path }));
  }

  /** The comments of a stretch that begins and ends within lines, where something else follows. */
  #commentsWithin(start: number, end: number, margin = ' '.repeat(start - this.#lineStart(start))): string {
    const comments = this.#comments.within(start, end);
    const text = comments.map((comment) => comment.text + this.#style.eol + margin).join('');
    return text !== '' && /\S/.test(this.#text[start - 1] ?? '') ? ` ${text}` : text;
  }

  #lines(lines: readonly Piece[]): Piece[] {
    return lines.map((line, index) =>
      index < lines.length - 1 ? { ...line, text: line.text + this.#style.eol } : line,
    );
  }

  #joined(lines: readonly Piece[]): Piece[] {
    return lines.map((line) => ({ ...line, text: line.text + this.#style.eol }));
  }

  #splice(start: number, end: number | undefined, pieces: readonly Piece[]): void {
    if (pieces.length === 0) return;
    const text = pieces.map((piece) => piece.text).join('');
    this.#splices.push({ start, end: end ?? start, text, pieces });
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf('\n', offset - 1) + 1;
  }

  #nextLine(offset: number): number {
    const end = this.#text.indexOf('\n', offset);
    return end < 0 ? this.#text.length : end + 1;
  }

  #isFirstOnLine(offset: number): boolean {
    return /^[ \t]*$/.test(this.#text.slice(this.#lineStart(offset), offset));
  }

  /** The blanks that the line of an offset begins with. */
  #marginAt(offset: number): string {
    return /^[ \t]*/.exec(this.#text.slice(this.#lineStart(offset), offset))?.[0] ?? '';
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a merge key brings in: what it will hold, where that is written, and which pair the last such merge key is. */
interface Merged {
  readonly value: unknown;
  readonly path: Path;
  readonly index: number;
}

const NOTHING_MERGED: ReadonlyMap<string, Merged> = new Map();

/** Which new items to insert, by the old item after which they go (-1: before the first). */
function insertions(
  pairs: readonly (readonly [number, number])[],
  after: readonly unknown[],
): ReadonlyMap<number, readonly number[]> {
  const origin = new Map(pairs.map(([from, to]) => [to, from]));
  const inserted = new Map<number, number[]>();
  let last = -1;
  after.forEach((_, index) => {
    const from = origin.get(index);
    if (from !== undefined) {
      last = from;
      return;
    }
    const indexes = inserted.get(last) ?? [];
    indexes.push(index);
    inserted.set(last, indexes);
  });
  return inserted;
}

function isCollection(node: AnyNode): node is PlacedMap | PlacedList {
  return node?.kind === 'map' || node?.kind === 'list';
}

function keyOf({ key }: PlacedPair): string {
  if (key === undefined) throw new NotEditable('a key that is not a plain text');
  return key;
}

function startOf(node: AnyNode): number {
  if (!node) throw new NotEditable('a node without a place');
  return node.start;
}

function startOfKey({ start }: PlacedPair): number {
  if (start === undefined) throw new NotEditable('a key without a place');
  return start;
}

function spanOf(pair: PlacedPair): Span {
  const start = startOfKey(pair);
  return { start, end: endOf(pair.value, start + 1) };
}

/** The offset after the dash of an item. */
function dashOf({ dashes }: PlacedList, index: number): number {
  const dash = dashes[index];
  if (dash === undefined) throw new NotEditable('a list item has no dash');
  return dash;
}

function columnOf({ column }: PlacedMap | PlacedList): number {
  if (column === undefined) throw new NotEditable('a node without a column');
  return column;
}

/** How many blanks stand before an offset, not going below `least`. */
function blanksBefore(text: string, least: number, offset: number): number {
  let count = 0;
  while (offset - count > least && /[ \t\r\n]/.test(text[offset - count - 1] ?? '')) count++;
  return count;
}

function jsonStep(text: string, root: AnyNode): string | undefined {
  if (!isCollection(root) || !root.flow) return undefined;
  return /^[{[][ \t]*\r?\n([ \t]+)/.exec(text.slice(root.start, root.end))?.[1];
}
