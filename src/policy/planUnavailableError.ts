/**
 * Thrown when a namespace's plan cannot be known: the namespace is not in the namespaces file, its lookup failed, or
 * its policy has never loaded. The request then fails with 500 and this message, and failurePolicy decides:
 * unknown is not "no match".
 */
export class PlanUnavailableError extends Error {
  readonly code = 'PlanUnavailable';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PlanUnavailableError';
  }
}
