/**
 * Thrown where a request got no answer of an API server, for a reason that is none of the system's: it came too late,
 * the connection was closed before, what came is not what an API server answers, or the kubeconfig's credentials could
 * not be made (a login helper that failed).
 */
export class UnreachableError extends Error {
  readonly code = 'Unreachable';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnreachableError';
  }
}
