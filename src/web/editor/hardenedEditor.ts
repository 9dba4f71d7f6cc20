import { defaultKeymap } from '@codemirror/commands';
import { search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import {
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import type { PreviewAnswer } from '../worker/protocol.js';
import { changedLines, isChangedLine, neighbourChange, setChangedLines } from './changedLines.js';
import { gaps, setGaps } from './gaps.js';
import { mountEditor } from './mountEditor.js';
import { moveTo, replaceText } from './replaceText.js';
import { theme } from './theme.js';
import { yamlColours } from './yamlColours.js';

/** The part of an answer that the editor draws. */
type Shown = Pick<PreviewAnswer, 'text' | 'lines' | 'lineLabels' | 'labels' | 'hardenedGaps'>;

const NONE = new Int32Array();

export interface HardenedEditor {
  readonly view: EditorView;
  text(): string;
  show(answer: Shown): void;
  /** A large answer is coloured only now. */
  colour(): void;
  clear(): void;
  /** Moves to the next changed line. @returns false where there is none in that direction */
  step(direction: 1 | -1): boolean;
  sideBySide(is: boolean): void;
}

/**
 * The hardened manifest: it can be read, searched and copied, not changed.
 *
 * @param visited called with a line that the cursor has come to, and whether hardening wrote it
 */
export function hardenedEditor(
  host: HTMLElement,
  visited: (line: number, isChanged: boolean) => void,
): HardenedEditor {
  const alignment = new Compartment();
  const colours = yamlColours();
  let text = '';
  const view = mountEditor(host, [
    lineNumbers(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    search({ top: true }),
    colours.extension,
    placeholder('What hardening makes of it appears here'),
    EditorState.readOnly.of(true),
    EditorView.contentAttributes.of({
      // It can be focused without; axe-core does not know that of what is contenteditable.
      tabindex: '0',
      'aria-label':
        'Hardened manifest, read-only. Alt with the arrow keys goes to the next and the previous changed line.',
      'aria-readonly': 'true',
    }),
    keymap.of([
      { key: 'Alt-ArrowDown', run: () => step(1) },
      { key: 'Alt-ArrowUp', run: () => step(-1) },
      ...searchKeymap,
      ...defaultKeymap,
    ]),
    changedLines,
    alignment.of(gaps),
    theme,
    EditorView.updateListener.of((update) => {
      if (!update.selectionSet || update.docChanged) return;
      const line = lineOf(view);
      visited(line, isChangedLine(view, line));
    }),
  ]);
  function step(direction: 1 | -1): boolean {
    const line = neighbourChange(view, lineOf(view), direction);
    if (line !== undefined) moveTo(view, line);
    return line !== undefined;
  }
  function show(answer: Shown): void {
    view.dispatch({
      changes: replaceText(text, answer.text),
      effects: [setChangedLines.of(answer), setGaps.of(answer.hardenedGaps)],
    });
    text = answer.text;
  }
  return {
    view,
    text: () => text,
    show,
    colour: () => colours.show(view),
    clear: () => show({ text: '', lines: NONE, lineLabels: NONE, labels: [], hardenedGaps: NONE }),
    step,
    sideBySide: (is) => view.dispatch({ effects: alignment.reconfigure(is ? gaps : []) }),
  };
}

function lineOf({ state }: EditorView): number {
  return state.doc.lineAt(state.selection.main.head).number;
}
