import type { LineAnswer } from '../worker/protocol.js';
import { changeCards } from './changeCards.js';
import { byId, h } from './dom.js';
import type { DetailContext } from './objectDetail.js';

/** What wrote the line that the cursor is on. */
export function showLine({ line, parts }: LineAnswer, context: DetailContext): void {
  byId('line-heading', HTMLHeadingElement).textContent = `Line ${line}`;
  byId('line-body', HTMLDivElement).replaceChildren(
    ...parts.flatMap(({ title, changes, containers, namespace, policy }) => [
      h('h3', {}, title),
      changeCards(changes, { ...context, namespace, policy, containers, lineOf: () => 0 }),
    ]),
  );
  byId('line', HTMLElement).hidden = false;
}
