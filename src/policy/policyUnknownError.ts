/** Thrown when a policy is asked for by a name that no policy in force has. */
export class PolicyUnknownError extends Error {
  readonly code = 'PolicyUnknown';
  constructor(
    readonly policy: string,
    readonly known: readonly string[],
    suggestion: string | undefined,
  ) {
    const hint = suggestion === undefined ? `known: ${known.join(', ')}` : `did you mean "${suggestion}"?`;
    super(`there is no policy named "${policy}"; ${hint}`);
    this.name = 'PolicyUnknownError';
  }
}
