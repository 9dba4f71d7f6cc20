import { ScalarError, keyText, resolvePlain } from '../policy/yamlScalar.js';
import type { PlacedList, PlacedMap, PlacedNode, PlacedPair, PlacedScalar } from './placedYaml.js';

/** A document that was read without the library. */
export interface PlainDocument {
  /** As `KubernetesDocument` has it. */
  readonly object: unknown;
  readonly root: PlacedNode;
}

/**
 * Reads a document of YAML as nearly all manifests are written: maps and lists in block style, scalars on one line,
 * literal blocks, flow collections on one line, comments. It takes a tenth of the library's time and memory, which for
 * a large file are most of a preview's.
 *
 * Whatever is rarer (anchors, tags, folded blocks, text over several lines, tabs, a key twice), or wrong, is left to the
 * library: this reader never guesses. plainYaml.test.ts holds the two against each other over the corpus.
 *
 * @param start where the document's first line begins
 * @param end where its last line ends
 * @returns null for a document that holds nothing; undefined where the library has to read it
 */
export function readPlainYaml(text: string, start: number, end: number): PlainDocument | null | undefined {
  const source = text.slice(start, end);
  if (NOT_PLAIN.test(source)) return undefined;
  try {
    return new PlainReader(text, start, end).read();
  } catch (error) {
    // A quoted text of more than 8 million characters is too much for the stack of a regular expression.
    if (error instanceof NotPlain || error instanceof ScalarError || error instanceof RangeError)
      return undefined;
    throw error;
  }
}

/** A tab, a carriage return that ends no line, and what other versions of YAML take for a line break. */
const NOT_PLAIN = /[\t\u0085\u2028\u2029\uFEFF]|\r(?!\n)/;

class NotPlain extends Error {
  readonly code = 'NotPlain';
}

/** One for all: it says nothing but no, and a stack is dear. */
const NO = new NotPlain('not plain YAML');

/** Deeper than manifests are; the library bounds what is deeper. */
const MAX_DEPTH = 100;

const [RETURN, SPACE, HASH, DASH, COLON] = [13, 32, 35, 45, 58];

/** A plain key, and a colon that ends it. */
const BLOCK_KEY = /[A-Za-z0-9_.$/][\w.$/@+-]*(?=:(?:[ \r\n]|$))/y;
/** A plain scalar in a flow collection, of one word. */
const FLOW_WORD = /-?[A-Za-z0-9_./$][\w./$@+=*%-]*/y;
const DOUBLE_QUOTED = /"(?:[^"\\\r\n]|\\["\\nrt])*"/y;
const SINGLE_QUOTED = /'(?:[^'\r\n]|'')*'/y;
/** What a plain scalar of a block does not begin with. A dash does where no blank follows. */
const INDICATORS = new Set(`?:,[]{}#&*!|>'"%@\``);
const LITERAL = /^\|(-?) *$/;

class PlainReader {
  readonly #text: string;
  readonly #stop: number;
  /** Of the line that is looked at: where it begins, where its content begins and in which column, and where it ends. */
  #line = 0;
  #at = 0;
  #column = -1;
  #end = 0;
  /** Where the next line begins. */
  #next: number;
  /** What the node holds that was read last. */
  #data: unknown;
  #depth = 0;
  readonly #keys = new Map<string, string>();

  constructor(text: string, start: number, stop: number) {
    this.#text = text;
    this.#next = start;
    this.#stop = stop;
  }

  read(): PlainDocument | null {
    this.#advance();
    if (this.#column < 0) return null;
    const root = this.#block();
    if (this.#column >= 0) throw NO;
    return { object: this.#data, root };
  }

  /** Goes to the next line that holds more than blanks and a comment; the column is -1 where there is none. */
  #advance(): void {
    const text = this.#text;
    while (this.#next < this.#stop) {
      this.#line = this.#next;
      const feed = text.indexOf('\n', this.#line);
      const end = feed < 0 || feed >= this.#stop ? this.#stop : feed;
      this.#next = end + 1;
      this.#end = end > this.#line && text.charCodeAt(end - 1) === RETURN ? end - 1 : end;
      this.#at = this.#afterBlanks(this.#line);
      if (this.#at === this.#end || text.charCodeAt(this.#at) === HASH) continue;
      this.#column = this.#at - this.#line;
      return;
    }
    this.#column = -1;
  }

  #afterBlanks(offset: number): number {
    while (offset < this.#end && this.#text.charCodeAt(offset) === SPACE) offset++;
    return offset;
  }

  /** Whether nothing but blanks and a comment stands from there to the end of the line; a blank stands before it. */
  #isBlank(offset: number): boolean {
    return offset >= this.#end || this.#text.charCodeAt(offset) === HASH;
  }

  #isDash(offset: number): boolean {
    if (this.#text.charCodeAt(offset) !== DASH) return false;
    return offset + 1 >= this.#end || this.#text.charCodeAt(offset + 1) === SPACE;
  }

  /** The map or list whose first key or dash is looked at. */
  #block(): PlacedNode {
    if (++this.#depth > MAX_DEPTH) throw NO;
    const node = this.#isDash(this.#at) ? this.#list() : this.#map();
    // A line that is further to the left than what came before, and further to the right than all that is open.
    if (this.#column > (node.column ?? 0)) throw NO;
    this.#depth--;
    return node;
  }

  #list(): PlacedList {
    const column = this.#column;
    const start = this.#at;
    const data: unknown[] = [];
    const items: PlacedNode[] = [];
    const dashes: number[] = [];
    let end = start;
    while (this.#column === column && this.#isDash(this.#at)) {
      const dash = this.#at + 1;
      const at = this.#afterBlanks(dash);
      const item = this.#isBlank(at) ? this.#below(column, dash, false) : this.#item(at, column);
      items.push(item);
      dashes.push(dash);
      data.push(this.#data);
      end = item.end;
    }
    this.#data = data;
    return { kind: 'list', start, end, flow: false, column, items, dashes };
  }

  /** A list's item that begins on the line of its dash. */
  #item(at: number, column: number): PlacedNode {
    if (!this.#isDash(at) && this.#keyEnd(at) === undefined) return this.#scalarOrFlow(at, column);
    this.#at = at;
    this.#column = at - this.#line;
    return this.#block();
  }

  #map(): PlacedMap {
    const column = this.#column;
    const start = this.#at;
    const data: Record<string, unknown> = {};
    const pairs: PlacedPair[] = [];
    let end = start;
    while (this.#column === column && !this.#isDash(this.#at)) {
      const from = this.#at;
      const keyEnd = this.#keyEnd(from);
      if (keyEnd === undefined) throw NO;
      const key = this.#keyOf(from, keyEnd);
      if (Object.hasOwn(data, key) || key === '__proto__') throw NO;
      const colon = keyEnd + 1;
      const at = this.#afterBlanks(colon);
      const value = this.#isBlank(at) ? this.#below(column, colon, true) : this.#scalarOrFlow(at, column);
      pairs.push({ key, isMerge: false, start: from, colon, value });
      data[key] = this.#data;
      end = value.end;
    }
    this.#data = data;
    return { kind: 'map', start, end, flow: false, column, pairs };
  }

  /**
   * What stands on the lines below a key or a dash; where there is nothing, a scalar that is empty.
   *
   * @param isKey a list may stand in the very column of its key
   */
  #below(column: number, after: number, isKey: boolean): PlacedNode {
    this.#advance();
    if (this.#column > column || (isKey && this.#column === column && this.#isDash(this.#at)))
      return this.#block();
    // Where an empty node ends that has blanks or a comment beside it, the library alone knows.
    if (this.#text.charCodeAt(after) === SPACE) throw NO;
    this.#data = null;
    return { kind: 'scalar', start: after, end: after, style: 'PLAIN' };
  }

  /** Where a key ends, before its colon; undefined where there is none. */
  #keyEnd(at: number): number | undefined {
    const quoted = this.#quoteEnd(at);
    if (quoted === undefined) return this.#match(BLOCK_KEY, at);
    if (this.#text.charCodeAt(quoted) !== COLON) return undefined;
    return quoted + 1 === this.#end || this.#text.charCodeAt(quoted + 1) === SPACE ? quoted : undefined;
  }

  #keyOf(start: number, end: number): string {
    const written = this.#text.slice(start, end);
    let key = this.#keys.get(written);
    if (key === undefined) {
      key = isQuote(written[0]) ? unquoted(written) : keyText(resolvePlain(written), written);
      this.#keys.set(written, key);
    }
    return key;
  }

  /** A value that begins on the line of its key or dash, which stands in a column. */
  #scalarOrFlow(at: number, column: number): PlacedNode {
    const first = this.#text[at] ?? '';
    if (first === '|') return this.#literal(at, column);
    let node: PlacedNode;
    if (first === '{' || first === '[') node = this.#flow(at);
    else if (isQuote(first)) node = this.#quoted(at);
    else node = this.#plain(at, first);
    const rest = this.#afterBlanks(node.end);
    if (rest < this.#end && (rest === node.end || !this.#isBlank(rest))) throw NO;
    this.#advance();
    // It goes on.
    if (this.#column > column) throw NO;
    return node;
  }

  #plain(at: number, first: string): PlacedScalar {
    if (INDICATORS.has(first) || this.#isDash(at)) throw NO;
    const text = this.#text;
    let end = at;
    for (let offset = at; offset < this.#end; offset++) {
      const code = text.charCodeAt(offset);
      if (code === SPACE) continue;
      if (code === HASH && text.charCodeAt(offset - 1) === SPACE) break;
      if (code === COLON && (offset + 1 === this.#end || text.charCodeAt(offset + 1) === SPACE)) throw NO;
      end = offset + 1;
    }
    this.#data = finite(resolvePlain(text.slice(at, end)));
    return { kind: 'scalar', start: at, end, style: 'PLAIN' };
  }

  #quoteEnd(at: number): number | undefined {
    const first = this.#text[at];
    if (first === '"') return this.#match(DOUBLE_QUOTED, at);
    return first === "'" ? this.#match(SINGLE_QUOTED, at) : undefined;
  }

  #quoted(at: number): PlacedScalar {
    const end = this.#quoteEnd(at);
    if (end === undefined) throw NO;
    this.#data = unquoted(this.#text.slice(at, end));
    const style = this.#text[at] === '"' ? 'QUOTE_DOUBLE' : 'QUOTE_SINGLE';
    return { kind: 'scalar', start: at, end, style };
  }

  /** Where a match that begins at an offset ends. */
  #match(pattern: RegExp, at: number): number | undefined {
    pattern.lastIndex = at;
    return pattern.test(this.#text) && pattern.lastIndex <= this.#end ? pattern.lastIndex : undefined;
  }

  /** The lines of `key: |`, as far to the right as the first of them. */
  #literal(at: number, column: number): PlacedScalar {
    const text = this.#text;
    const header = LITERAL.exec(text.slice(at, this.#end));
    if (!header) throw NO;
    const lines: string[] = [];
    let margin = -1;
    let [end, kept] = [at, 0];
    while (this.#next < this.#stop) {
      const line = this.#next;
      const feed = text.indexOf('\n', line);
      // Without a line break at its end go-yaml reads it otherwise. The library keeps carriage returns in mind.
      if (feed < 0 || text.charCodeAt(feed - 1) === RETURN) throw NO;
      let ink = line;
      while (text.charCodeAt(ink) === SPACE) ink++;
      const indent = ink - line;
      const isEmpty = ink === feed;
      if (!isEmpty && indent <= column) break;
      if (isEmpty) {
        if (indent > Math.max(margin, 0)) throw NO;
        lines.push('');
      } else {
        if (margin < 0) margin = indent;
        if (indent < margin) break;
        lines.push(text.slice(line + margin, feed));
        kept = lines.length;
        end = feed;
      }
      this.#next = feed + 1;
    }
    if (margin < 0) throw NO;
    this.#data = lines.slice(0, kept).join('\n') + (header[1] === '-' ? '' : '\n');
    this.#advance();
    if (this.#column > column) throw NO;
    return { kind: 'scalar', start: at, end, style: 'BLOCK_LITERAL' };
  }

  #flow(at: number): PlacedNode {
    const first = this.#text[at] ?? '';
    if (first === '{') return this.#flowMap(at);
    if (first === '[') return this.#flowList(at);
    if (isQuote(first)) return this.#quoted(at);
    const end = this.#match(FLOW_WORD, at);
    if (end === undefined) throw NO;
    this.#data = finite(resolvePlain(this.#text.slice(at, end)));
    return { kind: 'scalar', start: at, end, style: 'PLAIN' };
  }

  #flowMap(start: number): PlacedMap {
    if (++this.#depth > MAX_DEPTH) throw NO;
    const data: Record<string, unknown> = {};
    const pairs: PlacedPair[] = [];
    let at = this.#afterBlanks(start + 1);
    while (this.#text[at] !== '}') {
      if (pairs.length > 0) at = this.#afterComma(at);
      const keyEnd = this.#quoteEnd(at) ?? this.#match(FLOW_WORD, at);
      if (keyEnd === undefined || this.#text.charCodeAt(keyEnd) !== COLON) throw NO;
      if (this.#text.charCodeAt(keyEnd + 1) !== SPACE) throw NO;
      const key = this.#keyOf(at, keyEnd);
      if (Object.hasOwn(data, key) || key === '__proto__') throw NO;
      const value = this.#flow(this.#afterBlanks(keyEnd + 1));
      pairs.push({ key, isMerge: false, start: at, colon: keyEnd + 1, value });
      data[key] = this.#data;
      at = this.#afterBlanks(value.end);
    }
    this.#depth--;
    this.#data = data;
    return { kind: 'map', start, end: at + 1, flow: true, column: undefined, pairs };
  }

  #flowList(start: number): PlacedList {
    if (++this.#depth > MAX_DEPTH) throw NO;
    const data: unknown[] = [];
    const items: PlacedNode[] = [];
    let at = this.#afterBlanks(start + 1);
    while (this.#text[at] !== ']') {
      if (items.length > 0) at = this.#afterComma(at);
      const item = this.#flow(at);
      items.push(item);
      data.push(this.#data);
      at = this.#afterBlanks(item.end);
    }
    this.#depth--;
    this.#data = data;
    return { kind: 'list', start, end: at + 1, flow: true, column: undefined, items, dashes: [] };
  }

  #afterComma(at: number): number {
    if (this.#text[at] !== ',') throw NO;
    return this.#afterBlanks(at + 1);
  }
}

function isQuote(first: string | undefined): boolean {
  return first === '"' || first === "'";
}

/** What DOUBLE_QUOTED lets in is read as JSON has it. */
function unquoted(written: string): string {
  if (written.startsWith("'")) return written.slice(1, -1).replaceAll("''", "'");
  return written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
}

/** What JSON does not have is an error, which the library places. */
function finite<T>(value: T): T {
  if (typeof value === 'number' && !Number.isFinite(value)) throw NO;
  return value;
}
