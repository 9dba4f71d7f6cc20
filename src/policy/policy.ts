import type { Action, RuleId } from '../hardening/rule.js';
import type { ImageProfile } from '../hardening/plan.js';

/** One rule's entry in a policy: the action, whether a namespace may opt out, and the rule's settings with all defaults. */
export interface PolicyRule {
  readonly action: Action;
  readonly optOut: 'Allowed' | 'Forbidden';
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface PolicyException {
  readonly name: string;
  readonly reason: string;
  /** `YYYY-MM-DD`: valid through that day, UTC. */
  readonly expires?: string | undefined;
  readonly match: {
    readonly namespaces: readonly string[];
    readonly podLabels?: Readonly<Record<string, string>> | undefined;
    readonly containers?: readonly string[] | undefined;
    readonly images?: readonly string[] | undefined;
    readonly serviceAccounts?: readonly string[] | undefined;
  };
  readonly rules: readonly RuleId[];
}

/** A HardeningPolicy that has loaded: valid, every default filled in. Plain data, so that it can be compiled in. */
export interface Policy {
  readonly name: string;
  readonly warnings: 'Summary' | 'Full' | 'None';
  readonly templates: 'Warn' | 'Mutate' | 'Ignore';
  readonly unknownImages: 'Harden' | 'Safe';
  readonly rules: Readonly<Record<RuleId, PolicyRule>>;
  readonly imageProfiles: readonly ImageProfile[];
  readonly exceptions: readonly PolicyException[];
}

/** Policies in layers: one takes the place of a policy of the same name that comes before it. */
export function overByName(...layers: readonly (readonly Policy[])[]): Policy[] {
  return [...new Map(layers.flat().map((policy) => [policy.name, policy])).values()];
}
