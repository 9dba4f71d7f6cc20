import { fieldPath } from '../hardening/fieldPath.js';
import type { FieldIssue } from '../hardening/validatePod.js';

/** As many as a person mends in one go; an object can have a million. */
const SHOWN_MAX = 20;

/** Thrown when a field that hardening reads has the wrong type. Carries every issue, each with its path in the object. */
export class InvalidObjectError extends Error {
  readonly code = 'InvalidObject';
  constructor(readonly issues: readonly FieldIssue[]) {
    const lines = issues.slice(0, SHOWN_MAX).map(({ path, message }) => `${fieldPath(path)}: ${message}`);
    if (issues.length > SHOWN_MAX) lines.push(`and ${issues.length - SHOWN_MAX} more`);
    super(lines.join('; '));
    this.name = 'InvalidObjectError';
  }
}
