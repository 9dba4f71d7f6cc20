type Child = Node | string | null | undefined | false;

/**
 * An element with properties and children. Text becomes a text node: whatever a manifest says, it is never markup.
 *
 * @param attributes `class` and any other attribute; `onclick` is a listener
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | boolean | (() => void)>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of index.html. @throws where the page has none of that id and kind */
export function byId<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`index.html has no ${kind.name} with the id ${id}`);
}

/** So many rows are drawn at once: a file of 2 MB has 50,000 changes. */
const PAGE = 100;

/** A list that draws its first items, and more when asked. */
export function longList<T>(
  attributes: Readonly<Record<string, string>>,
  items: readonly T[],
  draw: (item: T, index: number) => HTMLLIElement,
): HTMLUListElement {
  const list = h('ul', attributes);
  const more = (): void => {
    const from = list.childElementCount;
    const rows = items.slice(from, from + PAGE).map((item, index) => draw(item, from + index));
    list.append(...rows);
    const left = items.length - list.childElementCount;
    if (left <= 0) return;
    const row = h(
      'li',
      {},
      h(
        'button',
        {
          type: 'button',
          onclick: () => {
            row.remove();
            more();
            // The button that had the focus is gone.
            const next = list.children[from + PAGE]?.querySelector('button, [tabindex]');
            if (next instanceof HTMLElement) next.focus();
          },
        },
        `Show ${Math.min(left, PAGE)} more of ${left}`,
      ),
    );
    list.append(row);
  };
  more();
  return list;
}
