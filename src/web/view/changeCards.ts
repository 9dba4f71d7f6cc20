import { containersBehind, knowledgeOf } from '../../preview/imageKnowledge.js';
import type { ShownChange, ShownContainer } from '../worker/protocol.js';
import { h, longList } from './dom.js';
import { copy } from './status.js';

/** Whether a policy lets its namespaces opt out of a rule; undefined where the policy is not known. */
export type MayOptOut = (policy: string, rule: string) => boolean | undefined;

export interface CardContext {
  readonly namespace: string;
  readonly policy: string;
  /** Those of the changes; others may be among them. */
  readonly containers: readonly ShownContainer[];
  readonly mayOptOut: MayOptOut;
  /** Where a change stands in the hardened text; 0 where it cannot be gone to. */
  readonly lineOf: (change: ShownChange) => number;
  readonly goTo: (line: number) => void;
}

/**
 * One card for each rule, reason and risk: what it set where, why, how risky that is, what is known of the images, and
 * how to opt out.
 */
export function changeCards(changes: readonly ShownChange[], context: CardContext): HTMLUListElement {
  const groups = new Map<string, ShownChange[]>();
  for (const change of changes) {
    const key = JSON.stringify([change.rule, change.reason, change.risk, change.profile]);
    const group = groups.get(key);
    if (group) group.push(change);
    else groups.set(key, [change]);
  }
  return longList({ class: 'cards' }, [...groups.values()], (group) => card(group, context));
}

function card(group: readonly ShownChange[], context: CardContext): HTMLLIElement {
  const [first] = group;
  if (!first) return h('li');
  return h(
    'li',
    { class: 'card' },
    h('h4', {}, first.rule, ' ', riskMark(first.risk)),
    h('p', {}, first.reason),
    longList({ class: 'fields' }, group, (change) => fieldRow(change, context)),
    images(group, context),
    optOut(first.rule, context),
  );
}

export function riskMark(risk: string): HTMLElement {
  return h('span', { class: `risk ${risk}` }, `${risk} risk`);
}

/** Whether an image profile answers for the changes and, where none does, the command that would settle it. */
function images(group: readonly ShownChange[], { containers }: CardContext): HTMLElement | null {
  const behind = containersBehind(group, containers);
  if (behind.length === 0) return null;
  return longList({ class: 'images' }, behind, (container) => {
    const { name, settledBy } = container;
    const command = `The command that would settle the risk of container ${name}`;
    return h(
      'li',
      {},
      h('p', { class: 'note' }, h('span', { class: 'container' }, name), ' ', knowledgeOf(container), '.'),
      settledBy !== null && commandRow('Settle it', settledBy, command),
    );
  });
}

function fieldRow(change: ShownChange, { lineOf, goTo }: CardContext): HTMLLIElement {
  const line = lineOf(change);
  return h(
    'li',
    {},
    change.container !== null && h('span', { class: 'container' }, change.container),
    ' ',
    h('code', {}, change.field),
    ': ',
    h('span', { class: 'before' }, valueText(change.before, 'unset')),
    h('span', { 'aria-hidden': 'true' }, ' \u2192 '),
    h('span', { class: 'visually-hidden' }, ' becomes '),
    h('span', { class: 'after' }, valueText(change.after, 'removed')),
    line > 0 && ' ',
    line > 0 && h('button', { type: 'button', class: 'link', onclick: () => goTo(line) }, `line ${line}`),
  );
}

export function valueText(value: unknown, missing: string): string {
  if (value === null || value === undefined) return missing;
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}\u2026` : text;
}

function optOut(rule: string, { namespace, policy, mayOptOut }: CardContext): HTMLElement {
  if (mayOptOut(policy, rule) === false) {
    return h('p', { class: 'note' }, `The policy ${policy} lets no namespace opt out of this rule.`);
  }
  const command = `kubectl label ns ${namespace || 'default'} kube-harden.io/${rule}=disabled`;
  return commandRow('Opt out', command, `The command that opts out of ${rule}`);
}

/** A command to copy. */
export function commandRow(label: string, command: string, what: string): HTMLElement {
  return h(
    'div',
    { class: 'command' },
    h('span', {}, label),
    h('code', {}, command),
    h(
      'button',
      {
        type: 'button',
        'aria-label': `Copy: ${what}`,
        onclick: () => void copy(command, `${what} is copied.`),
      },
      'Copy',
    ),
  );
}
