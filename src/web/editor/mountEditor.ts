import { EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

/**
 * An editor in a shadow root of its own. In a document CodeMirror writes its styles into a style element, which the
 * page's Content-Security-Policy refuses; in a shadow root it takes constructable style sheets, which need no leave.
 */
export function mountEditor(host: HTMLElement, extensions: Extension): EditorView {
  const root = host.attachShadow({ mode: 'open' });
  const frame = document.createElement('div');
  frame.style.height = '100%';
  root.append(frame);
  return new EditorView({ state: EditorState.create({ extensions }), parent: frame, root });
}
