import { RULE_IDS, type RuleId } from '../../../../src/hardening/rule.js';
import { BUILTIN_POLICIES } from '../../../../src/policy/builtin.generated.js';
import type { Combination } from './combination.js';
import type { RuleEntry } from './onlyRules.js';

const DEFAULT = BUILTIN_POLICIES.find(({ name }) => name === 'default');

/** The rules that change or refuse something under a combination's policy: no other can be the cause of anything. */
export function appliedRules({ policy = {} }: Combination): Set<RuleId> {
  const { rules = {} } = policy as { rules?: Readonly<Partial<Record<RuleId, RuleEntry>>> };
  return new Set(
    RULE_IDS.filter((id) => {
      const action = rules[id]?.action ?? DEFAULT?.rules[id].action ?? 'Disabled';
      return action !== 'Disabled' && action !== 'Warn';
    }),
  );
}
