/** One thing that is wrong with a policy. */
export interface PolicyIssue {
  /** Field path in Kubernetes' notation: `spec.rules.capabilities.action`, `spec.exceptions[0].reason`. */
  readonly path: string;
  readonly message: string;
  /** The file, where there is one. */
  readonly source?: string | undefined;
  /** From 1; of the deepest part of the path that is there. */
  readonly line?: number | undefined;
}

/** Thrown when policies do not load: everything that is wrong with all of them, so that one pass mends it. */
export class PolicyError extends Error {
  readonly code = 'PolicyInvalid';
  constructor(
    readonly issues: readonly PolicyIssue[],
    options?: ErrorOptions,
  ) {
    super(issues.map(issueText).join('\n'), options);
    this.name = 'PolicyError';
  }
}

/** `file:line: path: message`, without what is not known. */
export function issueText({ source, line, path, message }: PolicyIssue): string {
  const place = [source, line].filter((part) => part !== undefined).join(':');
  return [place, path, message].filter((part) => part !== '').join(': ');
}
