import type { AnnotatedPreview } from '../../preview/annotated.js';
import { containersBehind } from '../../preview/imageKnowledge.js';
import { align } from './alignment.js';
import type {
  LineAnswer,
  ObjectAnswer,
  ObjectSummary,
  PreviewAnswer,
  ShownChange,
  ShownResult,
} from './protocol.js';

/** One answer of the listener, and what the page asks of it. */
export class AnswerModel {
  private readonly answer: Pick<AnnotatedPreview, 'text' | 'lines'> & {
    readonly results: readonly ShownResult[];
  };

  constructor(
    private readonly id: number,
    private readonly input: string,
    { text, lines, changes, results }: AnnotatedPreview,
  ) {
    const shown = results.map((result) => ({
      ...result,
      changes: result.changes.flatMap((index) => changes[index] ?? []),
    }));
    this.answer = { text, lines, results: shown };
  }

  /** All that is drawn of it at once. */
  shown(): PreviewAnswer {
    const { text, lines, results } = this.answer;
    // A line that several objects wrote is there once for each of them.
    const distinct = lines.filter(({ line }, index) => line !== lines[index - 1]?.line);
    const labels = new Map<string, number>();
    const lineLabels = distinct.map(({ result, changes }) => {
      const label = labelOf(results[result], changes);
      const index = labels.get(label) ?? labels.size;
      labels.set(label, index);
      return index;
    });
    return {
      kind: 'preview',
      id: this.id,
      text,
      lines: Int32Array.from(distinct, ({ line }) => line),
      lineLabels: Int32Array.from(lineLabels),
      labels: [...labels.keys()],
      objects: results.map(summaryOf),
      ...align(linesOf(this.input), linesOf(text), distinct),
    };
  }

  line(line: number): LineAnswer {
    const { lines, results } = this.answer;
    const parts = lines.slice(firstAt(lines, line), firstAt(lines, line + 1));
    return {
      kind: 'line',
      id: this.id,
      line,
      parts: parts.flatMap(({ result: object, changes }) => {
        const result = results[object];
        if (!result) return [];
        const own = changes.flatMap((index) => result.changes[index] ?? []);
        const { namespace, policy } = result;
        const containers = containersBehind(own, result.containers);
        return [{ object, title: titleOf(result), namespace, policy, changes: own, containers }];
      }),
    };
  }

  /** @returns undefined where there is no such object */
  object(index: number): ObjectAnswer | undefined {
    const { lines, results } = this.answer;
    const result = results[index];
    if (!result) return undefined;
    const changeLines = new Int32Array(result.changes.length);
    // The last line of a change is its value; before it may come the map that it opens.
    for (const line of lines) {
      if (line.result !== index) continue;
      for (const change of line.changes) changeLines[change] = line.line;
    }
    return { kind: 'object', id: this.id, index, result, changeLines };
  }
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/);
}

function firstAt(lines: readonly { readonly line: number }[], line: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.line ?? 0) < line) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The risk comes first, and what there may be no room for last. */
function labelOf(result: ShownResult | undefined, indexes: readonly number[]): string {
  const changes = indexes.flatMap((index) => result?.changes[index] ?? []);
  const [first, ...others] = new Set(changes.map(({ rule }) => rule));
  if (first === undefined) return '';
  const risk = RISKS.find((each) => changes.some((change) => change.risk === each)) ?? 'low';
  const rules = others.length === 0 ? first : `${first} +${others.length}`;
  return [`${risk} risk`, rules, ...profileLabel(changes)].join(' \u00b7 ');
}

/** What image profiles have to do with the risk of those that wrote a line. */
function profileLabel(changes: readonly ShownChange[]): string[] {
  if (changes.every(({ profile }) => profile === 'known')) return ['image profile'];
  const isOpen = changes.some(({ risk, profile }) => risk !== 'low' && profile === 'unknown');
  return isOpen ? ['no image profile'] : [];
}

const RISKS = ['high', 'medium', 'low'] as const;

function summaryOf(result: ShownResult): ObjectSummary {
  const { outcome, changes, violations, skips, podSecurity } = result;
  return {
    title: titleOf(result),
    outcome,
    changes: changes.length,
    violations: violations.length,
    skips: skips.length,
    before: podSecurity?.before ?? null,
    after: podSecurity?.after ?? null,
  };
}

function titleOf({ kind, namespace, name }: ShownResult): string {
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}
