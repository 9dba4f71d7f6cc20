import { RULE_IDS, type RuleId } from '../../../../src/hardening/rule.js';

/** The entry of one rule in a policy: its action, and its settings beside it. */
export type RuleEntry = { readonly action: string } & Readonly<Record<string, unknown>>;

/** For a policy in which no other rule does anything. */
export function onlyRules(entries: Readonly<Partial<Record<RuleId, RuleEntry>>>): Record<RuleId, RuleEntry> {
  const off = RULE_IDS.map((id): [RuleId, RuleEntry] => [id, { action: 'Disabled' }]);
  return { ...(Object.fromEntries(off) as Record<RuleId, RuleEntry>), ...entries };
}
