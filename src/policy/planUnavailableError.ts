export interface PlanUnavailableOptions extends ErrorOptions {
  /** The namespace does not exist, which asking again will not change. */
  readonly notFound?: boolean;
}

/**
 * Thrown when a namespace's plan cannot be known: the namespace is not in the namespaces file, its lookup failed, or
 * its policy has never loaded. The request then fails with 500 and this message, and failurePolicy decides:
 * unknown is not "no match".
 */
export class PlanUnavailableError extends Error {
  readonly code = 'PlanUnavailable';
  readonly notFound: boolean;
  constructor(message: string, options: PlanUnavailableOptions = {}) {
    super(message, options);
    this.name = 'PlanUnavailableError';
    this.notFound = options.notFound === true;
  }
}
