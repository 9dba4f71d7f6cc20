import { fieldPath } from '../hardening/fieldPath.js';
import type { FieldIssue } from '../hardening/validatePod.js';

/** Thrown when a field that hardening reads has the wrong type. Carries every issue, each with its path in the object. */
export class InvalidObjectError extends Error {
  readonly code = 'InvalidObject';
  constructor(readonly issues: readonly FieldIssue[]) {
    super(issues.map(({ path, message }) => `${fieldPath(path)}: ${message}`).join('; '));
    this.name = 'InvalidObjectError';
  }
}
