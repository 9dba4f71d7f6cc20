import { isMap, isScalar, isSeq, parseAllDocuments, type Document, type Node, type YAMLMap } from 'yaml';

/** Keys of maps, and indices of lists, from an object down to a value. */
export type Path = readonly (string | number)[];

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface Identified {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
}

/** The keys by which a strategic merge finds an element of a list, for the lists that our patches name. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  ports: 'containerPort',
  volumes: 'name',
  volumeMounts: 'mountPath',
  webhooks: 'name',
};

/**
 * A manifest on its way to a Helm template. Only what a value decides is rewritten in its text, so that its comments and
 * its order stay. A path that is not there is an error: the manifest has changed, and what made a template of it has not.
 */
export class ChartTemplate {
  private readonly text: string;
  private readonly documents: readonly Document.Parsed[];
  private readonly edits: Edit[] = [];

  /** @param source named in errors */
  constructor(
    text: string,
    private readonly source: string,
  ) {
    // What Prometheus or Grafana are to fill in later is none of Helm's.
    this.text = text.replaceAll(/\{\{.*?\}\}/g, (braces) => `{{\`${braces}\`}}`);
    if (!text.endsWith('\n')) throw new Error(`${source} does not end with a line break`);
    this.documents = parse(this.text, source);
  }

  /** The value at the path becomes what the expression prints, on one line. */
  replaceScalar(path: Path, expression: string): void {
    const node = this.at(this.only(), path);
    if (!isScalar(node)) throw this.problem(path, 'is not a scalar');
    this.edits.push({ ...within(node), text: expression });
  }

  /** The value at the path, a map or a list over several lines, becomes the YAML of a chart's value. */
  replaceBlock(path: Path, value: string): void {
    const { length } = this.indentOf(this.at(this.only(), path));
    this.replaceLines(path, [`{{- toYaml ${value} | nindent ${length} }}`]);
  }

  /** The value at the path, a map or a list over several lines, becomes these lines (without indentation of their own). */
  replaceLines(path: Path, lines: readonly string[]): void {
    const node = this.at(this.only(), path);
    this.edits.push({ ...this.linesOf(node), text: indented(lines, this.indentOf(node)) });
  }

  /** Adds lines (without indentation of their own) behind the last of a map. */
  append(path: Path, lines: readonly string[]): void {
    for (const document of this.documents) this.appendTo(this.at(document, path), lines);
  }

  /** Adds lines (without indentation of their own) before the first element of a list. */
  prepend(path: Path, lines: readonly string[]): void {
    this.prependTo(this.at(this.only(), path), lines);
  }

  /**
   * What kustomize makes of a strategic merge patch, where the condition holds: elements that a patch names come first,
   * in its order, and the rest after them.
   */
  merge(patch: ChartTemplate, condition: string): void {
    for (const change of patch.documents) {
      const target = this.documents.find((document) => idOf(document) === idOf(change));
      if (target === undefined)
        throw new Error(`${patch.source} patches ${idOf(change)}, not in ${this.source}`);
      this.mergeMap(map(target.contents, this.source), map(change.contents, patch.source), patch, condition);
    }
  }

  has(patch: ChartTemplate): boolean {
    return patch.documents.every((change) =>
      this.documents.some((document) => idOf(document) === idOf(change)),
    );
  }

  toString(): string {
    // From the end, so that what stands before keeps its place; of two at one place the later one comes first.
    const ordered = this.edits.map((edit, index) => ({ edit, index }));
    ordered.sort((a, b) => b.edit.start - a.edit.start || a.index - b.index);
    let text = this.text;
    for (const { edit } of ordered) text = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
    return text;
  }

  private mergeMap(base: YAMLMap, change: YAMLMap, patch: ChartTemplate, condition: string): void {
    for (const { key, value } of change.items) {
      const name = String(key);
      const before = base.get(name, true) as Node | undefined;
      const after = value as Node;
      if (before === undefined)
        this.appendTo(base, conditional(condition, patch.withComment(key as Node, after)));
      else if (isMap(before) && isMap(after)) this.mergeMap(before, after, patch, condition);
      else if (isSeq(before) && isSeq(after)) this.mergeList(name, before, after, patch, condition);
      else if (isScalar(before) && isScalar(after)) this.mergeScalar(before, after, patch, condition);
      else throw new Error(`${patch.source} changes the type of ${name}`);
    }
  }

  private mergeScalar(before: Node, after: Node, patch: ChartTemplate, condition: string): void {
    const [was, is] = [this.sourceOf(before), patch.sourceOf(after)];
    if (was === is) return;
    this.edits.push({ ...within(before), text: `{{ if ${condition} }}${is}{{ else }}${was}{{ end }}` });
  }

  private mergeList(name: string, base: Node, change: Node, patch: ChartTemplate, condition: string): void {
    const key = MERGE_KEYS[name];
    if (key === undefined)
      throw new Error(`${patch.source} patches the list ${name}: say by which key it is merged`);
    const elements = elementsOf(base);
    const first: string[] = [];
    elementsOf(change).forEach((element, index) => {
      const at = elements.findIndex((other) => other.get(key) === element.get(key));
      const existing = elements[at];
      if (existing !== undefined && at === index) {
        this.mergeMap(existing, element, patch, condition);
        return;
      }
      if (existing !== undefined) {
        const kept = existing.items.map((item) => String(item.key)).filter((field) => !element.has(field));
        if (kept.length > 0)
          throw new Error(`${patch.source} moves an element of ${name} and leaves out ${kept.join(', ')}`);
        // Its range begins at its first key, behind the dash and a space.
        const indent = this.indentOf(existing).slice('- '.length);
        const lines = conditional(`not ${bracketed(condition)}`, this.withComment(existing, existing));
        this.edits.push({ ...this.blockOf(existing, existing), text: indented(lines, indent) });
      }
      first.push(...patch.withComment(element, element));
    });
    if (first.length > 0) this.prependTo(base, conditional(condition, first));
  }

  private appendTo(node: Node, lines: readonly string[]): void {
    const { end } = this.linesOf(node);
    this.edits.push({ start: end, end, text: indented(lines, this.indentOf(node)) });
  }

  private prependTo(node: Node, lines: readonly string[]): void {
    const { start } = this.linesOf(node);
    this.edits.push({ start, end: start, text: indented(lines, this.indentOf(node)) });
  }

  /** The lines of a value from its key or dash on, with the comment above it, without their common indentation. */
  private withComment(from: Node, to: Node): string[] {
    const { start, end } = this.blockOf(from, to);
    const lines = this.text.slice(start, end).trimEnd().split('\n');
    const margin = Math.min(...lines.map((line) => line.search(/\S/)));
    return lines.map((line) => line.slice(margin));
  }

  /** From the start of the comment above to the end of the last line. */
  private blockOf(from: Node, to: Node): { start: number; end: number } {
    let { start } = this.linesOf(from);
    for (let above = start; start > 0; start = above) {
      above = this.lineStart(start - 1);
      if (!/^ *#/.test(this.text.slice(above, start))) break;
    }
    return { start, end: this.linesOf(to).end };
  }

  /** From the start of its first line to the end of its last. */
  private linesOf(node: Node): { start: number; end: number } {
    const [start, valueEnd] = rangeOf(node);
    const rest = this.text[valueEnd - 1] === '\n' ? 0 : this.text.slice(valueEnd).indexOf('\n') + 1;
    return { start: this.lineStart(start), end: valueEnd + rest };
  }

  private lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1;
  }

  private indentOf(node: Node): string {
    const [start] = rangeOf(node);
    return ' '.repeat(start - this.lineStart(start));
  }

  private sourceOf(node: Node): string {
    const { start, end } = within(node);
    return this.text.slice(start, end);
  }

  private only(): Document.Parsed {
    const [document] = this.documents;
    if (document === undefined || this.documents.length > 1)
      throw new Error(`${this.source} has not one object`);
    return document;
  }

  private at(document: Document.Parsed, path: Path): Node {
    const node = document.getIn(path, true);
    if (node === undefined) throw this.problem(path, 'is not there');
    return node as Node;
  }

  private problem(path: Path, what: string): Error {
    return new Error(`${this.source}: ${path.join('.')} ${what}`);
  }
}

/** The lines, where the condition holds. */
export function conditional(condition: string, lines: readonly string[]): string[] {
  return [`{{- if ${condition} }}`, ...lines, '{{- end }}'];
}

function bracketed(condition: string): string {
  return condition.includes(' ') ? `(${condition})` : condition;
}

function indented(lines: readonly string[], indent: string): string {
  return lines.map((line) => `${indent}${line}\n`).join('');
}

function parse(text: string, source: string): Document.Parsed[] {
  return (parseAllDocuments(text, { version: '1.1' }) as Document.Parsed[]).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw new Error(`${source}: ${problem.message}`, { cause: problem });
    return document;
  });
}

function idOf(document: Document.Parsed): string {
  const { apiVersion, kind, metadata } = document.toJS() as Identified;
  return [apiVersion, kind, metadata?.namespace ?? '', metadata?.name].join(' ');
}

function elementsOf(list: Node): YAMLMap[] {
  return isSeq(list) ? list.items.map((item) => map(item, 'a list')) : [];
}

function map(node: unknown, source: string): YAMLMap {
  if (!isMap(node)) throw new Error(`${source} has something else where a map is expected`);
  return node;
}

function rangeOf(node: Node): readonly [start: number, valueEnd: number, nodeEnd: number] {
  if (!node.range) throw new Error('a node that was not parsed has no place in the text');
  return node.range;
}

function within(node: Node): { start: number; end: number } {
  const [start, end] = rangeOf(node);
  return { start, end };
}
