import type { Plan } from '../hardening/plan.js';

/** Where plans come from: standalone files, or the watched cluster. */
export interface PlanSource {
  /**
   * The plan for a namespace: cached, and made anew only when the namespace, its policy or the set of exceptions
   * that hold (one expired) has changed. A promise only where the namespace is not cached yet.
   * @throws PlanUnavailableError (or rejects with it) when it cannot be known: the request then fails.
   */
  planFor(namespace: string): Plan | Promise<Plan>;
}
