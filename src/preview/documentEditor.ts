import type { Document, Node, Pair, YAMLMap, YAMLSeq } from 'yaml';
import { Scalar, isAlias, isMap, isScalar, isSeq, visit } from 'yaml';
import { isRecord } from '../hardening/locate.js';
import type { Path } from '../hardening/rule.js';
import { alignLists } from './alignLists.js';
import { sameJson } from '../hardening/sameJson.js';
import { NotEditable } from './notEditable.js';
import type { Splice } from './splice.js';
import type { YamlComments } from './yamlComments.js';
import { isMergeKey, keyOf } from './yamlKeys.js';
import type { FlowStyle, YamlStyle } from './yamlText.js';
import { blockLines, flowEntry, flowText, isFilled, itemLines, jsonText, scalarText } from './yamlText.js';

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

/**
 * Finds the smallest edits of a text after which one of its documents reads as other data: a missing field becomes
 * new lines after the last field of its map, and what is not touched keeps its bytes. A comment is never lost: one
 * that stands beside or within what goes is left on a line of its own. Nothing is changed here; the edits are
 * collected, all relative to the text as it was.
 */
export class DocumentEditor {
  readonly #splices: Splice[] = [];
  readonly #text: string;
  readonly #comments: YamlComments;
  readonly #style: YamlStyle;
  readonly #document: Document.Parsed;
  readonly #after: unknown;
  /** Whether the whole document is JSON over several lines, and by what each level is indented. */
  readonly #jsonStep: string | undefined;
  /** Where the nodes with an anchor stand: what they will hold is what their aliases will read as. */
  readonly #anchored = new Map<Node, Path>();

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
    this.#value(document.contents, before, after, { in: 'document' });
  }

  /** In the order of the text. Where several begin at one place, the innermost comes first. */
  get splices(): readonly Splice[] {
    return this.#splices;
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

  #value(node: AnyNode, before: unknown, after: unknown, place: Place): void {
    // Without anchors, what stays equal needs no look; with them, an alias changes with its anchor.
    if (this.#anchored.size === 0 && sameJson(before, after)) return;
    if (isAlias(node)) {
      if (!sameJson(this.#readsAs(node), after)) this.#replace(node, after, place);
    } else if (isMap(node) && isRecord(before) && isRecord(after)) {
      this.#map(node, before, after, place);
    } else if (isSeq(node) && Array.isArray(before) && Array.isArray(after)) {
      this.#list(node, before, after, place);
    } else if (!sameJson(before, after)) {
      this.#replace(node, after, place);
    }
  }

  /** What an alias will read as once the edits are made: what its anchor is to hold. */
  #readsAs(node: AnyNode): unknown {
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
    return value;
  }

  #map(node: YAMLMap, before: Data, after: Data, place: Place): void {
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
      else this.#value(pair.value, before[key], after[key], this.#placeOf(node, pair));
    });
    const added = Object.keys(after).filter(
      (key) => !own.has(key) && !(inherited.has(key) && sameJson(inherited.get(key)?.value, after[key])),
    );
    const entries = added.map((key) => [key, after[key]] as const);
    if (gone.length === 0 && entries.length === 0) return;
    if (gone.length === pairs.length || pairs.length === 0) {
      this.#replace(node, after, place);
      return;
    }
    if (node.flow) {
      const flow = this.#flowStyle(node);
      const kept = pairs.filter((_, index) => !gone.includes(index)).map((pair) => this.#span(pair));
      const dropped = gone.map((index) => pairs[index]).filter((pair) => pair !== undefined);
      this.#editFlow(
        kept,
        dropped.map((pair) => this.#span(pair)),
        entries.map(
          ([key, value]) =>
            (margin) =>
              this.#flowEntry(key, value, flow, margin),
        ),
        flow,
      );
      return;
    }
    const indent = indentOf(node);
    for (const index of gone) this.#removeEntry(pairs, index);
    const lines = entries.flatMap(([key, value]) => blockLines({ [key]: value }, indent, this.#style));
    this.#insertLines(this.#endOf(node), lines);
  }

  /** The keys that merge keys bring in, with what they will hold and where the last such merge key stands. */
  #merged(node: YAMLMap): ReadonlyMap<string, { value: unknown; index: number }> {
    const merged = new Map<string, { value: unknown; index: number }>();
    node.items.forEach(({ key, value }, index) => {
      if (!isMergeKey(key)) return;
      const sources = isSeq(value) ? [...value.items].reverse() : [value];
      for (const source of sources) {
        const map = this.#readsAs(source as AnyNode);
        if (!isRecord(map)) throw new NotEditable('a merge key of something that is no map');
        for (const [name, held] of Object.entries(map)) merged.set(name, { value: held, index });
      }
    });
    return merged;
  }

  #list(node: YAMLSeq, before: readonly unknown[], after: readonly unknown[], place: Place): void {
    const items = node.items as AnyNode[];
    if (items.length !== before.length) throw new NotEditable('a list does not hold what was read');
    const { pairs } = alignLists(before, after);
    for (const [from, to] of pairs) {
      this.#value(items[from] ?? null, before[from], after[to], this.#placeOfItem(node, from));
    }
    const kept = new Set(pairs.map(([from]) => from));
    if (kept.size === before.length && kept.size === after.length) return;
    if (kept.size === 0) {
      this.#replace(node, after, place);
      return;
    }
    const gone = before.map((_, index) => index).filter((index) => !kept.has(index));
    const inserted = insertions(pairs, after);
    if (node.flow) {
      if ([...inserted.keys()].some((index) => index !== Math.max(...kept))) {
        this.#replace(node, after, place);
        return;
      }
      const flow = this.#flowStyle(node);
      const spans = items.map((item) => ({ start: startOf(item), end: this.#endOf(item) }));
      this.#editFlow(
        spans.filter((_, index) => kept.has(index)),
        spans.filter((_, index) => !kept.has(index)),
        [...inserted.values()].flat().map((item) => (margin) => this.#flowValue(item, flow, margin)),
        flow,
      );
      return;
    }
    const indent = indentOf(node);
    for (const index of gone) this.#removeItem(node, index);
    for (const [index, values] of inserted) {
      const lines = values.flatMap((value) => itemLines(value, indent, this.#style));
      if (index >= 0) this.#insertLines(this.#endOf(items[index] ?? null), lines);
      else if (this.#isFirstOnLine(startOf(node)))
        this.#splice(this.#lineStart(startOf(node)), undefined, this.#joined(lines));
      else throw new NotEditable('an item before the first of a list that begins within a line');
    }
  }

  /** Writes other data in the place of a node. */
  #replace(node: AnyNode, after: unknown, place: Place): void {
    const start = startOf(node);
    const end = this.#endOf(node);
    const isBlock = (isMap(node) || isSeq(node)) && !node.flow;
    if (isBlock && place.in === 'map' && start >= this.#nextLine(place.colon)) {
      this.#replaceBelow(place, { start, end }, after);
      return;
    }
    const comments = this.#commentLines(start, end);
    if (place.in === 'document') {
      if (!(isMap(node) || isSeq(node)) || isBlock) throw new NotEditable('the document itself');
      this.#splice(start, end, this.#flowValue(after, this.#flowStyle(node), ''));
    } else if (place.in === 'flow') {
      this.#splice(start, end, this.#flowValue(after, this.#flowStyle(node), this.#marginAt(start)));
    } else if (!isFilled(after)) {
      const text = scalarText(after, isScalar(node) ? node : undefined);
      if (isBlock) this.#splice(place.in === 'map' ? place.colon : place.dash, end, ` ${text}`);
      else if (start === end)
        this.#splice(place.in === 'map' ? place.colon : place.dash, undefined, ` ${text}`);
      else this.#splice(start, end, text);
    } else if (place.in === 'list') {
      const [first = '', ...rest] = blockLines(after, place.indent + 2, this.#style);
      const text = this.#lines([first.trimStart(), ...rest]);
      if (start === end) this.#splice(place.dash, undefined, ` ${text}`);
      else this.#splice(start, end, text);
    } else {
      const lines = this.#linesBelow(place, after);
      if (isBlock) this.#splice(place.colon, end, this.#style.eol + this.#lines(lines));
      else {
        // `key: {}` keeps its line, its anchor and its comment; what it holds goes below.
        if (start !== end) this.#splice(start - blanksBefore(this.#text, place.colon, start), end, '');
        this.#insertLines(end, [...comments, ...lines]);
        return;
      }
    }
    this.#insertLines(end, comments);
  }

  /** Writes other data in the place of a block that stands on the lines below its key, whose own line stays. */
  #replaceBelow(place: MapPlace, block: Span, after: unknown): void {
    const lines = isFilled(after) ? this.#linesBelow(place, after) : [];
    if (lines.length === 0) {
      const below = this.#nextLine(place.colon);
      const [comment] = this.#comments.within(place.colon, below);
      const beside = this.#text.slice(place.colon, comment?.start ?? below).trimEnd();
      this.#splice(place.colon + beside.length, undefined, ` ${scalarText(after)}`);
    }
    this.#replaceLines(this.#lineStart(block.start), this.#nextLine(block.end), lines);
  }

  #linesBelow(place: MapPlace, value: object): string[] {
    const column = place.indent + (Array.isArray(value) ? this.#style.dash : this.#style.step);
    return blockLines(value, column, this.#style);
  }

  /** Takes the lines of a key out; of a key that shares its line with a dash, the next key moves up there. */
  #removeEntry(pairs: readonly Pair<Node, AnyNode>[], index: number): void {
    const pair = pairs[index];
    if (!pair) return;
    const { start, end } = this.#span(pair);
    const next = pairs[index + 1];
    if (this.#isFirstOnLine(start)) this.#replaceLines(this.#lineStart(start), this.#nextLine(end), []);
    else if (next) this.#splice(start, startOf(next.key), this.#commentsWithin(start, startOf(next.key)));
    else throw new NotEditable('the only key on the line of a dash');
  }

  #removeItem(node: YAMLSeq, index: number): void {
    const dash = this.#dashOf(node, index) - 1;
    if (!this.#isFirstOnLine(dash)) throw new NotEditable('an item of a list that begins within a line');
    const end = this.#endOf((node.items[index] ?? null) as AnyNode, dash + 1);
    this.#replaceLines(this.#lineStart(dash), this.#nextLine(end), []);
  }

  /** Entries or items of a flow collection: takes some out with their commas, and appends others. */
  #editFlow(
    kept: readonly Span[],
    gone: readonly Span[],
    added: readonly ((margin: string) => string)[],
    flow: FlowStyle,
  ): void {
    const last = kept.at(-1);
    if (!last) throw new NotEditable('nothing of a flow collection stays');
    for (const span of gone) {
      const next = [...kept, ...gone]
        .filter(({ start }) => start > span.start)
        .sort((a, b) => a.start - b.start)[0];
      if (span.start < last.start && next)
        this.#splice(span.start, next.start, this.#commentsWithin(span.start, next.start));
    }
    const tail = gone.filter(({ start }) => start > last.start);
    const end = Math.max(last.end, ...tail.map((span) => span.end));
    const margin = this.#marginAt(last.start);
    const texts = added.map((entry) => entry(margin));
    const onLines = this.#isFirstOnLine(last.start);
    if (onLines && end === last.end) {
      this.#addFlowLines(end, texts, margin);
      return;
    }
    const comma = onLines ? `,${this.#style.eol}${margin}` : flow.spaced ? ', ' : ',';
    this.#splice(last.end, undefined, texts.map((text) => comma + text).join(''));
    if (end > last.end) this.#splice(last.end, end, this.#commentsWithin(last.end, end, margin));
  }

  /** Entries on lines of their own, after the one that ends at an offset and after the comment on its line. */
  #addFlowLines(end: number, texts: readonly string[], margin: string): void {
    if (texts.length === 0) return;
    const lineBreak = this.#style.eol + margin;
    const [comment] = this.#comments.within(end, this.#nextLine(end));
    const between = this.#text.slice(end, comment?.start ?? end);
    if (!comment || !/^[ \t]*,?[ \t]*$/.test(between)) {
      this.#splice(end, undefined, texts.map((text) => `,${lineBreak}${text}`).join(''));
      return;
    }
    const after = comment.start + comment.text.length;
    if (between.includes(','))
      this.#splice(after, undefined, texts.map((text) => `${lineBreak}${text},`).join(''));
    else {
      this.#splice(end, undefined, ',');
      this.#splice(after, undefined, lineBreak + texts.join(`,${lineBreak}`));
    }
  }

  #flowEntry(key: string, value: unknown, flow: FlowStyle, margin: string): string {
    if (this.#jsonStep === undefined || !isFilled(value)) return flowEntry(key, value, flow);
    return `${JSON.stringify(key)}: ${jsonText(value, this.#jsonStep, margin, this.#style.eol)}`;
  }

  #flowValue(value: unknown, flow: FlowStyle, margin: string): string {
    if (this.#jsonStep === undefined || !isFilled(value)) return flowText(value, flow);
    return jsonText(value, this.#jsonStep, margin, this.#style.eol);
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

  #insertLines(after: number, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const at = this.#nextLine(after);
    if (this.#text[at - 1] === '\n') this.#splice(at, undefined, this.#joined(lines));
    else this.#splice(at, undefined, this.#style.eol + this.#lines(lines));
  }

  /** Takes whole lines out, but for their comments, and puts others in their place. */
  #replaceLines(start: number, end: number, lines: readonly string[]): void {
    const all = [...this.#commentLines(start, end), ...lines];
    this.#splice(start, end, this.#text[end - 1] === '\n' ? this.#joined(all) : this.#lines(all));
  }

  /** The comments of a stretch, each as a line of its own, as far to the right as its line begins. */
  #commentLines(start: number, end: number): string[] {
    return this.#comments.within(start, end).map((comment) => this.#marginAt(comment.start) + comment.text);
  }

  /** The comments of a stretch that begins and ends within lines, where something else follows. */
  #commentsWithin(start: number, end: number, margin = ' '.repeat(start - this.#lineStart(start))): string {
    const comments = this.#comments.within(start, end);
    const text = comments.map((comment) => comment.text + this.#style.eol + margin).join('');
    return text !== '' && /\S/.test(this.#text[start - 1] ?? '') ? ` ${text}` : text;
  }

  #lines(lines: readonly string[]): string {
    return lines.join(this.#style.eol);
  }

  #joined(lines: readonly string[]): string {
    return lines.map((line) => line + this.#style.eol).join('');
  }

  #splice(start: number, end: number | undefined, text: string): void {
    this.#splices.push({ start, end: end ?? start, text });
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

/** The values to insert, by the old item after which they go (-1: before the first). */
function insertions(
  pairs: readonly (readonly [number, number])[],
  after: readonly unknown[],
): ReadonlyMap<number, readonly unknown[]> {
  const origin = new Map(pairs.map(([from, to]) => [to, from]));
  const inserted = new Map<number, unknown[]>();
  let last = -1;
  after.forEach((value, index) => {
    const from = origin.get(index);
    if (from !== undefined) {
      last = from;
      return;
    }
    const values = inserted.get(last) ?? [];
    values.push(value);
    inserted.set(last, values);
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
