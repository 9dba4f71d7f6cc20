import type { IncomingMessage } from 'node:http';

/**
 * Whether a request names a path: `*`, `http://x/` and what is no URL at all do not. To express the last has none of our
 * routes, and an answer of its own that knows nothing of limits and draining.
 */
export function hasPath({ url }: IncomingMessage): boolean {
  return url?.startsWith('/') === true;
}
