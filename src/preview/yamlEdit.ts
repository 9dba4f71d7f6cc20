import type { Operation } from 'fast-json-patch';
import type { Path } from '../hardening/rule.js';
import { kubernetesData } from '../policy/yaml.js';
import { YamlError } from '../policy/yamlError.js';
import { DocumentEditor } from './documentEditor.js';
import { readDocuments, type FileDocument } from './fileDocuments.js';
import { sameJson } from '../hardening/sameJson.js';
import { NotEditable } from './notEditable.js';
import { patched } from './patched.js';
import type { PlacedDocument, PlacedNode } from './placedYaml.js';
import type { TracedSplice } from './splice.js';
import { applySplices, sortSplices } from './splice.js';
import { YamlComments } from './yamlComments.js';
import { YamlEditError } from './yamlEditError.js';
import { SecondReading, readsAgainAs } from './secondReading.js';
import { rewriteDocument } from './yamlRewrite.js';
import type { YamlStyle } from './yamlText.js';

/** A patch for one object of a file. */
export interface YamlEdit {
  /** Among the documents of the file that hold something, from 0: `FileDocument.index`. */
  readonly document: number;
  /** Where the object stands in the document: empty, or `['items', 2]` in a List. */
  readonly at: Path;
  /** RFC 6902, relative to the object. */
  readonly patch: readonly Operation[];
}

export interface EditedYaml {
  readonly text: string;
  /** What was done to the old text, in order. */
  readonly splices: readonly TracedSplice[];
  /**
   * By document: fields that read as what is written at another place (aliases, merge keys), with that place. Both are
   * paths in the edited document, the first one as JSON.
   */
  readonly shared: ReadonlyMap<number, ReadonlyMap<string, Path>>;
  /** Documents that could not be edited in place and were written anew: comments stay, layout may not. */
  readonly rewritten: readonly number[];
}

const BOM = '\uFEFF';

/**
 * Applies patches to YAML or JSON text. What is added becomes new lines after what was there; comments, order, quotes,
 * indentation, anchors, document separators and line endings stay. Only two kinds of original line can change: one
 * whose value a patch replaces, and one with an empty or flow-style value (`{}`, `{a: b}`, an alias) that receives a
 * field. The result is read again and compared with the patched data before anybody sees it.
 *
 * @param documents those of the text, where it has been read already
 * @throws YamlEditError when a patch does not apply, or the text cannot be made to read as the patched data
 */
export function editYaml(
  text: string,
  edits: readonly YamlEdit[],
  documents: readonly FileDocument[] = readDocuments(text),
): EditedYaml {
  const wanted = edits.filter(({ patch }) => patch.length > 0);
  if (wanted.length === 0) return { text, splices: [], shared: new Map(), rewritten: [] };
  const bom = text.startsWith(BOM) ? BOM : '';
  const source = text.slice(bom.length);
  const before = documents.map(({ object }) => object);
  const edited = new Editing(source, documents, before, applyEdits(before, wanted), wanted).edit();
  const shifted = edited.splices.map((splice) => ({
    ...splice,
    start: splice.start + bom.length,
    end: splice.end + bom.length,
  }));
  return { ...edited, text: bom + edited.text, splices: shifted };
}

/** The documents as the patches make them. What no patch changes is shared with what was there, which stays as it is. */
function applyEdits(documents: readonly unknown[], edits: readonly YamlEdit[]): unknown[] {
  const after = [...documents];
  const own = new Set<object>();
  for (const { document, at, patch } of edits) {
    const prefix = at.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    const operations = patch.map((operation): Operation => ({ ...operation, path: prefix + operation.path }));
    try {
      after[document] = patched(after[document], operations, own);
    } catch (error) {
      throw new YamlEditError('the patch does not apply', { cause: error });
    }
  }
  return after;
}

/** How one document is edited where it stands. */
type InPlace = { readonly splices: readonly TracedSplice[] } & Pick<DocumentEditor, 'shared'>;

type Applied = Pick<EditedYaml, 'text' | 'splices'>;

/** One file on its way from the data that it holds to the data that it is to hold. */
class Editing {
  readonly #placed: readonly PlacedDocument[];
  readonly #comments: YamlComments;
  readonly #style: YamlStyle;

  constructor(
    readonly source: string,
    readonly documents: readonly FileDocument[],
    readonly before: readonly unknown[],
    readonly after: readonly unknown[],
    readonly edits: readonly YamlEdit[],
  ) {
    this.#placed = documents.map(({ placed }) => placed());
    this.#comments = new YamlComments(source);
    this.#style = styleOf(source, this.#placed);
  }

  /** All documents in place; where that does not read as it should, each by itself to find the one at fault. */
  edit(): EditedYaml {
    const inPlace = this.#placed.map((document, index) => this.#inPlace(document, index));
    const rewritten = inPlace.flatMap((editor, index) => (editor === undefined ? [index] : []));
    const edited = rewritten.length === 0 ? this.#applyAll(inPlace) : undefined;
    const shared = (): EditedYaml['shared'] =>
      new Map(
        inPlace.flatMap((editor, index) =>
          editor && !rewritten.includes(index) ? [[index, editor.shared] as const] : [],
        ),
      );
    if (edited) return { ...edited, shared: shared(), rewritten };

    const splices = this.documents.flatMap((document, index) => {
      const own = inPlace[index]?.splices;
      if (own && this.#apply(own, this.before.with(index, this.after[index]))) return own;
      if (own) rewritten.push(index);
      return [this.#rewrite(document, index)];
    });
    const written = this.#apply(splices, this.after);
    if (!written) throw new YamlEditError('it would not read as the patched data');
    return { ...written, shared: shared(), rewritten };
  }

  #inPlace(document: PlacedDocument, index: number): InPlace | undefined {
    const [before, after] = [this.before[index], this.after[index]];
    if (before === after) return { splices: [], shared: new Map() };
    try {
      const editor = new DocumentEditor(this.#comments, document, this.#style, before, after);
      return {
        splices: editor.splices.map((splice) => ({ ...splice, document: index })),
        shared: editor.shared,
      };
    } catch (error) {
      if (error instanceof NotEditable) return undefined;
      throw error;
    }
  }

  /** All documents in place. Mostly the quick reading confirms it; where it does not, the slow one has the last word. */
  #applyAll(inPlace: readonly (InPlace | undefined)[]): Applied | undefined {
    const all = inPlace.flatMap((editor) => editor?.splices ?? []);
    const splices = sortSplices(all);
    if (!splices) return undefined;
    const text = applySplices(this.source, splices);
    return this.#isConfirmed(text) ? { text, splices } : this.#apply(all, this.after);
  }

  /** By the quick reading; false also where it cannot tell. */
  #isConfirmed(text: string): boolean {
    // JSON is read in less time yet.
    if (isJson(this.source)) return false;
    if (this.documents.every(({ isConfirmed }) => isConfirmed)) return readsAgainAs(text, this.after);
    const reading = new SecondReading(this.source, this.before.length);
    return reading.confirms(text, (before) => applyEdits(before, this.edits));
  }

  /** The edited text, or undefined where it does not read as the data. */
  #apply(unordered: readonly TracedSplice[], data: readonly unknown[]): Applied | undefined {
    const splices = sortSplices(unordered);
    if (!splices) return undefined;
    const text = applySplices(this.source, splices);
    try {
      let count = 0;
      for (const object of kubernetesData(text)) {
        if (count >= data.length || !sameJson(object, data[count])) return undefined;
        count++;
      }
      return count === data.length ? { text, splices } : undefined;
    } catch (error) {
      if (error instanceof YamlError) return undefined;
      throw error;
    }
  }

  #rewrite({ parsed }: FileDocument, index: number): TracedSplice {
    try {
      return { ...rewriteDocument(parsed(), this.after[index], this.#style), document: index };
    } catch (error) {
      throw new YamlEditError(`document ${index} cannot be written anew`, { cause: error });
    }
  }
}

function isJson(source: string): boolean {
  return /^\s*[{[]/.test(source);
}

/** How most of the file is written. */
function styleOf(source: string, documents: readonly PlacedDocument[]): YamlStyle {
  const steps = new Map<number, number>();
  let [indented, level] = [0, 0];
  const visit = (node: PlacedNode | null): void => {
    if (node?.kind === 'list') node.items.forEach(visit);
    if (node?.kind !== 'map') return;
    for (const { value } of node.pairs) {
      const column = columnOf(value);
      if (column === undefined || node.column === undefined) continue;
      if (value?.kind === 'list') {
        if (column > node.column) indented++;
        else level++;
      } else if (column > node.column)
        steps.set(column - node.column, (steps.get(column - node.column) ?? 0) + 1);
    }
    for (const { value } of node.pairs) visit(value);
  };
  for (const { root } of documents) visit(root);
  const [step] = [...steps].sort((a, b) => b[1] - a[1])[0] ?? [2];
  return { eol: lineBreakOf(source), step, dash: indented > level ? step : 0 };
}

/** That of most lines. */
function lineBreakOf(source: string): '\n' | '\r\n' {
  const all = source.split('\n').length - 1;
  const windows = source.split('\r\n').length - 1;
  return windows * 2 > all ? '\r\n' : '\n';
}

/** The column of a collection in block style. */
function columnOf(node: PlacedNode | null): number | undefined {
  return node?.kind === 'map' || node?.kind === 'list' ? node.column : undefined;
}
