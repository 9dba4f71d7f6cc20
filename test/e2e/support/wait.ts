/** What the contract allow from a label or a policy to its effect. */
export const EFFECT_MS = 2000;

/** Something did not come to hold in time; the last error of the probe is the cause. */
export class TimeoutError extends Error {
  readonly code = 'E2E_TIMEOUT';
  override readonly name = 'TimeoutError';
}

type Falsy = undefined | null | false;

/**
 * The first answer of the probe that is neither undefined, null nor false. A probe that throws is asked again: what it
 * looks at may not be there yet.
 *
 * @throws TimeoutError that names what was waited for
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Falsy | Promise<T | Falsy>,
  timeoutMs = 10_000,
  everyMs = 50,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new TimeoutError(`${what}: not within ${timeoutMs} ms`, { cause });
    }
    await pause(everyMs);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
