import type { ObjectSummary } from '../worker/protocol.js';
import { byId, h, longList } from './dom.js';

/** The objects of the file, where it has more than one. */
export class ObjectList {
  private list: HTMLUListElement = byId('object-list', HTMLUListElement);

  constructor(private readonly chosen: (index: number) => void) {}

  show(objects: readonly ObjectSummary[], selected: number): void {
    const list = longList({ id: 'object-list' }, objects, (object, index) =>
      h(
        'li',
        {},
        h(
          'button',
          {
            type: 'button',
            'data-index': `${index}`,
            'aria-current': index === selected ? 'true' : 'false',
            onclick: () => {
              this.select(index);
              this.chosen(index);
            },
          },
          h('b', {}, object.title),
          h('small', {}, words(object)),
        ),
      ),
    );
    this.list.replaceWith(list);
    this.list = list;
    byId('object-nav', HTMLElement).hidden = objects.length < 2;
  }

  select(index: number): void {
    for (const button of this.list.querySelectorAll('button[data-index]')) {
      button.setAttribute(
        'aria-current',
        button.getAttribute('data-index') === `${index}` ? 'true' : 'false',
      );
    }
  }
}

function words({ outcome, changes, violations, before, after }: ObjectSummary): string {
  if (outcome === 'ignored') return 'not looked at';
  return [
    plural(changes, 'change'),
    violations > 0 && plural(violations, 'violation'),
    outcome === 'denied' && 'refused',
    before !== null && (before === after ? before : `${before} \u2192 ${after ?? ''}`),
  ]
    .filter(Boolean)
    .join(', ');
}

export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
