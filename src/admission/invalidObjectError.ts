import { fieldPath } from '../hardening/fieldPath.js';
import { ISSUES_MAX, type FieldIssue } from '../hardening/validatePod.js';

/** As many as fit into one message. */
const SHOWN_MAX = 20;

/** Thrown when a field that hardening reads has the wrong type. Carries the issues, each with its path in the object. */
export class InvalidObjectError extends Error {
  readonly code = 'InvalidObject';
  constructor(readonly issues: readonly FieldIssue[]) {
    const lines = issues.slice(0, SHOWN_MAX).map(({ path, message }) => `${fieldPath(path)}: ${message}`);
    if (issues.length > SHOWN_MAX)
      lines.push(`and ${issues.length >= ISSUES_MAX ? 'at least ' : ''}${issues.length - SHOWN_MAX} more`);
    super(lines.join('; '));
    this.name = 'InvalidObjectError';
  }
}
