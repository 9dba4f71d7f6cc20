import { matchesGlob } from '../images/glob.js';
import type { PolicyException } from './policy.js';

const DAY = 24 * 60 * 60 * 1000;

/** @returns the first millisecond at which the exception no longer holds; `expires` is valid through its day, UTC. */
export function expiryOf(exception: PolicyException): number | undefined {
  return exception.expires === undefined ? undefined : Date.parse(`${exception.expires}T00:00:00Z`) + DAY;
}

export function appliesTo(exception: PolicyException, namespace: string): boolean {
  return exception.match.namespaces.some((glob) => matchesGlob(glob, namespace));
}
