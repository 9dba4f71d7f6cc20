import type { Operation } from 'fast-json-patch';
import type { Change, RuleId, Skip, Violation } from '../hardening/rule.js';
import type { Plan } from '../hardening/plan.js';
import type { ObjectMeta } from '../hardening/podSpec.js';

/** Any Kubernetes object as it comes from JSON. */
export interface KubernetesObject {
  apiVersion?: unknown;
  kind?: unknown;
  metadata?: ObjectMeta | null | undefined;
  spec?: unknown;
  [field: string]: unknown;
}

export interface UserInfo {
  readonly username?: string | undefined;
  readonly groups?: readonly string[] | undefined;
}

/** The part of an admission.k8s.io/v1 AdmissionRequest that a decision reads. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly operation: string;
  readonly subResource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly object?: KubernetesObject | null | undefined;
  readonly oldObject?: KubernetesObject | null | undefined;
  readonly userInfo?: UserInfo | undefined;
  readonly dryRun?: boolean | undefined;
}

/**
 * What was decided for one object.
 * - `ignored`: out of scope (another kind, a controlled object, an unchanged template, an excluded namespace)
 * - `unchanged`: in scope, nothing to change
 * - `patched`: enforce mode, `patch` is not empty
 * - `reported`: audit mode, or a template under `templates: Warn`: would be changed, is not
 * - `denied`: a rule with action Deny is violated, in enforce mode
 */
export type Outcome = 'ignored' | 'unchanged' | 'patched' | 'reported' | 'denied';

export interface Decision {
  readonly outcome: Outcome;
  /** Why it was ignored, in one phrase. */
  readonly because?: string | undefined;
  readonly plan?: Plan | undefined;
  /** What enforce would change (and, when `patched`, what was changed), relative to the pod or pod template. */
  readonly changes: readonly Change[];
  readonly skips: readonly Skip[];
  readonly violations: readonly Violation[];
  /** RFC 6902, on the object as sent; empty unless `patched`. */
  readonly patch: readonly Operation[];
  readonly warnings: readonly string[];
  /** Only when `denied`: the one message that lists every violation and how to lift each. */
  readonly message?: string | undefined;
}

/** What the log and the metrics say of a decision. */
export interface ToldDecision extends Pick<Decision, 'outcome' | 'because'> {
  readonly plan?: Pick<Plan, 'mode' | 'policy'> | undefined;
  readonly changes: readonly Pick<Change, 'rule'>[];
  readonly skips: readonly Pick<Skip, 'rule' | 'code'>[];
  readonly violations: readonly { readonly rule: RuleId; readonly denied?: true | undefined }[];
  /** It was made for an earlier request that said the same (see decisionMemory.ts). */
  readonly remembered?: true | undefined;
}

/** What the log says of the request. */
export interface ToldRequest extends Pick<
  AdmissionRequest,
  'uid' | 'kind' | 'operation' | 'namespace' | 'name' | 'dryRun'
> {
  readonly object?:
    | { readonly metadata?: Pick<ObjectMeta, 'name' | 'generateName' | 'namespace'> | null | undefined }
    | null
    | undefined;
}
