import type { Document } from 'yaml';
import {
  CONTROL_CHARACTER,
  parseKubernetesYaml,
  type KubernetesDocument,
  type Position,
} from '../policy/yaml.js';
import { YamlError } from '../policy/yamlError.js';
import { placedDocument, type PlacedDocument } from './placedYaml.js';
import { readPlainYaml } from './plainYaml.js';
import { readsAgainAs } from './secondReading.js';

/** One document of a file: its data, and where they stand. */
export interface FileDocument {
  /** Among the documents that hold something, from 0. */
  readonly index: number;
  /** Plain JSON data, as Kubernetes reads them. */
  readonly object: unknown;
  /** Another library has found the same data in the whole text (secondReading.ts). */
  readonly isConfirmed: boolean;
  /** In the text without a byte order mark. */
  readonly placed: () => PlacedDocument;
  /** As `KubernetesDocument.position`. */
  position(path: readonly (string | number)[]): Position | undefined;
  /** The library's tree. It is made of the whole text when somebody first asks for one of it. */
  readonly parsed: () => Document.Parsed;
}

/**
 * Reads YAML or JSON as parseKubernetesYaml does, with the same data and errors. It keeps less: what a document looks
 * like in detail is read again by the few who ask.
 *
 * @throws YamlError for the first problem of the text
 */
export function readDocuments(text: string): FileDocument[] {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const parts = readParts(source);
  const data = parts?.map(({ object }) => object);
  // What is read by a reader of our own is never believed alone. The two differ for the few plain scalars that YAML 1.1
  // and 1.2 read otherwise (`on`, `0400`) as well: then the library reads the whole.
  return parts !== undefined && data !== undefined && readsAgainAs(source, data) ? parts : readWhole(source);
}

function readWhole(source: string): FileDocument[] {
  return parseKubernetesYaml(source).map((document) => ({
    index: document.index,
    object: document.object,
    isConfirmed: false,
    placed: () => placedDocument(document.parsed, source, 0),
    position: (path) => document.position(path),
    parsed: () => document.parsed,
  }));
}

/**
 * Each document by itself, to be confirmed; undefined where something is wrong, or not to be told without reading the
 * whole.
 */
function readParts(source: string): FileDocument[] | undefined {
  const parts = splitDocuments(source);
  if (!parts) return undefined;
  let whole: readonly KubernetesDocument[] | undefined;
  const documents: FileDocument[] = [];
  const add = (object: unknown, placed: PlacedDocument): void => {
    const index = documents.length;
    const inWhole = (): KubernetesDocument => {
      whole ??= parseKubernetesYaml(source);
      const document = whole[index];
      if (!document) throw new Error(`document ${index} is not there when the text is read again`);
      return document;
    };
    documents.push({
      index,
      object,
      isConfirmed: true,
      placed: () => placed,
      position: (path) => inWhole().position(path),
      parsed: () => inWhole().parsed,
    });
  };
  for (const { start, end } of parts) {
    const plain = readPlainYaml(source, start, end);
    if (plain) add(plain.object, { root: plain.root, hasAliases: false });
    if (plain !== undefined) continue;
    const part = source.slice(start, end);
    // What is wrong with the whole need not be found twice: large texts take the better part of a second.
    const found = part === source ? parseKubernetesYaml(part) : orUndefined(() => parseKubernetesYaml(part));
    if (!found) return undefined;
    for (const document of found) add(document.object, placedDocument(document.parsed, part, start));
  }
  return documents;
}

/** The error's place, and which error comes first, are the whole text's to tell. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof YamlError) return undefined;
    throw error;
  }
}

/**
 * Directives, ends of documents, documents that begin on the line of their `---`, and characters that some take for a
 * line break.
 */
const INTRICATE = /^(?:%|\.\.\.(?:\s|$)|---[ \t]+[^\s#]|---\t)|\r(?!\n)|[\u0085\u2028\u2029\uFEFF]/m;
const JSON_START = /^\s*[{[]/;

/**
 * Where the documents are: between lines of `---`, which begin a document wherever they stand (YAML 1.2.2, 9.1.2). That
 * a part alone reads as it does in the whole is so because anchors end with their document.
 *
 * @returns undefined where that is not all that tells documents apart
 */
function splitDocuments(source: string): { readonly start: number; readonly end: number }[] | undefined {
  if (JSON_START.test(source) || CONTROL_CHARACTER.test(source) || INTRICATE.test(source)) return undefined;
  const parts: { start: number; end: number }[] = [];
  let start = 0;
  for (const { 0: line, index } of source.matchAll(/^---(?: .*|\r?)$\n?/gm)) {
    parts.push({ start, end: index });
    start = index + line.length;
  }
  parts.push({ start, end: source.length });
  return parts;
}
