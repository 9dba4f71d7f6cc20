import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { indentUnit } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment } from '@codemirror/state';
import {
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import type { ProblemIssue } from '../../preview/problem.js';
import { gaps, setGaps } from './gaps.js';
import { mountEditor } from './mountEditor.js';
import { replacedLines, setReplacedLines } from './replacedLines.js';
import { theme } from './theme.js';
import { yamlColours } from './yamlColours.js';

export interface InputEditor {
  readonly view: EditorView;
  text(): string;
  /** Replaces everything, as one step that can be undone. */
  setText(text: string): void;
  mark(answer: { readonly inputGaps: Int32Array; readonly replaced: Int32Array }): void;
  markErrors(errors: readonly ProblemIssue[]): void;
  /** A text that was pasted is coloured only now, if it is large. */
  colour(): void;
  /** Blank lines are of use only where the panes are side by side. */
  sideBySide(is: boolean): void;
}

/** The author's manifest. Tab is not bound: it leaves the editor. */
export function inputEditor(
  host: HTMLElement,
  changed: (how: 'typed' | 'pasted', length: number) => void,
): InputEditor {
  const alignment = new Compartment();
  const colours = yamlColours();
  const view = mountEditor(host, [
    lineNumbers(),
    lintGutter(),
    history(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    search({ top: true }),
    colours.extension,
    indentUnit.of('  '),
    placeholder('Paste a manifest, or drop a file here'),
    EditorView.contentAttributes.of({
      // It can be focused without; axe-core does not know that of what is contenteditable.
      tabindex: '0',
      'aria-label': 'Your manifest, YAML or JSON. Tab leaves the editor, Control with ] indents.',
    }),
    keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...lintKeymap]),
    replacedLines,
    alignment.of(gaps),
    theme,
    EditorView.updateListener.of(({ docChanged, transactions, state }) => {
      if (!docChanged) return;
      const isTyped = transactions.every(
        (one) => !one.isUserEvent('input.paste') && !one.isUserEvent('input.drop'),
      );
      changed(isTyped ? 'typed' : 'pasted', state.doc.length);
    }),
  ]);
  return {
    view,
    text: () => view.state.doc.toString(),
    setText: (text) =>
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        userEvent: 'input.paste',
        selection: { anchor: 0 },
        scrollIntoView: true,
      }),
    mark: ({ inputGaps, replaced }) =>
      view.dispatch({ effects: [setGaps.of(inputGaps), setReplacedLines.of(replaced)] }),
    markErrors: (errors) => view.dispatch(setDiagnostics(view.state, diagnostics(view, errors))),
    colour: () => colours.show(view),
    sideBySide: (is) => view.dispatch({ effects: alignment.reconfigure(is ? gaps : []) }),
  };
}

/** An error without a column marks its whole line; one without a line stands in the list below only. */
function diagnostics({ state: { doc } }: EditorView, errors: readonly ProblemIssue[]): Diagnostic[] {
  return errors.flatMap(({ line: number, column, message }) => {
    if (number === undefined || number < 1 || number > doc.lines) return [];
    const line = doc.line(number);
    const from = column === undefined ? line.from : Math.min(line.from + column - 1, line.to);
    return [{ from, to: line.to, severity: 'error' as const, message }];
  });
}
