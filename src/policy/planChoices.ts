import { didYouMean } from './didYouMean.js';
import type { NamespaceFacts } from './namespace.js';
import { LABEL_PREFIX, MODE_LABEL, POLICY_LABEL } from './plan.js';
import { PolicyUnknownError } from './policyUnknownError.js';

/** A namespace, and how it would be: what the preview asks for. */
export interface PlanChoices {
  readonly namespace: string;
  readonly policy?: string | undefined;
  readonly mode?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export function emptyFacts(name: string): NamespaceFacts {
  return { name, labels: {}, limitRanges: [], quotaByQos: false };
}

/**
 * A namespace as it would be with the labels of these choices.
 * @throws PolicyUnknownError where the policy does not exist
 */
export function withChoices(
  facts: NamespaceFacts,
  { policy, mode, labels }: PlanChoices,
  policyNames: readonly string[],
): NamespaceFacts {
  checkPolicyName(policy, policyNames);
  const ours = Object.entries(labels ?? {}).filter(([key]) => key.startsWith(LABEL_PREFIX));
  return {
    ...facts,
    labels: {
      ...facts.labels,
      ...Object.fromEntries(ours),
      ...(policy !== undefined && { [POLICY_LABEL]: policy }),
      ...(mode !== undefined && { [MODE_LABEL]: mode }),
    },
  };
}

/** @throws PolicyUnknownError where the policy does not exist */
export function checkPolicyName(policy: string | undefined, known: readonly string[]): void {
  if (policy === undefined || known.includes(policy)) return;
  throw new PolicyUnknownError(policy, known, didYouMean(policy, known));
}
