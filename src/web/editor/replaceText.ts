import type { ChangeSpec } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

/**
 * The change that makes a view's text another one, cut down to what differs, so that the scroll position, the cursor
 * and the syntax tree of the rest stay.
 *
 * @param before the view's text as a string, which its owner keeps: making it anew costs as much as comparing
 */
export function replaceText(before: string, after: string): ChangeSpec {
  let from = 0;
  const shorter = Math.min(before.length, after.length);
  while (from < shorter && before.charCodeAt(from) === after.charCodeAt(from)) from++;
  let same = 0;
  while (
    same < shorter - from &&
    before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)
  ) {
    same++;
  }
  return { from, to: before.length - same, insert: after.slice(from, after.length - same) };
}

/** Puts the cursor there, both counted from 1, in the middle of the view. */
export function moveTo(view: EditorView, line: number, column = 1): void {
  const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  const anchor = Math.min(at.from + column - 1, at.to);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
}
