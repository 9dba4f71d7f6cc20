/** Thrown where a container cannot be looked at: one line that says why, and what to do. */
export class ObserveError extends Error {
  readonly code = 'Observe';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ObserveError';
  }
}
