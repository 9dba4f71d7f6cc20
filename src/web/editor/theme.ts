import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** Pixels. Lines do not wrap, so every line has this height, and what keeps two panes side by side is exact. */
export const LINE_HEIGHT = 20;

/** Colours are page.css's custom properties, which reach into the editors' shadow roots, light and dark. */
const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '13px' },
  // page.css frames the whole pane: within the editor marked lines would lie over it.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: `${LINE_HEIGHT}px` },
  '.cm-content': { padding: '0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 8px' },
  '.cm-gutters': { color: 'var(--muted)', backgroundColor: 'var(--surface)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--line)' },
  '.cm-content ::selection, .cm-content::selection, .cm-line::selection, .cm-line ::selection': {
    backgroundColor: 'var(--selection)',
  },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-line.kh-changed': { backgroundColor: 'var(--added)', boxShadow: 'inset 3px 0 var(--added-edge)' },
  '.cm-line.kh-changed.cm-activeLine': { backgroundColor: 'var(--added-active)' },
  '.cm-line.kh-replaced': { backgroundColor: 'var(--removed)', boxShadow: 'inset 3px 0 var(--removed-edge)' },
  '.kh-label': {
    marginLeft: '2ch',
    padding: '0 6px',
    borderRadius: '3px',
    color: 'var(--added-text)',
    fontFamily: 'var(--sans)',
    fontSize: '11px',
    // Another font has its baseline elsewhere; higher than this and the whole line would grow by a pixel.
    lineHeight: '1',
    userSelect: 'none',
  },
  '.kh-gap': {
    background: 'repeating-linear-gradient(-45deg, var(--gap) 0 1px, transparent 1px 6px)',
  },
  '.cm-panels': { color: 'var(--text)', backgroundColor: 'var(--page)' },
  '.cm-panels-top': { borderBottom: '1px solid var(--border)' },
  '.cm-panels-bottom': { borderTop: '1px solid var(--border)' },
  '.cm-panel.cm-search': { fontFamily: 'var(--sans)', padding: '6px 28px 6px 8px' },
  '.cm-textfield, .cm-button': {
    color: 'var(--text)',
    backgroundColor: 'var(--surface)',
    backgroundImage: 'none',
    border: '1px solid var(--control)',
    borderRadius: '4px',
  },
  '.cm-panel button[name=close], .cm-dialog-close': { color: 'var(--text)' },
  '.cm-tooltip': {
    color: 'var(--text)',
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--control)',
    fontFamily: 'var(--sans)',
    maxWidth: 'min(60ch, 90vw)',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--match)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--selection)' },
});

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--syntax-key)' },
  { tag: [tags.string, tags.content], color: 'var(--syntax-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--syntax-value)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--muted)', fontStyle: 'italic' },
  {
    tag: [tags.meta, tags.separator, tags.punctuation, tags.labelName, tags.typeName],
    color: 'var(--syntax-mark)',
  },
]);

export const theme: Extension = [look, syntaxHighlighting(highlight)];
