import type { Action, Control, Risk, RuleId } from '../hardening/rule.js';
import { RULES } from '../hardening/rules/index.js';

/** One rule as `/api/rules` and `kube-harden rules` list it. */
export interface CatalogueEntry {
  readonly id: RuleId;
  readonly title: string;
  readonly reason: string;
  readonly risk: Risk;
  /** The Pod Security Standards control that the rule serves; null where it serves none. */
  readonly control: Control | null;
  readonly os: 'any' | 'linux';
  readonly actions: readonly Action[];
  /** Why each of the other actions is refused. */
  readonly refused: Partial<Record<Action, string>>;
  readonly sets: { readonly Default: string; readonly Override: string };
  readonly fields: readonly string[];
}

/** Every rule in catalogue order, from the rules' own metadata. */
export const CATALOGUE: readonly CatalogueEntry[] = RULES.map(
  ({ id, title, reason, risk, control, os, actions, refused, sets, fields }) => ({
    id,
    title,
    reason,
    risk,
    control: control ?? null,
    os,
    actions,
    refused: refused ?? {},
    sets,
    fields,
  }),
);
