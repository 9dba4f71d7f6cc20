import { yaml } from '@codemirror/lang-yaml';
import { Compartment, EditorState, type Extension, type Transaction } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';

/**
 * Characters that come with one change. To parse more takes 20 ms of the change itself, and then keeps a core busy that
 * the answer is made with where the server is on the same machine (0.1 s for 200 kB, measured).
 */
const LARGE = 50_000;

export interface YamlColours {
  readonly extension: Extension;
  /** Colours a text that came as one large change, and so has none until then. */
  show(view: EditorView): void;
}

export function yamlColours(): YamlColours {
  const language = yaml();
  const compartment = new Compartment();
  return {
    extension: [
      compartment.of(language),
      EditorState.transactionExtender.of((transaction) =>
        inserted(transaction) > LARGE ? { effects: compartment.reconfigure([]) } : null,
      ),
    ],
    show: (view) => {
      if (compartment.get(view.state) !== language)
        view.dispatch({ effects: compartment.reconfigure(language) });
    },
  };
}

function inserted({ changes }: Transaction): number {
  let count = 0;
  changes.iterChanges((_fromBefore, _toBefore, from, to) => (count += to - from));
  return count;
}
