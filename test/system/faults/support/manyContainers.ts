import { pod, requestOf, reviewOf } from '../../../admission/support/reviews.js';

/** A review of containers that say nothing: small to read, long to decide, and each has 650 bytes of the answer. */
export function manyContainers(count: number): string {
  const containers = Array.from({ length: count }, (_, index) => ({ name: `c${index}`, image: 'x' }));
  return reviewOf(requestOf(pod({ containers })));
}
