import type { Document, Node, Pair, YAMLMap, YAMLSeq } from 'yaml';
import { Scalar, isAlias, isMap, isScalar, isSeq, visit } from 'yaml';
import { isRecord } from '../hardening/locate.js';
import type { Path } from '../hardening/rule.js';
import { alignLists } from './alignLists.js';
import { sameJson } from '../hardening/sameJson.js';
import { NotEditable } from './notEditable.js';
import type { Piece, Splice } from './splice.js';
import type { YamlComments } from './yamlComments.js';
import { isMergeKey, keyOf } from './yamlKeys.js';
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
type AnyNode = Node | null;

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
  readonly #document: Document.Parsed;
  readonly #after: unknown;
  /** Whether the whole document is JSON over several lines, and by what each level is indented. */
  readonly #jsonStep: string | undefined;
  /** Where the nodes with an anchor stand: what they will hold is what their aliases will read as. */
  readonly #anchored = new Map<Node, Path>();
  readonly #shared = new Map<string, Path>();

  /**
   * @param comments those of the text
   * @param before the data that the document holds
   * @param after the data that it is to hold
   */
  constructor(
    comments: YamlComments,
    document: Document.Parsed,
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
    this.#jsonStep = jsonStep(text, document.contents);
    this.#collectAnchors(document.contents, []);
    this.#value(document.contents, before, after, { in: 'document' }, []);
  }

  /** In the order of the text. Where several begin at one place, the innermost comes first. */
  get splices(): readonly DocumentSplice[] {
    return this.#splices;
  }

  /** Fields that stay an alias, or merged in, by their path as JSON: where what they hold is written. */
  get shared(): ReadonlyMap<string, Path> {
    return this.#shared;
  }

  #collectAnchors(node: unknown, path: Path): void {
    if (!hasAliases(this.#document)) return;
    const walk = (item: unknown, at: Path): void => {
      if (!isMap(item) && !isSeq(item) && !isScalar(item)) return;
      if (item.anchor !== undefined) this.#anchored.set(item, at);
      if (isSeq(item)) item.items.forEach((child, index) => walk(child, [...at, index]));
      if (isMap(item)) for (const pair of item.items) walk(pair.value, [...at, keyOf(pair.key)]);
    };
    walk(node, path);
  }

  #value(node: AnyNode, before: unknown, after: unknown, place: Place, path: Path): void {
    // Without anchors, what stays equal needs no look; with them, an alias changes with its anchor.
    if (this.#anchored.size === 0 && sameJson(before, after)) return;
    if (isAlias(node)) {
      const { value, path: target } = this.#readsAs(node);
      if (sameJson(value, after)) this.#shared.set(JSON.stringify(path), target);
      else this.#replace(node, after, place, path);
    } else if (isMap(node) && isRecord(before) && isRecord(after)) {
      this.#map(node, before, after, place, path);
    } else if (isSeq(node) && Array.isArray(before) && Array.isArray(after)) {
      this.#list(node, before, after, place, path);
    } else if (!sameJson(before, after)) {
      this.#replace(node, after, place, path);
    }
  }

  /** What an alias will read as once the edits are made: what its anchor is to hold, and where that stands. */
  #readsAs(node: AnyNode): { readonly value: unknown; readonly path: Path } {
    if (!isAlias(node)) throw new NotEditable('a merge key without an alias');
    const target = node.resolve(this.#document);
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

  #map(node: YAMLMap, before: Data, after: Data, place: Place, path: Path): void {
    const merged = this.#merged(node);
    const pairs = node.items as Pair<Node, AnyNode>[];
    const own = new Set(pairs.filter(({ key }) => !isMergeKey(key)).map(({ key }) => keyOf(key)));
    // What a merge key brings in cannot be taken out again: then it is written out, but for what goes.
    const isWrittenOut = [...merged.keys()].some((key) => !own.has(key) && !Object.hasOwn(after, key));
    const inherited: typeof merged = isWrittenOut ? new Map() : merged;
    const gone: number[] = [];
    pairs.forEach((pair, index) => {
      if (isMergeKey(pair.key)) {
        if (isWrittenOut) gone.push(index);
        return;
      }
      const key = keyOf(pair.key);
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
    const pathOf = (pair: Pair<Node, AnyNode>): Path =>
      isMergeKey(pair.key) ? path : [...path, keyOf(pair.key)];
    if (node.flow) {
      const flow = this.#flowStyle(node);
      const kept = pairs.filter((_, index) => !gone.includes(index)).map((pair) => this.#span(pair));
      const dropped = gone.map((index) => pairs[index]).filter((pair) => pair !== undefined);
      this.#editFlow(
        kept,
        dropped.map((pair) => ({ ...this.#span(pair), path: pathOf(pair) })),
        entries.map(
          ([key, value]) =>
            (margin) =>
              this.#flowEntry(key, value, flow, margin, [...path, key]),
        ),
        flow,
      );
      return;
    }
    const indent = indentOf(node);
    for (const index of gone) this.#removeEntry(pairs, index, path);
    const lines = entries.flatMap(([key, value]) => blockLines({ [key]: value }, indent, this.#style, path));
    this.#insertLines(this.#endOf(node), lines);
  }

  /** The keys that merge keys bring in. */
  #merged(node: YAMLMap): ReadonlyMap<string, Merged> {
    const merged = new Map<string, Merged>();
    node.items.forEach(({ key, value }, index) => {
      if (!isMergeKey(key)) return;
      const sources = isSeq(value) ? [...value.items].reverse() : [value];
      for (const source of sources) {
        const { value: map, path } = this.#readsAs(source as AnyNode);
        if (!isRecord(map)) throw new NotEditable('a merge key of something that is no map');
        for (const [name, held] of Object.entries(map))
          merged.set(name, { value: held, path: [...path, name], index });
      }
    });
    return merged;
  }

  #list(
    node: YAMLSeq,
    before: readonly unknown[],
    after: readonly unknown[],
    place: Place,
    path: Path,
  ): void {
    const items = node.items as AnyNode[];
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
      const spans = items.map((item) => ({ start: startOf(item), end: this.#endOf(item), path }));
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
    const indent = indentOf(node);
    for (const index of gone) this.#removeItem(node, index, path);
    for (const [index, added] of inserted) {
      const lines = added.flatMap((item) => itemLines(after[item], indent, this.#style, [...path, item]));
      if (index >= 0) this.#insertLines(this.#endOf(items[index] ?? null), lines);
      else if (this.#isFirstOnLine(startOf(node)))
        this.#splice(this.#lineStart(startOf(node)), undefined, this.#joined(lines));
      else throw new NotEditable('an item before the first of a list that begins within a line');
    }
  }

  /** Writes other data in the place of a node. */
  #replace(node: AnyNode, after: unknown, place: Place, path: Path): void {
    const start = startOf(node);
    const end = this.#endOf(node);
    const isBlock = (isMap(node) || isSeq(node)) && !node.flow;
    if (isBlock && place.in === 'map' && start >= this.#nextLine(place.colon)) {
      this.#replaceBelow(place, { start, end }, after, path);
      return;
    }
    const comments = this.#commentLines(start, end, path);
    if (place.in === 'document') {
      if (!(isMap(node) || isSeq(node)) || isBlock) throw new NotEditable('the document itself');
      this.#splice(start, end, this.#flowValue(after, this.#flowStyle(node), '', path));
    } else if (place.in === 'flow') {
      this.#splice(start, end, this.#flowValue(after, this.#flowStyle(node), this.#marginAt(start), path));
    } else if (!isFilled(after)) {
      const text = scalarText(after, isScalar(node) ? node : undefined);
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
  #removeEntry(pairs: readonly Pair<Node, AnyNode>[], index: number, map: Path): void {
    const pair = pairs[index];
    if (!pair) return;
    const { start, end } = this.#span(pair);
    const next = pairs[index + 1];
    const path = isMergeKey(pair.key) ? map : [...map, keyOf(pair.key)];
    if (this.#isFirstOnLine(start)) this.#replaceLines(this.#lineStart(start), this.#nextLine(end), [], path);
    else if (next) {
      const until = startOf(next.key);
      this.#splice(start, until, [{ text: this.#commentsWithin(start, until), path }]);
    } else throw new NotEditable('the only key on the line of a dash');
  }

  #removeItem(node: YAMLSeq, index: number, path: Path): void {
    const dash = this.#dashOf(node, index) - 1;
    if (!this.#isFirstOnLine(dash)) throw new NotEditable('an item of a list that begins within a line');
    const end = this.#endOf((node.items[index] ?? null) as AnyNode, dash + 1);
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
    const { contents } = this.#document;
    return (isMap(contents) || isSeq(contents)) && contents.flow === true;
  }

  #flowStyle(node: AnyNode): FlowStyle {
    const source =
      (isMap(node) || isSeq(node)) && node.range ? this.#text.slice(node.range[0], node.range[1]) : '';
    const json = this.#isJson() || /^[{[]\s*"/.test(source);
    const spaced = !json || this.#jsonStep !== undefined || !/":\S/.test(this.#text.slice(0, 1000));
    return { quoted: json, padded: source.startsWith('{ '), spaced };
  }

  #placeOf(map: YAMLMap, pair: Pair<Node, AnyNode>): Place {
    if (map.flow) return { in: 'flow' };
    const { srcToken } = pair as { srcToken?: { sep?: { type: string; offset: number }[] } };
    const colon = srcToken?.sep?.find(({ type }) => type === 'map-value-ind');
    if (!colon) throw new NotEditable(`the key ${keyOf(pair.key)} has no colon`);
    return { in: 'map', indent: indentOf(map), colon: colon.offset + 1 };
  }

  #placeOfItem(list: YAMLSeq, index: number): Place {
    if (list.flow) return { in: 'flow' };
    return { in: 'list', indent: indentOf(list), dash: this.#dashOf(list, index) };
  }

  /** The offset after the dash of an item. */
  #dashOf(list: YAMLSeq, index: number): number {
    const { srcToken } = list as { srcToken?: { items?: { start: { type: string; offset: number }[] }[] } };
    const items = srcToken?.items?.filter(({ start }) => start.some(({ type }) => type === 'seq-item-ind'));
    const dash = items?.[index]?.start.find(({ type }) => type === 'seq-item-ind');
    if (!dash) throw new NotEditable('a list item has no dash');
    return dash.offset + 1;
  }

  #span({ key, value }: Pair<Node, AnyNode>): Span {
    return { start: startOf(key), end: this.#endOf(value, startOf(key) + 1) };
  }

  /**
   * The offset after the last character of a node's content, comments after it left out.
   * @param least where an empty node ends at the earliest: after its key or its dash
   */
  #endOf(node: AnyNode, least = 0): number {
    if (!node?.range) return least;
    if (isMap(node) && !node.flow) {
      const last = node.items.at(-1) as Pair<Node, AnyNode> | undefined;
      return last ? this.#span(last).end : node.range[1];
    }
    if (isSeq(node) && !node.flow) {
      const last = node.items.at(-1) as AnyNode | undefined;
      return last === undefined
        ? node.range[1]
        : this.#endOf(last, this.#dashOf(node, node.items.length - 1));
    }
    const end = node.range[1];
    const isBlockScalar =
      isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
    // A block scalar's range takes in the line break after it.
    if (isBlockScalar && this.#text[end - 1] === '\n')
      return this.#text[end - 2] === '\r' ? end - 2 : end - 1;
    return Math.max(end, least);
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

function hasAliases(document: Document.Parsed): boolean {
  const found: unknown[] = [];
  visit(document, {
    Alias(_, alias) {
      found.push(alias);
      return visit.BREAK;
    },
  });
  return found.length > 0;
}

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

function startOf(node: AnyNode): number {
  if (!node?.range) throw new NotEditable('a node without a place');
  return node.range[0];
}

function indentOf(node: YAMLMap | YAMLSeq): number {
  const token = node.srcToken;
  if (!token || !('indent' in token)) throw new NotEditable('a node without a column');
  return token.indent;
}

/** How many blanks stand before an offset, not going below `least`. */
function blanksBefore(text: string, least: number, offset: number): number {
  let count = 0;
  while (offset - count > least && /[ \t\r\n]/.test(text[offset - count - 1] ?? '')) count++;
  return count;
}

function jsonStep(text: string, contents: AnyNode): string | undefined {
  if (!(isMap(contents) || isSeq(contents)) || !contents.flow || !contents.range) return undefined;
  return /^[{[][ \t]*\r?\n([ \t]+)/.exec(text.slice(contents.range[0], contents.range[1]))?.[1];
}
