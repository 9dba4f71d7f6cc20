import { StateEffect, StateField, type Range } from '@codemirror/state';
import {
  Decoration,
  EditorView,
  ViewPlugin,
  WidgetType,
  type DecorationSet,
  type ViewUpdate,
} from '@codemirror/view';

/** The lines that hardening wrote, and what is written at the end of each. */
export interface ChangedLines {
  /** From 1, ascending. */
  readonly lines: Int32Array;
  readonly lineLabels: Int32Array;
  readonly labels: readonly string[];
}

export const setChangedLines = StateEffect.define<ChangedLines>();

const NONE: ChangedLines = { lines: new Int32Array(), lineLabels: new Int32Array(), labels: [] };

const changed = StateField.define<ChangedLines>({
  create: () => NONE,
  update: (value, { effects }) => effects.find((effect) => effect.is(setChangedLines))?.value ?? value,
});

class Label extends WidgetType {
  constructor(private readonly text: string) {
    super();
  }
  override eq(other: Label): boolean {
    return other.text === this.text;
  }
  /** A click on it is one into the line: what stands here is what the line's card tells more of. */
  override ignoreEvent(): boolean {
    return false;
  }
  override toDOM(): HTMLElement {
    const element = document.createElement('span');
    element.className = 'kh-label';
    element.textContent = this.text;
    return element;
  }
}

const line = Decoration.line({ class: 'kh-changed' });

/** Draws the lines that are in view, and those only: there may be 50,000. */
const drawn = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = visible(view);
    }
    update({ view, docChanged, viewportChanged, transactions }: ViewUpdate): void {
      const isNew = transactions.some(({ effects }) => effects.some((effect) => effect.is(setChangedLines)));
      if (docChanged || viewportChanged || isNew) this.decorations = visible(view);
    }
  },
  { decorations: ({ decorations }) => decorations },
);

function visible({ state, viewport }: EditorView): DecorationSet {
  const { lines, lineLabels, labels } = state.field(changed);
  const ranges: Range<Decoration>[] = [];
  const last = state.doc.lineAt(viewport.to).number;
  for (let at = indexFrom(lines, state.doc.lineAt(viewport.from).number); at < lines.length; at++) {
    const number = lines[at] ?? 0;
    if (number > last) break;
    const { from, to } = state.doc.line(number);
    ranges.push(line.range(from));
    const text = labels[lineLabels[at] ?? 0] ?? '';
    ranges.push(Decoration.widget({ widget: new Label(text), side: 1 }).range(to));
  }
  return Decoration.set(ranges);
}

export const changedLines = [changed, drawn];

export function isChangedLine({ state }: EditorView, number: number): boolean {
  const { lines } = state.field(changed);
  return lines[indexFrom(lines, number)] === number;
}

/**
 * The first line of the next (or the one before) run of changed lines, seen from a line.
 *
 * @returns undefined where there is none in that direction
 */
export function neighbourChange({ state }: EditorView, number: number, step: 1 | -1): number | undefined {
  const { lines } = state.field(changed);
  const isStart = (at: number): boolean => at === 0 || lines[at] !== (lines[at - 1] ?? 0) + 1;
  let at = step === 1 ? indexFrom(lines, number + 1) : indexFrom(lines, number) - 1;
  while (at >= 0 && at < lines.length && !isStart(at)) at += step;
  return lines[at];
}

/** The first index whose line is not below. */
function indexFrom(lines: Int32Array, number: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
