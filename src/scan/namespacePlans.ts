import type { LivePlans } from '../cluster/livePlans.js';
import type { Plan } from '../hardening/plan.js';
import { emptyFacts, withChoices } from '../policy/planChoices.js';
import type { PlanBook } from '../policy/planBook.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import { isForbidden } from '../cluster/apiError.js';

/** How a namespace is now, and how it would be under `enforce`. */
export interface NamespacePlan {
  readonly name: string;
  /** What it asks for now; undefined where it could not be read. */
  readonly now: Pick<Plan, 'mode' | 'because'> | undefined;
  readonly enforced: Plan;
}

export interface NamespacePlansOptions {
  readonly plans: LivePlans;
  /** Applies whatever the namespaces say. */
  readonly policy?: string | undefined;
  /** Makes the plan of a namespace whose labels are not known. */
  readonly book: PlanBook;
}

/** `not judged`: its policy has never loaded. */
export type FoundPlan = NamespacePlan | 'not found' | 'not judged';

/** Plans of namespaces as `enforce` would have them, each read once. */
export class NamespacePlans {
  private readonly problems = new Map<string, string>();
  private readonly known = new Map<string, Promise<FoundPlan>>();

  constructor(private readonly options: NamespacePlansOptions) {}

  /** @throws ApiError, UnreachableError or the system's error where the API server cannot be asked */
  of(name: string): Promise<FoundPlan> {
    let plan = this.known.get(name);
    if (plan === undefined) this.known.set(name, (plan = this.read(name)));
    return plan;
  }

  /** What is not known of a namespace, or why it cannot be judged, in one line. */
  problemOf(name: string): string | undefined {
    return this.problems.get(name);
  }

  private async read(name: string): Promise<FoundPlan> {
    const { plans, policy } = this.options;
    try {
      // One after the other: the first reads the namespace.
      const now = await plans.planFor(name);
      return { name, now, enforced: await plans.planWith({ namespace: name, policy, mode: 'enforce' }) };
    } catch (error) {
      if (!(error instanceof PlanUnavailableError)) throw error;
      if (error.notFound) return 'not found';
      const { cause } = error;
      if (cause === undefined) {
        this.problems.set(name, `namespace ${name} cannot be judged: ${error.message}`);
        return 'not judged';
      }
      if (!(cause instanceof Error)) throw error;
      if (!isForbidden(cause)) throw cause;
      this.problems.set(
        name,
        `namespace ${name}: its labels and limits are not known (${cause.message}): judged as one without any`,
      );
      return { name, now: undefined, enforced: this.withoutLabels(name) };
    }
  }

  private withoutLabels(name: string): Plan {
    const { plans, policy, book } = this.options;
    const names = plans.policies.map((each) => each.name);
    const facts = withChoices(emptyFacts(name), { namespace: name, policy, mode: 'enforce' }, names);
    return book.planFor(facts);
  }
}
