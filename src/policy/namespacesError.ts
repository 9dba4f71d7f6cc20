import type { PolicyIssue } from './policyError.js';
import { issueText } from './policyError.js';

/** Thrown when the namespaces file does not load: everything that is wrong with it. */
export class NamespacesError extends Error {
  readonly code = 'NamespacesInvalid';
  constructor(
    readonly issues: readonly PolicyIssue[],
    options?: ErrorOptions,
  ) {
    super(issues.map(issueText).join('\n'), options);
    this.name = 'NamespacesError';
  }
}
