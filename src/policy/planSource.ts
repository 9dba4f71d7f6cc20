import type { Plan } from '../hardening/plan.js';

/**
 * Which entry of the webhook configuration called (`/mutate/enforce`, `/mutate/audit`): the mode that the API server
 * read from the namespace's labels. `any`: plain `/mutate`, which says nothing of it.
 */
export type Entry = 'any' | 'enforce' | 'audit';

/** Where plans come from: standalone files, or the watched cluster. */
export interface PlanSource {
  /**
   * The plan for a namespace: cached, and made anew only when the namespace, its policy or the set of exceptions
   * that hold (one expired) has changed. A promise only where the namespace is not cached yet, or where `entry` shows
   * that the cache is behind the API server.
   * @throws PlanUnavailableError (or rejects with it) when it cannot be known: the request then fails.
   */
  planFor(namespace: string, entry: Entry): Plan | Promise<Plan>;
}
