import type { ApiClient } from '../cluster/apiClient.js';
import { isForbidden } from '../cluster/apiError.js';
import { LivePlans } from '../cluster/livePlans.js';
import type { ImageProfile, Plan } from '../hardening/plan.js';
import { ImageProfileIndex } from '../images/imageProfiles.js';
import { BUILTIN_POLICIES } from '../policy/builtin.generated.js';
import { loadPolicies } from '../policy/load.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import { StandalonePlans } from '../policy/standalonePlans.js';

/** Policies that stand over the cluster's by name, and which of them applies. */
export interface OwnPolicies {
  /** It has loaded. */
  readonly text: string;
  /** The namespace's unless given. */
  readonly policy?: string;
}

export interface LearnPlan {
  /** What mode enforce asks for in the namespace; of one that is never touched its mode is `disabled`. */
  readonly plan: Plan;
  /** What could not be read, one line each. */
  readonly missing: readonly string[];
}

/** @throws ApiError, UnreachableError, PlanUnavailableError or the system's error */
export async function learnPlan(api: ApiClient, namespace: string, own?: OwnPolicies): Promise<LearnPlan> {
  const policies = own === undefined ? [] : loadPolicies(own.text);
  const live = await LivePlans.open(api, { base: BUILTIN_POLICIES, own: policies, clock: Date.now });
  const choices = { namespace, mode: 'enforce', policy: own?.policy };
  try {
    return { plan: await live.planWith(choices), missing: live.missing };
  } catch (error) {
    const cause = error instanceof PlanUnavailableError ? error.cause : error;
    if (!isForbidden(cause)) throw error;
    const plan = new StandalonePlans({ policies: live.policies, clock: Date.now }).planWith(choices);
    return { plan, missing: [...live.missing, `${cause.message}: policy "${plan.policy}" is taken for it`] };
  }
}

/** The plan with these profiles before all others. */
export function planWithProfiles(plan: Plan, profiles: readonly ImageProfile[]): Plan {
  const learned = new ImageProfileIndex(profiles, []);
  const { imageProfiles } = plan;
  return {
    ...plan,
    imageProfiles: { lookup: (image) => learned.lookup(image) ?? imageProfiles.lookup(image) },
  };
}
