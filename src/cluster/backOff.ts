/** How long to wait after failures: what a reflector and the certificates' follower have in common. */
export interface BackOff {
  /** After the first failure; doubled with each further one up to `longestBackOffMs`, half of it by chance. */
  readonly backOffMs: number;
  readonly longestBackOffMs: number;
}

/** @param failures in a row, from 1; the wait in milliseconds, of which half is by chance: replicas are not to come back together */
export function backOffDelay(failures: number, { backOffMs, longestBackOffMs }: BackOff): number {
  const longest = Math.min(longestBackOffMs, backOffMs * 2 ** Math.min(failures - 1, 20));
  return longest / 2 + (Math.random() * longest) / 2;
}
