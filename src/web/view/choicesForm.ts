import type { CatalogueEntry } from '../../preview/catalogue.js';
import { NEWEST_MINOR } from '../../podSecurity/version.js';
import type { Choices } from '../choices.js';
import { byId, h } from './dom.js';

/** Pod Security admission is generally available since Kubernetes 1.25; the API takes older versions too. */
const OLDEST_MINOR = 25;

/** The choices as the page's fields hold them. */
export class ChoicesForm {
  private readonly namespace = byId('namespace', HTMLInputElement);
  private readonly policy = byId('policy', HTMLSelectElement);
  private readonly mode = byId('mode', HTMLSelectElement);
  private readonly version = byId('version', HTMLSelectElement);
  private readonly labels = byId('labels', HTMLInputElement);
  private readonly switches = byId('rule-switches', HTMLDivElement);
  private off = new Set<string>();
  private rules: readonly CatalogueEntry[] = [];

  /** @param changed `typing` where more letters may follow */
  constructor(private readonly changed: (how: 'chosen' | 'typing') => void) {
    this.version.append(h('option', { value: '' }, 'latest'));
    for (let minor = NEWEST_MINOR; minor >= OLDEST_MINOR; minor--)
      this.version.append(h('option', {}, `v1.${minor}`));
    for (const select of [this.policy, this.mode, this.version]) {
      select.addEventListener('change', () => this.changed('chosen'));
    }
    for (const input of [this.namespace, this.labels]) {
      input.addEventListener('input', () => this.changed('typing'));
    }
  }

  get(): Choices {
    return {
      namespace: this.namespace.value.trim(),
      policy: this.policy.value,
      mode: this.mode.value,
      version: this.version.value,
      labels: this.labels.value.trim(),
      off: [...this.off],
    };
  }

  set(choices: Choices): void {
    this.namespace.value = choices.namespace;
    this.labels.value = choices.labels;
    this.off = new Set(choices.off);
    for (const [select, value] of [
      [this.policy, choices.policy],
      [this.mode, choices.mode],
      [this.version, choices.version],
    ] as const) {
      // A policy that is not listed yet, or a version from before ours, is still what the link says.
      if (![...select.options].some((option) => option.value === value))
        select.append(h('option', {}, value));
      select.value = value;
    }
    this.drawSwitches();
  }

  offer(policies: readonly string[], rules: readonly CatalogueEntry[]): void {
    const { value } = this.policy;
    const names = new Set([...policies, ...(value === '' ? [] : [value])]);
    const options = [...names].map((name) => h('option', {}, name));
    this.policy.replaceChildren(h('option', { value: '' }, 'as its labels say'), ...options);
    this.policy.value = value;
    this.rules = rules;
    this.drawSwitches();
  }

  private drawSwitches(): void {
    // Those of a link are shown before the catalogue has come, so that they can be switched on again.
    const known = new Set(this.rules.map(({ id }) => id as string));
    const others = [...this.off].filter((id) => !known.has(id)).map((id) => ({ id, title: '', risk: '' }));
    this.switches.replaceChildren(
      ...[...this.rules, ...others].map(({ id, title, risk }) => {
        const box = h('input', { type: 'checkbox', value: id });
        box.checked = !this.off.has(id);
        box.addEventListener('change', () => {
          if (box.checked) this.off.delete(id);
          else this.off.add(id);
          this.drawCount();
          this.changed('chosen');
        });
        const words = h('span', {}, h('b', {}, id), ' ', h('small', {}, title));
        return h(
          'label',
          { class: 'switch' },
          box,
          words,
          risk === '' ? '' : h('span', { class: `risk ${risk}` }, risk),
        );
      }),
    );
    this.drawCount();
  }

  private drawCount(): void {
    const { size } = this.off;
    byId('rules-count', HTMLSpanElement).textContent = size === 0 ? 'all on' : `${size} off`;
  }
}
