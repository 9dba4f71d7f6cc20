import type { RuleId } from './rule.js';

/** Thrown when a rule throws: a defect of ours. Carries the rule, and what it threw as the cause. */
export class RuleError extends Error {
  readonly code = 'RuleFailed';
  constructor(
    readonly rule: RuleId,
    cause: unknown,
  ) {
    super(`rule ${rule} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'RuleError';
  }
}
