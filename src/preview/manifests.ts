import { decodeReview } from '../admission/review.js';
import { ReviewError } from '../admission/reviewError.js';
import type { AdmissionRequest, KubernetesObject } from '../admission/types.js';
import { fieldPath } from '../hardening/fieldPath.js';
import { isRecord } from '../hardening/locate.js';
import type { Path } from '../hardening/rule.js';
import { shown } from '../hardening/shown.js';
import type { Position } from '../policy/yaml.js';
import { YamlError } from '../policy/yamlError.js';
import { readDocuments, type FileDocument } from './fileDocuments.js';
import { isHelmTemplate } from './helmTemplate.js';
import type { ManifestIssue } from './manifestError.js';
import { ManifestError } from './manifestError.js';

/** As large as the admission listener takes: an object has at most 3 MiB, but many may come together. */
export const MAX_MANIFEST_BYTES = 20 * 1024 * 1024;

/** Text that came from one place, and the objects in it. */
export interface ManifestFile {
  /** What it is called in a diff: a path, or `manifest.yaml` for a request's body. */
  readonly name: string;
  readonly text: string;
  readonly documents: readonly FileDocument[];
  readonly manifests: readonly Manifest[];
  /** Documents that are no Kubernetes objects. They are previewed never, but reported with what else is wrong. */
  readonly issues: readonly ManifestIssue[];
}

/** One object, and where it stands. */
export interface Manifest {
  /** `web.yaml#0`, `document 0`; of a List's item `document 0 items[2]`. */
  readonly source: string;
  /** The document in the stream, from 0, empty ones not counted. */
  readonly document: number;
  /** Where the object stands in the document: empty, `['items', 2]` in a List, `['request', 'object']` in a review. */
  readonly at: Path;
  readonly object: KubernetesObject;
  /** Of an AdmissionReview: its request, used as it is. */
  readonly request?: AdmissionRequest | undefined;
  /** @param path from the object; of a field that is not there, the place of its deepest ancestor */
  position(path: Path): Position | undefined;
}

export interface ReadOptions {
  /** The file's path; without one the sources are `document 0`, `document 1`. */
  readonly file?: string | undefined;
}

/**
 * Reads one or many manifests: YAML or JSON, several documents, Lists (expanded), AdmissionReviews.
 *
 * @throws ManifestError for text that cannot be read at all, naming document, line and column
 */
export function readManifests(bytes: Uint8Array, { file }: ReadOptions = {}): ManifestFile {
  const text = decode(bytes, file);
  const documents = parse(text, file);
  if (documents.length === 0)
    throw failure(file, 'nothing in it: expected a Kubernetes object in YAML or JSON');
  const reader = new Reader(file);
  for (const document of documents) reader.read(document);
  return {
    name: file ?? 'manifest.yaml',
    text,
    documents,
    manifests: reader.manifests,
    issues: reader.issues,
  };
}

/** A problem of a manifest at a field, placed. */
export function manifestIssue(manifest: Manifest, path: Path, message: string): ManifestIssue {
  return {
    source: manifest.source,
    document: manifest.document,
    ...manifest.position(path),
    field: fieldPath([...manifest.at, ...path]),
    message,
  };
}

function decode(bytes: Uint8Array, file: string | undefined): string {
  if (bytes.byteLength > MAX_MANIFEST_BYTES)
    throw failure(file, `larger than ${MAX_MANIFEST_BYTES} bytes (20 MiB)`);
  try {
    // Node.js' own conversion would replace bad bytes silently. The mark stays: it belongs to the author's text.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new ManifestError(
      [{ source: file ?? 'the input', ...firstBadByte(bytes), message: 'is not UTF-8 text' }],
      {
        cause: error,
      },
    );
  }
}

/** The line that the first byte stands in which no UTF-8 text has there. */
function firstBadByte(bytes: Uint8Array): Position {
  let [line, start] = [1, 0];
  const isText = (from: number, to: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, to));
      return true;
    } catch {
      return false;
    }
  };
  // A line break is one byte and never part of another character, so lines can be looked at one by one.
  for (let end = bytes.indexOf(10, start); end >= 0 && isText(start, end); end = bytes.indexOf(10, start)) {
    line++;
    start = end + 1;
  }
  let end = bytes.indexOf(10, start);
  if (end < 0) end = bytes.byteLength;
  const text = new TextDecoder().decode(bytes.subarray(start, end));
  return { line, column: text.indexOf('\uFFFD') + 1 };
}

function parse(text: string, file: string | undefined): FileDocument[] {
  try {
    return readDocuments(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const { document, line, column } = error;
    const helmTemplate = isHelmTemplate(text, line);
    const hint = helmTemplate
      ? ' (a Helm template? render it first: helm template | kube-harden preview -f -)'
      : '';
    throw new ManifestError(
      [{ source: sourceName(file, document), document, line, column, message: error.message + hint }],
      { cause: error, helmTemplate },
    );
  }
}

function failure(file: string | undefined, message: string): ManifestError {
  return new ManifestError([{ source: file ?? 'the input', line: 1, column: 1, message }]);
}

function sourceName(file: string | undefined, document: number): string {
  return file === undefined ? `document ${document}` : `${file}#${document}`;
}

/** Lists may stand in lists, but not without end. */
const MAX_LIST_DEPTH = 8;

/** Collects the objects of a file's documents, and what is wrong with them. */
class Reader {
  readonly manifests: Manifest[] = [];
  readonly issues: ManifestIssue[] = [];

  constructor(readonly file: string | undefined) {}

  read(document: FileDocument): void {
    this.#object(document, document.object, [], {});
  }

  #object(document: FileDocument, value: unknown, at: Path, defaults: ObjectType): void {
    if (!isRecord(value)) {
      this.#issue(document, at, `expected a Kubernetes object, found ${found(value)}`);
      return;
    }
    const object: KubernetesObject = { ...defaults, ...value };
    if (!this.#hasType(document, object, at)) return;
    if (object.kind === 'AdmissionReview') this.#review(document, object, at);
    else if (isList(object)) this.#list(document, object, at);
    else this.#add(document, object, at);
  }

  #hasType(document: FileDocument, object: KubernetesObject, at: Path): boolean {
    let complete = true;
    for (const field of ['apiVersion', 'kind'] as const) {
      const value = object[field];
      if (typeof value === 'string' && value !== '') continue;
      complete = false;
      this.#issue(
        document,
        [...at, field],
        value === undefined ? 'is required' : `${shown(value)} is not a name`,
      );
    }
    return complete;
  }

  #list(document: FileDocument, list: KubernetesObject, at: Path): void {
    // Go writes the items of an empty list as null.
    const items: unknown = list['items'] === null ? [] : list['items'];
    if (!Array.isArray(items)) {
      const message = items === undefined ? 'is required' : `expected a list, found ${found(items)}`;
      this.#issue(document, [...at, 'items'], message);
      return;
    }
    if (at.length > MAX_LIST_DEPTH * 2) {
      this.#issue(document, at, `Lists stand in one another more than ${MAX_LIST_DEPTH} deep`);
      return;
    }
    // The items of a DeploymentList need not say that they are Deployments.
    const kind = String(list.kind).slice(0, -'List'.length);
    const defaults = kind === '' ? {} : { apiVersion: list.apiVersion, kind };
    items.forEach((item: unknown, index) => this.#object(document, item, [...at, 'items', index], defaults));
  }

  #review(document: FileDocument, review: KubernetesObject, at: Path): void {
    let request: AdmissionRequest;
    try {
      // As the webhook decodes it: what that refuses is refused here in the same words.
      request = decodeReview(Buffer.from(JSON.stringify(review)));
    } catch (error) {
      if (!(error instanceof ReviewError)) throw error;
      const [, field = '', message = error.message] =
        /^(request(?:\.\w+)*|apiVersion): (.*)$/s.exec(error.message) ?? [];
      this.#issue(document, [...at, ...(field === '' ? [] : field.split('.'))], message);
      return;
    }
    const held = request.object ? 'object' : 'oldObject';
    const object = request[held] ?? {};
    this.#add(document, object, [...at, 'request', held], request);
  }

  #add(document: FileDocument, object: KubernetesObject, at: Path, request?: AdmissionRequest): void {
    const name = sourceName(this.file, document.index);
    this.manifests.push({
      source: at.length === 0 || request ? name : `${name} ${fieldPath(at)}`,
      document: document.index,
      at,
      object,
      request,
      position: (path) => document.position([...at, ...path]),
    });
  }

  #issue(document: FileDocument, path: Path, message: string): void {
    this.issues.push({
      source: sourceName(this.file, document.index),
      document: document.index,
      ...document.position(path),
      field: fieldPath(path),
      message,
    });
  }
}

interface ObjectType {
  readonly apiVersion?: unknown;
  readonly kind?: string;
}

function found(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : isRecord(value) ? 'an object' : shown(value);
}

/** `List`, and every kind called so that has items: a resource may be called AllowList and be no list. */
function isList(object: KubernetesObject): boolean {
  const { kind } = object;
  return kind === 'List' || (typeof kind === 'string' && kind.endsWith('List') && 'items' in object);
}
