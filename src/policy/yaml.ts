import type { Document, Node, ParseOptions, ParsedNode, Scalar, YAMLMap } from 'yaml';
import { CST, Composer, Lexer, LineCounter, Parser, isAlias, isMap, isScalar, isSeq } from 'yaml';
import { duplicateKey, parseJson, tooDeep } from './json.js';
import { YamlError } from './yamlError.js';
import type { ScalarValue } from './yamlScalar.js';
import { ScalarError, keyText, resolvePlain, resolveTagged } from './yamlScalar.js';

/** A place in the text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One document of a stream, as plain data and with the places of its fields. */
export class KubernetesDocument {
  /** Among the documents that hold something, from 0. */
  readonly index: number;
  /** Plain JSON data; nothing in it is shared, aliases are copied. */
  readonly object: unknown;
  /** As it is written, the comments before and in it included, without the separators. */
  readonly text: string;
  readonly #tree: () => Tree;

  /** @param tree made when somebody asks for it, where the text was read without one */
  constructor(index: number, object: unknown, text: string, tree: () => Tree) {
    this.index = index;
    this.object = object;
    this.text = text;
    this.#tree = tree;
  }

  /**
   * @param path such as `['spec', 'containers', 0, 'image']`
   * @returns where the field's key or the list's item stands; the deepest ancestor that exists, where it does not
   */
  position(path: readonly (string | number)[]): Position | undefined {
    return this.#tree().position(path);
  }

  /**
   * The library's tree of the document, with its source tokens and so the places of everything, in the text without a
   * byte order mark. Every scalar in it is a string. It is only to be read.
   */
  get parsed(): Document.Parsed {
    return this.#tree().document;
  }
}

/**
 * Reads YAML or JSON as Kubernetes does (sigs.k8s.io/yaml, which is go-yaml v2): YAML 1.1, so `0400` is 256 and `on`
 * is true, with anchors, merge keys and several documents; empty ones are left out. It differs on purpose in three:
 * duplicate keys are an error, what follows `...` is read too, and nesting is bounded.
 *
 * @throws YamlError for the first problem of the text
 */
export function parseKubernetesYaml(text: string): KubernetesDocument[] {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return jsonDocument(source) ?? yamlDocuments(source);
}

/**
 * The same documents as plain data alone, one after the other: nothing of the text is kept, so a large one takes no
 * more memory than what is made of it.
 *
 * @throws YamlError for the first problem of the text, when it comes to it
 */
export function* kubernetesData(text: string): Generator {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const json = jsonDocument(source);
  if (json) yield* json.map(({ object }) => object);
  else for (const { object } of yamlData(source, {})) yield object;
}

/** Deeper than any Kubernetes object, and far from the end of the stack. */
const MAX_DEPTH = 500;

/**
 * How the library makes the tree: every scalar is a string. What it means is decided by `yamlScalar.ts`, as go-yaml
 * decides it.
 */
export const STRINGS_ALONE = {
  version: '1.1',
  schema: 'failsafe',
  resolveKnownTags: false,
  merge: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

/** JSON in a fraction of the time. Undefined where the text is not JSON: then YAML says what is wrong with it. */
function jsonDocument(text: string): KubernetesDocument[] | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  const result = parseJson(text, MAX_DEPTH);
  if (result === undefined) return undefined;
  if ('problem' in result) throw errorAt(lineCounter(text), 0, result.offset, result.problem);
  let tree: Tree | undefined;
  return [new KubernetesDocument(0, result.value, text, () => (tree ??= jsonTree(text)))];
}

function lineCounter(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  // As the library's parser: `^` would begin lines within a CRLF too.
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return lines;
}

/** Only where somebody asks for a position. */
function jsonTree(text: string): Tree {
  const lines = new LineCounter();
  const [document] = composed(text, lines, { keepSourceTokens: true });
  if (!document) throw new Error('text that was read as JSON holds no document');
  return new Tree(document, lines, 0, Infinity);
}

/** What go-yaml's reader refuses (readerc.go), lone surrogates aside, which no UTF-8 text has. */
export const CONTROL_CHARACTER =
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u0084\u0086-\u009F\uFFFE\uFFFF]/;

function yamlDocuments(text: string): KubernetesDocument[] {
  const found: KubernetesDocument[] = [];
  for (const { object, tree, part } of yamlData(text, { keepSourceTokens: true })) {
    found.push(new KubernetesDocument(found.length, object, withoutSeparators(part), () => tree));
  }
  return found;
}

/** The documents that hold something, with their trees and their parts of the text. */
function* yamlData(
  text: string,
  options: ParseOptions,
): Generator<{ readonly object: unknown; readonly tree: Tree; readonly part: string }> {
  const control = text.search(CONTROL_CHARACTER);
  if (control !== -1) throw errorAt(lineCounter(text), 0, control, 'control characters are not allowed');
  const lines = new LineCounter();
  const cutAt = text.endsWith('\n') ? Infinity : text.length;
  let start = 0;
  let index = 0;
  for (const document of composed(text, lines, options)) {
    refuseErrors(document, lines, index);
    const part = text.slice(start, document.range[2]);
    start = document.range[2];
    const tree = new Tree(document, lines, index, cutAt);
    tree.link();
    const object = new Builder(tree).build();
    if (object === null) continue;
    yield { object, tree, part };
    index++;
  }
}

const withoutSeparators = (text: string): string =>
  text.replace(/^---[ \t]*\r?\n/, '').replace(/^\.\.\.\s*$/m, '');

/**
 * The library's parseAllDocuments, with a look at the depth between its two halves: the second is recursive, and at the
 * end of the stack Node.js does not always throw but may end the process (a regular expression that cannot be compiled).
 * Nothing after the first error of the first half is read.
 */
function* composed(text: string, lines: LineCounter, options: ParseOptions): Generator<Document.Parsed> {
  const composer = new Composer<ParsedNode>({ ...STRINGS_ALONE, ...options });
  for (const token of tokensOf(text, lines)) {
    yield* withoutStacks(() => [...composer.next(token)]);
    if (token.type !== 'error') continue;
    yield* composer.end(true, token.offset);
    return;
  }
  yield* composer.end();
}

/**
 * Documents, and what stands between them.
 * @throws YamlError as soon as something begins that is nested too deep, or has more tags or anchors than any node may
 */
function* tokensOf(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  const row = new PropertyRow();
  let index = 0;
  lines.addNewLine(0);
  for (const piece of new Lexer().lex(text)) {
    const surplus = row.surplus(piece);
    if (surplus !== undefined)
      throw errorAt(lines, index, parser.offset, `A node can have at most one ${surplus}`);
    for (const token of parser.next(piece)) {
      yield token;
      if (token.type === 'document' && token.value !== undefined) index++;
    }
    // What is open: the document, and the collections in one another.
    if (parser.stack.length <= MAX_DEPTH + 1) continue;
    throw errorAt(lines, index, parser.stack.at(-1)?.offset ?? parser.offset, tooDeep(MAX_DEPTH));
  }
  yield* parser.end();
}

/** A map's own, and its first key's. */
const IN_A_ROW_MAX = 2;

/**
 * Tags and anchors with nothing but blanks between them. The library reads all of them before it says that they are too
 * many: a second for 300,000.
 */
class PropertyRow {
  #tags = 0;
  #anchors = 0;

  /** What the lexer's next piece is one too many of. */
  surplus(piece: string): 'tag' | 'anchor' | undefined {
    switch (CST.tokenType(piece)) {
      case 'space':
      case 'newline':
      case 'comment':
        return undefined;
      case 'tag':
        this.#tags += 1;
        return this.#tags > IN_A_ROW_MAX ? 'tag' : undefined;
      case 'anchor':
        this.#anchors += 1;
        return this.#anchors > IN_A_ROW_MAX ? 'anchor' : undefined;
      default:
        this.#tags = 0;
        this.#anchors = 0;
        return undefined;
    }
  }
}

/** The library makes an Error of each of a million wrong commas: all but the first are of no use, and its stack is dear. */
function withoutStacks<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function refuseErrors(document: Document.Parsed, lines: LineCounter, index: number): void {
  const [problem] = document.errors;
  if (problem) throw errorAt(lines, index, problem.pos[0], problem.message);
}

function errorAt(lines: LineCounter, document: number, offset: number, message: string): YamlError {
  const { line, col } = lines.linePos(offset);
  return new YamlError(message, document, Math.max(line, 1), Math.max(col, 1));
}

type AnyNode = Node | null | undefined;

/** The nodes of one document, its aliases resolved. */
class Tree {
  /** What each alias stands for: the anchor of that name that was the last before it. */
  readonly #targets = new Map<Node, Node>();

  constructor(
    readonly document: Document.Parsed,
    readonly lines: LineCounter,
    readonly index: number,
    /** The text's length where it does not end with a line break, else infinite. */
    readonly cutAt: number,
  ) {}

  get root(): ParsedNode | null {
    return this.document.contents;
  }

  error(node: AnyNode, message: string): YamlError {
    return errorAt(this.lines, this.index, node?.range?.[0] ?? 0, message);
  }

  /** Resolves the aliases, and refuses what is nested too deep or has a key twice. */
  link(): void {
    const anchors = new Map<string, Node>();
    const visit = (node: unknown, depth: number): void => {
      if (!isMap(node) && !isSeq(node) && !isScalar(node) && !isAlias(node)) return;
      if (depth > MAX_DEPTH) throw this.error(node, tooDeep(MAX_DEPTH));
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (!target) throw this.error(node, `no anchor &${node.source} before it`);
        this.#targets.set(node, target);
        return;
      }
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isSeq(node)) for (const item of node.items) visit(item, depth + 1);
      if (!isMap(node)) return;
      for (const { key, value } of node.items) {
        visit(key, depth + 1);
        visit(value, depth + 1);
      }
      this.#refuseDuplicates(node);
    };
    visit(this.root, 1);
  }

  #refuseDuplicates(map: YAMLMap): void {
    const places = new Map<string, AnyNode>();
    for (const { key } of map.items) {
      if (isMergeKey(key)) continue;
      const text = this.keyOf(key as AnyNode);
      const first = places.get(text);
      if (first) {
        const line = this.lines.linePos(first.range?.[0] ?? 0).line;
        throw this.error(key as AnyNode, `${duplicateKey(text)}, first on line ${String(line)}`);
      }
      places.set(text, key as AnyNode);
    }
  }

  /** The node itself, or what it is an alias of. */
  target(node: AnyNode): AnyNode {
    return isAlias(node) ? this.#targets.get(node) : node;
  }

  scalar(node: AnyNode): ScalarValue {
    if (!isScalar(node)) return null;
    const text = this.#text(node);
    try {
      if (node.tag === undefined) return node.type === 'PLAIN' ? resolvePlain(text) : text;
      return resolveTagged(node.tag, text);
    } catch (error) {
      if (error instanceof ScalarError) throw this.error(node, error.message);
      throw error;
    }
  }

  /** go-yaml adds no line break to a block that ends with the text instead of one. */
  #text(node: Scalar): string {
    const text = node.source ?? String(node.value);
    const isCut = node.type?.startsWith('BLOCK') === true && (node.range?.[1] ?? 0) >= this.cutAt;
    return isCut ? text.replace(/\n$/, '') : text;
  }

  keyOf(key: AnyNode): string {
    const node = this.target(key);
    if (isMap(node) || isSeq(node)) throw this.error(key, 'a mapping or a list cannot be a key');
    try {
      return keyText(this.scalar(node), isScalar(node) ? this.#text(node) : '');
    } catch (error) {
      if (error instanceof ScalarError) throw this.error(key, error.message);
      throw error;
    }
  }

  position(path: readonly (string | number)[]): Position | undefined {
    let place: AnyNode = this.root;
    let node: AnyNode = this.root;
    for (const step of path) {
      const child = this.#child(this.target(node), step);
      if (!child) break;
      [place, node] = child;
    }
    if (!place?.range) return undefined;
    const { line, col } = this.lines.linePos(place.range[0]);
    return { line, column: col };
  }

  /** Where a field or item begins, and its value. What is written in the map itself comes before what is merged. */
  #child(node: AnyNode, step: string | number): [place: AnyNode, value: AnyNode] | undefined {
    if (isSeq(node)) {
      const item = node.items[Number(step)] as AnyNode;
      return item ? [item, item] : undefined;
    }
    if (!isMap(node)) return undefined;
    const merged: AnyNode[] = [];
    for (const { key, value } of node.items) {
      if (isMergeKey(key)) merged.push(...this.mergedMaps(value as AnyNode));
      else if (this.keyOf(key as AnyNode) === String(step)) return [key as AnyNode, value as AnyNode];
    }
    for (const map of merged.reverse()) {
      const child = this.#child(map, step);
      if (child) return child;
    }
    return undefined;
  }

  /** What a merge key brings in, in the order in which it is written over one another: of a list, the first wins. */
  mergedMaps(value: AnyNode): YAMLMap[] {
    const given = this.target(value);
    const nodes = isSeq(given) && !isAlias(value) ? [...given.items].reverse() : [given];
    return nodes.map((item) => {
      const map = this.target(item as AnyNode);
      if (!isMap(map)) throw this.error(value, 'a merge key takes a mapping or a list of mappings');
      return map;
    });
  }
}

function isMergeKey(key: unknown): boolean {
  if (!isScalar(key) || key.source !== '<<') return false;
  return key.tag === undefined ? key.type === 'PLAIN' : /^(?:!|tag:yaml.org,2002:merge)$/.test(key.tag);
}

/*
 * go-yaml's own bound on aliases (decode.go, allowedAliasRatio): a document may be nearly all aliases while it is
 * small, and less so the larger it grows. Without it nine lines make a billion strings.
 */
const RATIO_LOW = 400_000;
const RATIO_HIGH = 4_000_000;

function allowedAliasRatio(nodes: number): number {
  const part = (nodes - RATIO_LOW) / (RATIO_HIGH - RATIO_LOW);
  return 0.99 - 0.89 * Math.min(Math.max(part, 0), 1);
}

/** Makes plain data of a tree. */
class Builder {
  readonly #tree: Tree;
  readonly #open = new Set<Node>();
  #nodes = 0;
  #aliased = 0;
  #aliasDepth = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  build(): unknown {
    return this.#value(this.#tree.root);
  }

  #value(node: AnyNode): unknown {
    this.#count(node);
    if (isAlias(node)) return this.#aliasOf(node, (target) => this.#value(target));
    if (isSeq(node)) return node.items.map((item) => this.#value(item as AnyNode));
    if (isMap(node)) return this.#fill({}, node);
    const value = this.#tree.scalar(node);
    if (typeof value === 'number' && !Number.isFinite(value))
      throw this.#tree.error(node, `${isScalar(node) ? (node.source ?? '') : ''} cannot be written in JSON`);
    return value;
  }

  #count(node: AnyNode): void {
    this.#nodes++;
    if (this.#aliasDepth > 0) this.#aliased++;
    if (this.#aliased <= 100 || this.#nodes <= 1000) return;
    if (this.#aliased / this.#nodes > allowedAliasRatio(this.#nodes))
      throw this.#tree.error(node, 'too much of the document comes from aliases');
  }

  #aliasOf<T>(alias: Node, use: (target: AnyNode) => T): T {
    if (this.#open.has(alias)) throw this.#tree.error(alias, 'the anchor holds an alias of itself');
    this.#open.add(alias);
    this.#aliasDepth++;
    const result = use(this.#tree.target(alias));
    this.#aliasDepth--;
    this.#open.delete(alias);
    return result;
  }

  /** Keys in the order in which they stand, merge keys too: as in go-yaml v2 the later one wins. */
  #fill(object: Record<string, unknown>, map: YAMLMap): Record<string, unknown> {
    for (const { key, value } of map.items) {
      if (isMergeKey(key)) {
        this.#merge(object, value as AnyNode);
        continue;
      }
      this.#count(key as AnyNode);
      setOwn(object, this.#tree.keyOf(key as AnyNode), this.#value(value as AnyNode));
    }
    return object;
  }

  #merge(object: Record<string, unknown>, value: AnyNode): void {
    if (isAlias(value)) {
      this.#count(value);
      this.#aliasOf(value, () => this.#fillMerged(object, value));
      return;
    }
    if (isSeq(value)) {
      for (const item of [...value.items].reverse()) {
        if (isSeq(item)) throw this.#tree.error(item, 'a merge key takes a mapping or a list of mappings');
        this.#merge(object, item as AnyNode);
      }
      return;
    }
    this.#fillMerged(object, value);
  }

  /** Maps count, however empty: those of nothing but merges of one another have no end. */
  #fillMerged(object: Record<string, unknown>, value: AnyNode): void {
    for (const map of this.#tree.mergedMaps(value)) {
      this.#count(map);
      this.#fill(object, map);
    }
  }
}

/** `__proto__` is a key like any other: assigning it would change the object's prototype. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}
