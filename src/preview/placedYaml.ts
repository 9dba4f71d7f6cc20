import type { Document, Node, Pair } from 'yaml';
import { Scalar, isAlias, isMap, isScalar, isSeq } from 'yaml';
import { NotEditable } from './notEditable.js';
import { isMergeKey, keyOf } from './yamlKeys.js';

/*
 * What somebody who edits a YAML text needs to know of it: where its nodes stand, and how they are written. What they
 * hold is in the document's data. A tenth of the memory that the library's tree takes. Offsets are in the text without
 * a byte order mark, and ends are those of the content: comments and line breaks after it are left out.
 */
export type PlacedNode = PlacedMap | PlacedList | PlacedScalar | PlacedAlias;

interface Placed {
  readonly start: number;
  readonly end: number;
  readonly anchor?: string | undefined;
}

export interface PlacedMap extends Placed {
  readonly kind: 'map';
  /** `{a: b}`. */
  readonly flow: boolean;
  /** Of its keys, from 0; undefined in flow style. */
  readonly column: number | undefined;
  readonly pairs: readonly PlacedPair[];
}

export interface PlacedPair {
  /** As it is called in the data; undefined where it is no plain text. Of a merge key `<<`. */
  readonly key: string | undefined;
  readonly isMerge: boolean;
  /** Where the key begins; undefined where it is empty. */
  readonly start: number | undefined;
  /** The offset after its colon; undefined where it has none. */
  readonly colon: number | undefined;
  readonly value: PlacedNode | null;
}

export interface PlacedList extends Placed {
  readonly kind: 'list';
  /** `[a, b]`. */
  readonly flow: boolean;
  /** Of its dashes, from 0; undefined in flow style. */
  readonly column: number | undefined;
  readonly items: readonly (PlacedNode | null)[];
  /** The offset after the dash of each item; empty in flow style. */
  readonly dashes: readonly number[];
}

export interface PlacedScalar extends Placed {
  readonly kind: 'scalar';
  readonly style: Scalar.Type;
}

export interface PlacedAlias extends Placed {
  readonly kind: 'alias';
  /** The name of the anchor. */
  readonly source: string;
  /** The last node of that name before it. */
  readonly target: PlacedNode | undefined;
}

export interface PlacedDocument {
  readonly root: PlacedNode | null;
  readonly hasAliases: boolean;
}

/**
 * The places of a document that the library has read, with its source tokens.
 *
 * @param text that the library read
 * @param offset where that begins in the whole text
 */
export function placedDocument(document: Document.Parsed, text: string, offset: number): PlacedDocument {
  const placer = new Placer(text, offset);
  const root = placer.place(document.contents);
  return { root, hasAliases: placer.hasAliases };
}

class Placer {
  hasAliases = false;
  readonly #anchors = new Map<string, PlacedNode>();

  constructor(
    readonly text: string,
    readonly offset: number,
  ) {}

  place(node: unknown): PlacedNode | null {
    if (isAlias(node)) {
      this.hasAliases = true;
      return {
        kind: 'alias',
        ...this.#span(node),
        source: node.source,
        target: this.#anchors.get(node.source),
      };
    }
    if (isScalar(node)) {
      const scalar: PlacedScalar = { kind: 'scalar', ...this.#span(node), style: node.type ?? Scalar.PLAIN };
      return this.#anchored(scalar);
    }
    if (isMap(node)) {
      const pairs: PlacedPair[] = [];
      const { start, end, anchor } = this.#span(node);
      const flow = node.flow === true;
      const map = { kind: 'map' as const, start, end, anchor, flow, column: columnOf(node), pairs };
      // An alias may stand within what its anchor is on.
      this.#anchored(map);
      for (const pair of node.items) pairs.push(this.#pair(pair as Pair<Node, Node | null>));
      const last = pairs.at(-1);
      if (!flow && last) map.end = endOf(last.value, (last.start ?? 0) + 1);
      return map;
    }
    if (isSeq(node)) {
      const items: (PlacedNode | null)[] = [];
      const { start, end, anchor } = this.#span(node);
      const flow = node.flow === true;
      const dashes = flow ? [] : this.#dashesOf(node);
      const list = { kind: 'list' as const, start, end, anchor, flow, column: columnOf(node), items, dashes };
      this.#anchored(list);
      for (const item of node.items) items.push(this.place(item));
      if (!flow && items.length > 0) list.end = endOf(items.at(-1) ?? null, dashes[items.length - 1] ?? 0);
      return list;
    }
    return null;
  }

  #anchored<N extends PlacedNode>(node: N): N {
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    return node;
  }

  #pair(pair: Pair<Node, Node | null>): PlacedPair {
    const { key, value } = pair;
    const { srcToken } = pair as { srcToken?: { sep?: Token[] } };
    const colon = srcToken?.sep?.find(({ type }) => type === 'map-value-ind')?.offset;
    const start = (key as Node | null)?.range?.[0];
    // An anchor on a key comes before one in its value.
    this.place(key);
    return {
      key: isMergeKey(key) ? '<<' : textOf(key),
      isMerge: isMergeKey(key),
      start: start === undefined ? undefined : start + this.offset,
      colon: colon === undefined ? undefined : colon + 1 + this.offset,
      value: this.place(value),
    };
  }

  #span(node: Node): { start: number; end: number; anchor: string | undefined } {
    const [start, end] = node.range ?? [0, 0];
    const { anchor } = node as { anchor?: string };
    return { start: start + this.offset, end: this.#contentEnd(node, end) + this.offset, anchor };
  }

  /** A block scalar's range takes in the line break after it. */
  #contentEnd(node: Node, end: number): number {
    const isBlock =
      isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
    if (!isBlock || this.text[end - 1] !== '\n') return end;
    return this.text[end - 2] === '\r' ? end - 2 : end - 1;
  }

  #dashesOf(list: object): number[] {
    const { srcToken } = list as { srcToken?: { items?: { start: Token[] }[] } };
    const dashes =
      srcToken?.items?.map(({ start }) => start.find(({ type }) => type === 'seq-item-ind')) ?? [];
    return dashes.flatMap((dash) => (dash ? [dash.offset + 1 + this.offset] : []));
  }
}

interface Token {
  readonly type: string;
  readonly offset: number;
}

function textOf(key: unknown): string | undefined {
  try {
    return keyOf(key);
  } catch (error) {
    if (error instanceof NotEditable) return undefined;
    throw error;
  }
}

function columnOf(node: { flow?: boolean; srcToken?: object }): number | undefined {
  const { flow, srcToken } = node;
  if (flow === true || !srcToken || !('indent' in srcToken)) return undefined;
  return typeof srcToken.indent === 'number' ? srcToken.indent : undefined;
}

/**
 * The offset after the last character of a node's content.
 *
 * @param least where an empty node ends at the earliest: after its key or its dash
 */
export function endOf(node: PlacedNode | null, least = 0): number {
  return node ? Math.max(node.end, least) : least;
}
