import type { ObjectAnswer, ShownResult } from '../worker/protocol.js';
import { changeCards, commandRow, valueText, type MayOptOut } from './changeCards.js';
import { byId, h, longList } from './dom.js';
import { copy } from './status.js';

export interface DetailContext {
  readonly mayOptOut: MayOptOut;
  readonly goTo: (line: number) => void;
}

/** Everything that is to be said of one object. */
export function showObject({ result, changeLines }: ObjectAnswer, context: DetailContext): void {
  const { changes, containers, namespace, policy } = result;
  const lines = new Map(changes.map((change, index) => [change, changeLines[index] ?? 0]));
  byId('object', HTMLElement).replaceChildren(
    h('h3', { id: 'object-heading' }, `${result.kind} ${result.name}`),
    facts(result),
    podSecurity(result) ?? '',
    ...section('Refused', result.message === null ? null : h('pre', { tabindex: '0' }, result.message)),
    ...section('Violations', violations(result)),
    ...section(
      `Changes (${changes.length})`,
      changes.length === 0
        ? null
        : changeCards(changes, {
            ...context,
            ...{ namespace, policy, containers },
            lineOf: (change) => lines.get(change) ?? 0,
          }),
    ),
    ...section('Left alone', skips(result)),
    ...section(
      'Warnings the author sees',
      result.warnings.length === 0 ? null : longList({}, result.warnings, (text) => h('li', {}, text)),
    ),
    h('h4', {}, 'Patch'),
    patch(result),
  );
}

const OUTCOMES: Readonly<Record<ShownResult['outcome'], string>> = {
  ignored: 'Not looked at',
  unchanged: 'Nothing to change',
  patched: 'Hardened when it is created',
  reported: 'Reported, left as it is',
  denied: 'Refused',
};

function facts({ outcome, because, policy, mode, namespace }: ShownResult): HTMLElement {
  const rows: (readonly [string, string])[] = [
    ['Outcome', because === null ? OUTCOMES[outcome] : `${OUTCOMES[outcome]}: ${because}`],
    ['Namespace', namespace === '' ? 'none' : namespace],
    ['Policy', policy],
    ['Mode', mode],
  ];
  return h(
    'dl',
    { class: 'facts' },
    ...rows.map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, text))),
  );
}

function podSecurity({ podSecurity: level }: ShownResult): HTMLElement | undefined {
  if (level === null) return undefined;
  const { before, after, version, blockers } = level;
  return h(
    'div',
    { class: 'security' },
    h('h4', {}, `Pod Security ${version}`),
    h(
      'p',
      {},
      h('span', { class: `level ${before}` }, before),
      h('span', { 'aria-hidden': 'true' }, ' \u2192 '),
      h('span', { class: 'visually-hidden' }, ' becomes '),
      h('span', { class: `level ${after}` }, after),
    ),
    blockers.length > 0 && h('p', { class: 'note' }, 'What keeps it from the next level:'),
    blockers.length > 0 && longList({}, blockers, ({ message }) => h('li', {}, message)),
  );
}

function violations({ violations: found }: ShownResult): HTMLElement | null {
  if (found.length === 0) return null;
  return longList({ class: 'cards' }, found, ({ rule, container, field, value, denied, fix }) =>
    h(
      'li',
      { class: 'card' },
      h('h5', {}, rule, denied && h('span', { class: 'risk high' }, 'refused')),
      h(
        'p',
        {},
        container !== null && h('span', { class: 'container' }, container),
        ' ',
        h('code', {}, field),
        ` is ${valueText(value, 'unset')}`,
      ),
      h('p', {}, fix),
    ),
  );
}

function skips({ skips: found }: ShownResult): HTMLElement | null {
  if (found.length === 0) return null;
  return longList({ class: 'cards' }, found, ({ rule, container, code, reason, optOut }) =>
    h(
      'li',
      { class: 'card' },
      h('h5', {}, rule, ' ', h('span', { class: 'code' }, code)),
      h('p', {}, container !== null && h('span', { class: 'container' }, container), ' ', reason),
      optOut !== null && commandRow('Opt out', optOut, `The command that opts out of ${rule}`),
    ),
  );
}

function patch({ patch: operations, outcome }: ShownResult): HTMLElement {
  if (operations.length === 0) {
    const why =
      outcome === 'reported'
        ? 'The webhook reports and leaves the object as it is (audit mode, or a template under templates: Warn), so it returns no patch. The pods get what is shown here.'
        : 'The webhook returns no patch.';
    return h('p', { class: 'note' }, why);
  }
  const text = JSON.stringify(operations, undefined, 2);
  const shown = h('pre', { tabindex: '0', 'aria-label': 'Patch, JSON' });
  // A long one is drawn only for whoever opens it.
  const details = h('details', {}, h('summary', {}, `${operations.length} operations (RFC 6902)`), shown);
  details.addEventListener('toggle', () => {
    if (details.open) shown.textContent = text;
  });
  return h(
    'div',
    { class: 'patch' },
    h('button', { type: 'button', onclick: () => void copy(text, 'The patch is copied.') }, 'Copy patch'),
    details,
  );
}

function section(title: string, body: HTMLElement | null): HTMLElement[] {
  return body === null ? [] : [h('h4', {}, title), body];
}
