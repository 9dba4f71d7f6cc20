import { RangeSet, StateEffect, StateField, type Range } from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view';

/** The lines, from 1, that the hardened text does not have. */
export const setReplacedLines = StateEffect.define<Int32Array>();

const mark = Decoration.line({ class: 'kh-replaced' });

/** Moves with edits until the next answer replaces it. */
export const replacedLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    let now = shown.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setReplacedLines)) continue;
      const { doc } = transaction.state;
      const ranges: Range<Decoration>[] = [];
      for (const line of effect.value) if (line <= doc.lines) ranges.push(mark.range(doc.line(line).from));
      now = RangeSet.of(ranges);
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});
