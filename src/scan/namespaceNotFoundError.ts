/** Thrown where a namespace that was asked for does not exist. */
export class NamespaceNotFoundError extends Error {
  readonly code = 'NamespaceNotFound';
  constructor(readonly namespace: string) {
    super(`there is no namespace "${namespace}"`);
    this.name = 'NamespaceNotFoundError';
  }
}
