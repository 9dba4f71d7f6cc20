import { BoundedMap } from '../hardening/boundedMap.js';
import type { ImageProfiles, Plan } from '../hardening/plan.js';
import { ImageProfileIndex } from '../images/imageProfiles.js';
import { BUILTIN_IMAGE_PROFILES } from './builtin.generated.js';
import { appliesTo } from './exceptions.js';
import type { NamespaceFacts } from './namespace.js';
import { makePlan, readLabels, usesUidRange } from './plan.js';
import { PlanUnavailableError } from './planUnavailableError.js';
import type { Policy } from './policy.js';

/** Never touched, whatever their labels say: the cluster itself lives there. */
const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease'];

/** Far more than a cluster has of different label sets; the preview lets callers make up any. */
const SHARED_MAX = 10_000;

/** Policies that have never loaded, by name, each with what is wrong with it. */
export type BrokenPolicies = ReadonlyMap<string, string>;

/** What a book is made from. Plain data: another thread can make the same book of it. */
export interface PlanBookData {
  readonly policies: readonly Policy[];
  readonly ownNamespace: string | undefined;
  readonly broken: BrokenPolicies;
}

/** What a plan is made from: `book` is the same object as long as the policies are the same. */
export interface PlanInputs {
  readonly book: PlanBookData;
  readonly facts: NamespaceFacts;
}

/**
 * Makes plans and keeps them. Namespaces that ask for the same share one plan, so memory grows with what is
 * different and not with the number of namespaces.
 */
export class PlanBook {
  private readonly policies = new Map<string, Policy>();
  private readonly profiles = new Map<string, ImageProfiles>();
  private readonly shared = new BoundedMap<string, Plan>(SHARED_MAX);
  readonly data: PlanBookData;

  constructor(
    policies: readonly Policy[],
    private readonly clock: () => number,
    private readonly ownNamespace?: string,
    private readonly broken: BrokenPolicies = new Map(),
  ) {
    this.data = { policies, ownNamespace, broken };
    for (const policy of policies) {
      this.policies.set(policy.name, policy);
      this.profiles.set(policy.name, new ImageProfileIndex(policy.imageProfiles, BUILTIN_IMAGE_PROFILES));
    }
  }

  get policyNames(): readonly string[] {
    return [...new Set([...this.policies.keys(), ...this.broken.keys()])];
  }

  get all(): readonly Policy[] {
    return [...this.policies.values()];
  }

  isProtected(namespace: string): boolean {
    return SYSTEM_NAMESPACES.includes(namespace) || namespace === this.ownNamespace;
  }

  /** Whether a plan made earlier still holds: no exception of it has expired since, or by a clock that was wrong. */
  isCurrent({ nextExpiry, lastExpiry }: Plan): boolean {
    if (nextExpiry === undefined && lastExpiry === undefined) return true;
    const now = this.clock();
    return now < (nextExpiry ?? Infinity) && now >= (lastExpiry ?? -Infinity);
  }

  /** @throws PlanUnavailableError where the namespace's policy has never loaded */
  planFor(facts: NamespaceFacts): Plan {
    const labels = readLabels(facts, (name) => this.policies.has(name) || this.broken.has(name));
    const request = this.isProtected(facts.name)
      ? { ...labels, mode: 'disabled' as const, because: `namespace ${facts.name} is never touched` }
      : labels;
    const wrong = request.mode === 'disabled' ? undefined : this.broken.get(request.policy);
    if (wrong !== undefined)
      throw new PlanUnavailableError(`policy "${request.policy}" has never loaded: ${wrong}`);
    const policy = this.policies.get(request.policy) ?? this.policies.get('default');
    const imageProfiles = policy && this.profiles.get(policy.name);
    if (!policy || !imageProfiles) throw new Error(`no policy named ${request.policy}`);

    const bound = policy.exceptions.flatMap((exception, index) =>
      appliesTo(exception, facts.name) ? [index] : [],
    );
    const key = JSON.stringify([
      request.because,
      Object.entries(facts.labels).sort(([a], [b]) => (a < b ? -1 : 1)),
      usesUidRange(policy) ? facts.uidRange : undefined,
      facts.quotaByQos,
      facts.quotas?.map(({ name, resources }) => [name, resources]),
      bound,
      facts.limitRanges.map(({ type, max, min, maxLimitRequestRatio }) => [
        type,
        ...[max, min, maxLimitRequestRatio].map((list) =>
          [...list].map(([name, value]) => [name, String(value)]),
        ),
      ]),
    ]);
    const known = this.shared.get(key);
    if (known && this.isCurrent(known)) return known;
    const plan = makePlan(facts, request, policy, imageProfiles, this.clock());
    this.shared.set(key, plan);
    return plan;
  }
}
