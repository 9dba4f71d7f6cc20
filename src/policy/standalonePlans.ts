import { BoundedMap } from '../hardening/boundedMap.js';
import type { Plan } from '../hardening/plan.js';
import type { NamespaceFacts } from './namespace.js';
import { MODE_LABEL } from './plan.js';
import { PlanBook, type PlanInputs } from './planBook.js';
import { checkPolicyName, emptyFacts, withChoices, type PlanChoices } from './planChoices.js';
import type { PlanSource } from './planSource.js';
import { PlanUnavailableError } from './planUnavailableError.js';
import type { Policy } from './policy.js';

export interface StandaloneOptions {
  readonly policies: readonly Policy[];
  /** Without it, every namespace counts as `enforce`. */
  readonly namespaces?: ReadonlyMap<string, NamespaceFacts> | undefined;
  readonly ownNamespace?: string | undefined;
  readonly clock: () => number;
}

/** Beyond this many names (a caller without a cluster can make up any) the cache starts anew. */
const CACHE_MAX = 20_000;
/** What no namespace can be called is not kept. */
const NAME_MAX = 63;

/** Plans without a cluster: policies are built in or come from files, namespaces from a file or are all `enforce`. */
export class StandalonePlans implements PlanSource {
  private book: PlanBook;
  private readonly cache = new BoundedMap<string, Plan>(CACHE_MAX);

  constructor(private readonly options: StandaloneOptions) {
    this.book = this.makeBook(options.policies);
  }

  get policies(): readonly Policy[] {
    return this.book.all;
  }

  /** Puts other policies in force; the plans are made anew when they are next asked for. */
  replacePolicies(policies: readonly Policy[]): void {
    this.book = this.makeBook(policies);
    this.cache.clear();
  }

  private makeBook(policies: readonly Policy[]): PlanBook {
    return new PlanBook(policies, this.options.clock, this.options.ownNamespace);
  }

  planFor(namespace: string): Plan {
    const known = this.cache.get(namespace);
    if (known && this.book.isCurrent(known)) return known;
    const plan = this.book.planFor(this.factsOf(namespace));
    if (namespace.length > NAME_MAX) return plan;
    this.cache.set(namespace, plan);
    return plan;
  }

  /**
   * The plan that a namespace would have with another policy, mode or labels: for the preview.
   * A namespace that is not in the file is taken as one without labels.
   * @throws PolicyUnknownError where the policy does not exist
   */
  planWith(given: PlanChoices): Plan {
    const { namespace, policy, mode, labels } = given;
    checkPolicyName(policy, this.book.policyNames);
    if (policy === undefined && mode === undefined && labels === undefined) return this.planFor(namespace);
    return this.book.planFor(this.inputsWith(given).facts);
  }

  /**
   * What `planWith` makes its plan from.
   * @throws PolicyUnknownError where the policy does not exist
   */
  inputsWith(given: PlanChoices): PlanInputs {
    const { namespace, policy, mode, labels } = given;
    const { data, policyNames } = this.book;
    checkPolicyName(policy, policyNames);
    if (policy === undefined && mode === undefined && labels === undefined)
      return { book: data, facts: this.factsOf(namespace) };
    const facts =
      this.options.namespaces?.has(namespace) === false ? emptyFacts(namespace) : this.factsOf(namespace);
    return { book: data, facts: withChoices(facts, given, policyNames) };
  }

  private factsOf(name: string): NamespaceFacts {
    const { namespaces } = this.options;
    if (!namespaces) return { ...emptyFacts(name), labels: { [MODE_LABEL]: 'enforce' } };
    const facts = namespaces.get(name);
    // Never touched, so that there is nothing to know of it.
    if (!facts && this.book.isProtected(name)) return emptyFacts(name);
    if (!facts) {
      throw new PlanUnavailableError(`namespace "${name}" is not in the namespaces file`, { notFound: true });
    }
    return facts;
  }
}
