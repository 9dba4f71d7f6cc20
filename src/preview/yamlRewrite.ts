import type { Document, Node } from 'yaml';
import {
  Pair,
  Scalar,
  YAMLMap,
  YAMLSeq,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
} from 'yaml';
import { isRecord } from '../hardening/locate.js';
import type { Path } from '../hardening/rule.js';
import { STRINGS_ALONE } from '../policy/yaml.js';
import { resolvePlain } from '../policy/yamlScalar.js';
import { sameJson } from '../hardening/sameJson.js';
import type { DocumentSplice } from './documentEditor.js';
import type { Piece } from './splice.js';
import { isMergeKey, keyOf } from './yamlKeys.js';
import type { YamlStyle } from './yamlText.js';

/**
 * The way back for a document whose text cannot be edited in place: its tree is changed and written anew by the
 * library. Comments and order stay; aliases and merge keys are written out, and layout may differ.
 */
export function rewriteDocument(document: Document.Parsed, after: unknown, style: YamlStyle): DocumentSplice {
  const [start, , end] = document.contents?.range ?? document.range;
  const copy = document.clone() as Document;
  copy.commentBefore = null;
  copy.comment = null;
  copy.directives = undefined;
  copy.contents = become(expand(document.contents, document, new Set()), after);
  copy.contents.commentBefore = null;
  const text = copy
    .toString({ lineWidth: 0, indent: style.step, indentSeq: style.dash > 0 })
    .replaceAll('\n', style.eol);
  return { start, end, text, pieces: piecesOf(text) };
}

/** A document's text from each key and list item to the next. */
function piecesOf(text: string): Piece[] {
  const starts: { readonly at: number; readonly path: Path }[] = [];
  const collect = (node: unknown, path: Path): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const below = [...path, keyOf(key)];
        if (isScalar(key) && key.range) starts.push({ at: key.range[0], path: below });
        collect(value, below);
      }
    } else if (isSeq(node) && node.flow !== true) {
      node.items.forEach((item, index) => {
        const below = [...path, index];
        // From its dash on, which stands before it.
        if (isNode(item) && item.range)
          starts.push({ at: text.lastIndexOf('-', item.range[0] - 1), path: below });
        collect(item, below);
      });
    }
  };
  collect(parseDocument(text, STRINGS_ALONE).contents, []);
  return [{ at: 0, path: [] }, ...starts].map(({ at, path }, index) => ({
    text: text.slice(at, starts[index]?.at),
    path,
  }));
}

/** A copy of a node in which nothing refers to anything else. */
function expand(node: unknown, document: Document.Parsed, open: Set<unknown>): Node | null {
  if (isAlias(node)) {
    if (open.has(node)) throw new Error(`*${node.source} holds itself`);
    return expand(node.resolve(document), document, new Set(open).add(node));
  }
  if (isMap(node)) {
    const copy = Object.assign(new YAMLMap(), node);
    delete copy.anchor;
    copy.items = [];
    for (const { key, value } of node.items) {
      if (!isMergeKey(key)) {
        put(copy, key, expand(value, document, open));
        continue;
      }
      const merged = isSeq(value) ? [...value.items].reverse() : [value];
      for (const source of merged) {
        const map = expand(source, document, open);
        if (isMap(map)) for (const pair of map.items) put(copy, pair.key, pair.value);
      }
    }
    return copy;
  }
  if (isSeq(node)) {
    const copy = Object.assign(new YAMLSeq(), node);
    delete copy.anchor;
    copy.items = node.items.map((item) => expand(item, document, open));
    return copy;
  }
  if (!isScalar(node)) return null;
  const copy = Object.assign(new Scalar(node.value), node);
  delete copy.anchor;
  return copy;
}

function put(map: YAMLMap, key: unknown, value: unknown): void {
  const known = map.items.find((pair) => keyOf(pair.key) === keyOf(key));
  if (known) known.value = value;
  else map.items.push(new Pair(key, value));
}

/** Makes a tree hold other data, keeping every node whose data stays. */
function become(node: Node | null, after: unknown): Node {
  if (isMap(node) && isRecord(after) && Object.keys(after).length > 0) {
    const map = node;
    map.items = map.items.filter(({ key }) => Object.hasOwn(after, keyOf(key)));
    for (const [key, value] of Object.entries(after)) {
      const known = map.items.find((pair) => keyOf(pair.key) === key);
      if (known) known.value = become(known.value as Node | null, value);
      else map.items.push(new Pair(scalarNode(key), newNode(value)));
    }
    return map;
  }
  if (isSeq(node) && Array.isArray(after) && after.length > 0) {
    const list = node;
    list.items = after.map((value: unknown, index) =>
      become((list.items[index] ?? null) as Node | null, value),
    );
    return list;
  }
  if (isScalar(node) && sameJson(dataOf(node), after)) return node;
  if (isCollection(node) && node.items.length === 0 && sameJson(isMap(node) ? {} : [], after)) return node;
  return newNode(after);
}

function dataOf(scalar: Scalar): unknown {
  const text = scalar.source ?? String(scalar.value);
  return scalar.type === Scalar.PLAIN && scalar.tag === undefined ? resolvePlain(text) : text;
}

function newNode(value: unknown): Node {
  if (Array.isArray(value)) {
    const list = new YAMLSeq<unknown>();
    list.items = value.map(newNode);
    list.flow = value.length === 0;
    return list;
  }
  if (isRecord(value)) {
    const map = new YAMLMap<unknown, unknown>();
    map.items = Object.entries(value).map(([key, child]) => new Pair(scalarNode(key), newNode(child)));
    map.flow = map.items.length === 0;
    return map;
  }
  return scalarNode(value);
}

/** The tree's schema knows strings only: what a plain text means is Kubernetes' affair, so quotes are decided here. */
function scalarNode(value: unknown): Scalar {
  const text = String(value);
  const scalar = new Scalar(text);
  scalar.type = resolvePlain(text) === value ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
  return scalar;
}
