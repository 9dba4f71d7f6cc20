import type { Plan } from '../hardening/plan.js';
import type { NamespaceFacts } from '../policy/namespace.js';
import { emptyFacts, withChoices, type PlanChoices } from '../policy/planChoices.js';
import { PlanBook, type BrokenPolicies, type PlanInputs } from '../policy/planBook.js';
import type { Entry, PlanSource } from '../policy/planSource.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import type { Policy } from '../policy/policy.js';
import { ApiError } from './apiError.js';
import { NamespaceStore } from './namespaceStore.js';

export interface ClusterPlansOptions {
  readonly ownNamespace: string;
  readonly clock: () => number;
  /**
   * Asks the API server for a namespace and puts what it says into the store: with `limits`, its LimitRanges and
   * ResourceQuotas too.
   * @throws where the API server cannot be asked, or there is no such namespace
   */
  readonly lookUp: (namespace: string, limits: boolean) => Promise<void>;
  /** Told of each look-up; `Metrics` has it. */
  readonly lookedUp: (reason: 'unknown' | 'stale', ok: boolean) => void;
}

/** Plans from the watched cluster. */
export class ClusterPlans implements PlanSource {
  readonly store: NamespaceStore;
  private readonly cache = new Map<string, Plan>();
  /** None before policies and limits have been listed once: nothing is decided without them. */
  private book: PlanBook | undefined;
  /** Look-ups under way, so that a hundred pods of a new namespace ask once. */
  private readonly lookUps = new Map<string, Promise<void>>();

  constructor(private readonly options: ClusterPlansOptions) {
    this.store = new NamespaceStore((namespace) => this.cache.delete(namespace));
  }

  get policies(): readonly Policy[] {
    return this.book?.all ?? [];
  }

  /** Puts policies in force; the plans are made anew when they are next asked for. */
  replacePolicies(policies: readonly Policy[], broken: BrokenPolicies): void {
    this.book = new PlanBook(policies, this.options.clock, this.options.ownNamespace, broken);
    this.cache.clear();
  }

  planFor(namespace: string, entry: Entry): Plan | Promise<Plan> {
    const book = this.knownBook();
    const cached = this.cache.get(namespace);
    if (cached && book.isCurrent(cached) && agrees(cached, entry)) return cached;
    // Never touched: there is nothing to know of it.
    if (book.isProtected(namespace)) return book.planFor(emptyFacts(namespace));
    const facts = this.store.get(namespace);
    if (!facts) return this.lookedUpPlan(namespace, 'unknown');
    const plan = this.remember(facts);
    // The API server read other labels than we know: ours are behind, and only a live look tells by how much.
    return agrees(plan, entry) ? plan : this.lookedUpPlan(namespace, 'stale');
  }

  /**
   * The plan that a namespace would have with another policy, mode or labels: for the preview.
   * @throws PolicyUnknownError where the policy does not exist
   */
  async planWith(given: PlanChoices): Promise<Plan> {
    const { facts } = await this.inputsWith(given);
    return this.knownBook().planFor(facts);
  }

  /**
   * What `planWith` makes its plan from.
   * @throws PolicyUnknownError where the policy does not exist
   */
  async inputsWith(given: PlanChoices): Promise<PlanInputs> {
    const { namespace } = given;
    // A review of a cluster-scoped object has no namespace: there is nothing to look up.
    const isKnown = namespace === '' || this.knownBook().isProtected(namespace);
    if (!isKnown && !this.store.get(namespace)) await this.lookUp(namespace, 'unknown');
    const facts = this.store.get(namespace) ?? emptyFacts(namespace);
    const book = this.knownBook();
    return { book: book.data, facts: withChoices(facts, given, book.policyNames) };
  }

  private knownBook(): PlanBook {
    if (this.book) return this.book;
    throw new PlanUnavailableError('the policies and limits of the cluster have not been read yet');
  }

  private remember(facts: NamespaceFacts): Plan {
    const plan = this.knownBook().planFor(facts);
    this.cache.set(facts.name, plan);
    return plan;
  }

  /** What the API server says now is what holds, whichever entry called. */
  private async lookedUpPlan(namespace: string, reason: 'unknown' | 'stale'): Promise<Plan> {
    await this.lookUp(namespace, reason);
    const facts = this.store.get(namespace);
    if (!facts) throw new PlanUnavailableError(`namespace "${namespace}" was deleted a moment ago`);
    return this.remember(facts);
  }

  private async lookUp(namespace: string, reason: 'unknown' | 'stale'): Promise<void> {
    try {
      await this.shared(namespace, reason);
      this.options.lookedUp(reason, true);
    } catch (error) {
      this.options.lookedUp(reason, false);
      const why = error instanceof Error ? error.message : String(error);
      throw new PlanUnavailableError(`namespace "${namespace}" could not be looked up: ${why}`, {
        cause: error,
        notFound: error instanceof ApiError && error.status === 404,
      });
    }
  }

  /**
   * A look-up that began before this request may have read what was before it, so a stale namespace waits for one that
   * begins afterwards; for one that was not known at all, any answer is news.
   */
  private async shared(namespace: string, reason: 'unknown' | 'stale'): Promise<void> {
    const running = this.lookUps.get(namespace);
    if (running && reason === 'unknown') return running;
    if (running) {
      await running.catch(() => undefined);
      const next = this.lookUps.get(namespace);
      if (next) return next;
    }
    const begun = this.options
      .lookUp(namespace, reason === 'unknown')
      .finally(() => this.lookUps.delete(namespace));
    this.lookUps.set(namespace, begun);
    return begun;
  }
}

/** Whether the plan is one for which the API server would have called by this entry. */
function agrees(plan: Plan, entry: Entry): boolean {
  return entry === 'any' || plan.mode === entry;
}
