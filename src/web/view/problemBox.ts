import type { PreviewFailure } from '../worker/protocol.js';
import { byId, h, longList } from './dom.js';

/** What is wrong with what was sent, each fault with the way to its line. */
export function showProblem(
  failure: PreviewFailure,
  goTo: (line: number, column: number | undefined) => void,
): void {
  const { title, detail, errors } = failure;
  const box = byId('problem', HTMLDivElement);
  const list =
    errors.length === 0
      ? h('p', {}, detail)
      : longList({}, errors, ({ line, column, field, message }) =>
          h(
            'li',
            {},
            line === undefined
              ? ''
              : h(
                  'button',
                  { type: 'button', class: 'link', onclick: () => goTo(line, column) },
                  column === undefined ? `line ${line}` : `line ${line}, column ${column}`,
                ),
            line === undefined ? '' : ': ',
            field !== undefined && !message.includes(field) && h('code', {}, field),
            field !== undefined && !message.includes(field) && ': ',
            message,
          ),
        );
  box.replaceChildren(h('h2', {}, title), list);
  box.hidden = false;
}

export function hideProblem(): void {
  byId('problem', HTMLDivElement).hidden = true;
}
