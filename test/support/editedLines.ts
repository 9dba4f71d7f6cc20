/**
 * Which lines of a YAML text an edit may change, found without the code that edits: by the places that the library
 * gives of the fields that a patch is about.
 */
import type { Operation } from 'fast-json-patch';
import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type Pair,
} from 'yaml';

export interface PatchedDocument {
  /** Among the documents that hold something, from 0. */
  readonly document: number;
  /** Where the object stands in the document. */
  readonly at: readonly (string | number)[];
  readonly patch: readonly Operation[];
}

/**
 * The lines, from 0, that hold a value which a patch replaces or takes out, or an empty value, a flow-style value or an
 * alias that receives a field; and the line of a key that loses all that it holds, and so becomes `{}`.
 */
export function linesThatMayChange(text: string, edits: readonly PatchedDocument[]): ReadonlySet<number> {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'failsafe',
    uniqueKeys: false,
    lineCounter: counter,
  });
  if ('empty' in documents) return new Set();
  const filled = documents.filter(
    ({ contents }) => contents !== null && !(isScalar(contents) && contents.source === ''),
  );
  const lines = new Set<number>();
  const add = ([start, end]: Range): void => {
    const last = counter.linePos(Math.max(end - 1, start)).line;
    for (let { line } = counter.linePos(start); line <= last; line++) lines.add(line - 1);
  };
  for (const { document, at, patch } of edits) {
    const removed = new Map<unknown, number>();
    for (const { op, path } of patch) {
      const way = [...at.map(String), ...path.split('/').slice(1).map(unescaped)];
      const root = filled[document];
      if (!root) throw new Error(`there is no document ${String(document)}`);
      const found = find(root, way);
      if (op === 'remove') {
        const holder = find(root, way.slice(0, -1));
        const count = (removed.get(holder.node) ?? 0) + 1;
        removed.set(holder.node, count);
        if (isCollection(holder.node) && holder.node.items.length === count)
          add([holder.range[0], holder.range[0]]);
      }
      if (op !== 'add' && found.rest.length === 0) add(found.range);
      // What receives the field: it may be null, empty, in flow style or an alias, or else only gains lines.
      else if (!isCollection(found.node) || found.node.flow === true || found.aliased) add(found.range);
    }
  }
  return lines;
}

type Range = readonly [start: number, end: number];

interface Found {
  readonly node: unknown;
  /** From its key or its dash to its end. */
  readonly range: Range;
  readonly rest: readonly string[];
  readonly aliased: boolean;
}

/** The deepest node of a path that is there. */
function find(root: Document.Parsed, way: readonly string[]): Found {
  let node: unknown = root.contents;
  let range = rangeOf(root.contents);
  let aliased = false;
  for (const [depth, key] of way.entries()) {
    if (isAlias(node)) {
      node = node.resolve(root);
      aliased = true;
    }
    const next: Node | Pair | undefined = childOf(node, key);
    if (!next) return { node, range, rest: way.slice(depth), aliased };
    const pair = 'key' in next ? next : undefined;
    node = pair ? pair.value : next;
    if (!aliased)
      range = pair ? [rangeOf(pair.key)[0], rangeOf(pair.value, rangeOf(pair.key))[1]] : rangeOf(node);
  }
  return { node, range, rest: [], aliased };
}

function childOf(node: unknown, key: string): Node | Pair | undefined {
  if (isSeq(node)) return node.items[Number(key)] as Node | undefined;
  if (isMap(node))
    return node.items.find((pair) => isScalar(pair.key) && (pair.key.source ?? pair.key.value) === key);
  return undefined;
}

function rangeOf(node: unknown, otherwise: Range = [0, 0]): Range {
  const { range } = (node ?? {}) as Partial<Node>;
  return range ? [range[0], range[1]] : otherwise;
}

function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}
