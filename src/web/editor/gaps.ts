import { RangeSet, StateEffect, StateField, type Range, type Text } from '@codemirror/state';
import { Decoration, EditorView, WidgetType, type DecorationSet } from '@codemirror/view';
import { LINE_HEIGHT } from './theme.js';

/** Blank lines that keep two panes side by side. Pairs: after which line (0: before the first), how many. */
export const setGaps = StateEffect.define<Int32Array>();

/** Moves with edits until the next answer replaces it. */
export const gaps = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    let now = shown.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setGaps)) now = gapDecorations(transaction.state.doc, effect.value);
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

class Gap extends WidgetType {
  constructor(private readonly lines: number) {
    super();
  }
  override eq(other: Gap): boolean {
    return other.lines === this.lines;
  }
  override get estimatedHeight(): number {
    return this.lines * LINE_HEIGHT;
  }
  override toDOM(): HTMLElement {
    const element = document.createElement('div');
    element.className = 'kh-gap';
    element.style.height = `${this.lines * LINE_HEIGHT}px`;
    element.setAttribute('aria-hidden', 'true');
    return element;
  }
}

function gapDecorations(doc: Text, pairs: Int32Array): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const after = pairs[at] ?? 0;
    const widget = new Gap(pairs[at + 1] ?? 0);
    // The text may have become shorter while the answer was on its way.
    if (after > doc.lines) break;
    const before = after === 0;
    ranges.push(
      Decoration.widget({ widget, block: true, side: before ? -1 : 1 }).range(
        before ? 0 : doc.line(after).to,
      ),
    );
  }
  return RangeSet.of(ranges);
}
