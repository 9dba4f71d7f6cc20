import { RULE_IDS, type Action, type Control, type Risk, type RuleId } from '../hardening/rule.js';
import { RULES_BY_ID } from '../hardening/rules/index.js';

/** One rule as `/api/rules` and `kube-harden rules` list it. */
export interface CatalogueEntry {
  readonly id: RuleId;
  /** False for an id that the policy knows and that does nothing yet; nothing but `actions` follows then. */
  readonly built: boolean;
  readonly title?: string;
  readonly reason?: string;
  readonly risk?: Risk;
  /** The Pod Security Standards control that the rule serves; null where it serves none. */
  readonly control?: Control | null;
  readonly os?: 'any' | 'linux';
  readonly actions: readonly Action[];
  /** Why each of the other actions is refused. */
  readonly refused?: Partial<Record<Action, string>>;
  readonly sets?: { readonly Default: string; readonly Override: string };
  readonly fields?: readonly string[];
}

/** Every rule id in catalogue order, from the rules' own metadata. */
export const CATALOGUE: readonly CatalogueEntry[] = RULE_IDS.map((id) => {
  const rule = RULES_BY_ID.get(id);
  if (!rule) return { id, built: false, actions: ['Disabled'] };
  const { title, reason, risk, control, os, actions, refused, sets, fields } = rule;
  return {
    id,
    built: true,
    title,
    reason,
    risk,
    control: control ?? null,
    os,
    actions,
    refused: refused ?? {},
    sets,
    fields,
  };
});
