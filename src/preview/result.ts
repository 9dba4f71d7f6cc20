import type { Operation } from 'fast-json-patch';
import type { Outcome } from '../admission/types.js';
import type { Plan } from '../hardening/plan.js';
import type { Risk, RuleId, SkipCode } from '../hardening/rule.js';
import type { Level } from '../podSecurity/control.js';
import type { Blocker } from '../podSecurity/evaluate.js';

/**
 * What hardening does to one object, as `POST /preview` and `preview -o json` answer it.
 *
 * `changes`, `hardened` and `podSecurity` describe the pod that will run, for a template too, and as `enforce` would
 * make it: in audit mode, and where the object is denied, they say what would be there.
 */
export interface PreviewResult {
  readonly source: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly policy: string;
  readonly mode: Plan['mode'];
  readonly outcome: Outcome;
  /** Why it was ignored; null where it was not. */
  readonly because: string | null;
  /** The refusal; null where it was not denied. */
  readonly message: string | null;
  /** Exactly what `/mutate` would return: empty for a template under `templates: Warn`. */
  readonly patch: readonly Operation[];
  readonly changes: readonly PreviewChange[];
  readonly skips: readonly PreviewSkip[];
  readonly violations: readonly PreviewViolation[];
  readonly warnings: readonly string[];
  /** Null for a kind that has no pod. */
  readonly podSecurity: PreviewPodSecurity | null;
  /** The Pod that will run; null for a kind that has none. */
  readonly hardened: object | null;
}

export interface PreviewChange {
  readonly rule: RuleId;
  /** Null where the field is the pod's. */
  readonly container: string | null;
  /** From the pod, in Kubernetes' notation; `[]` is an item added to a list. */
  readonly field: string;
  /** Null where it was unset. */
  readonly before: unknown;
  /** Null where it is taken out. */
  readonly after: unknown;
  readonly reason: string;
  readonly risk: Risk;
}

export interface PreviewSkip {
  readonly rule: RuleId;
  readonly container: string | null;
  readonly code: SkipCode;
  readonly reason: string;
  /** The command that turns the rule off in the namespace; null where that is done already, or forbidden. */
  readonly optOut: string | null;
}

export interface PreviewViolation {
  readonly rule: RuleId;
  readonly container: string | null;
  readonly field: string;
  /** Null where the field is unset. */
  readonly value: unknown;
  /** The object is refused for it in enforce mode. */
  readonly denied: boolean;
  /** How to lift it. */
  readonly fix: string;
}

export interface PreviewPodSecurity {
  /** The version of the standards that was judged by: `v1.36`. */
  readonly version: string;
  readonly before: Level;
  readonly after: Level;
  /** What keeps the hardened pod from the next level. */
  readonly blockers: readonly Blocker[];
}
