import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until the time is over or one of the signals is aborted. Not with `AbortSignal.any`: in Node.js 20 each signal that
 * it makes of one that lives long leaves an empty WeakRef there: 27,000 a day for a replica that waits for the lease.
 */
export async function pause(milliseconds: number, ends: readonly AbortSignal[]): Promise<void> {
  if (ends.some(({ aborted }) => aborted)) return;
  const woken = new AbortController();
  const wake = (): void => woken.abort();
  for (const end of ends) end.addEventListener('abort', wake);
  await sleep(milliseconds, undefined, { signal: woken.signal }).catch(() => undefined);
  for (const end of ends) end.removeEventListener('abort', wake);
}
