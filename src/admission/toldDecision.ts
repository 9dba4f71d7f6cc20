import type { RuleId, SkipCode } from '../hardening/rule.js';
import type { Decision, ToldDecision } from './types.js';

type Told<K extends 'changes' | 'skips' | 'violations'> = ToldDecision[K][number];

/** One object for all decisions that say the same: there are as many as rules and codes. */
const changed = new Map<RuleId, Told<'changes'>>();
const skipped = new Map<RuleId, Map<SkipCode, Told<'skips'>>>();
const violated = new Map<RuleId, Told<'violations'>>();
const denied = new Map<RuleId, Told<'violations'>>();

/** What is told of a decision that is kept: nothing of its plan or its pod stays in memory with it. */
export function toldDecision({ outcome, because, plan, changes, skips, violations }: Decision): ToldDecision {
  return {
    outcome,
    because,
    plan: plan && { mode: plan.mode, policy: plan.policy },
    changes: changes.map(({ rule }) => shared(changed, rule, () => ({ rule }))),
    skips: skips.map(({ rule, code }) =>
      shared(
        shared(skipped, rule, () => new Map<SkipCode, Told<'skips'>>()),
        code,
        () => ({ rule, code }),
      ),
    ),
    violations: violations.map((violation) => {
      const { rule } = violation;
      return violation.denied === true
        ? shared(denied, rule, () => ({ rule, denied: true }))
        : shared(violated, rule, () => ({ rule }));
    }),
    remembered: true,
  };
}

function shared<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}
