import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { isRecord } from '../../src/hardening/locate.js';
import { pause } from '../../src/cluster/pause.js';

const LONG = 60_000;

describe('a pause', () => {
  it('ends when its time is over', async () => {
    await pause(1, [new AbortController().signal]);
  });

  for (const [at, which] of ['first', 'second'].entries())
    it(`ends when the ${which} of its signals is aborted`, async () => {
      const ends = [new AbortController(), new AbortController()];
      const paused = pause(
        LONG,
        ends.map(({ signal }) => signal),
      );
      ends[at]?.abort();
      await paused;
    });

  it('is over at once where a signal is aborted already', async () => {
    await pause(LONG, [new AbortController().signal, AbortSignal.abort()]);
  });

  it('leaves nothing on a signal that outlives it', async () => {
    const { signal } = new AbortController();
    for (let n = 0; n < 10; n += 1) {
      const woken = new AbortController();
      const paused = pause(n % 2 === 0 ? 0 : LONG, [signal, woken.signal]);
      woken.abort();
      await paused;
      await pause(0, [signal]);
    }
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
    expect(setsOf(signal)).to.deep.equal([]);
  });
});

/** Sizes of what Node.js keeps of a signal's dependants, which no interface tells. */
function setsOf(signal: AbortSignal): number[] {
  return Object.getOwnPropertySymbols(signal)
    .map((symbol) => Reflect.get(signal, symbol) as unknown)
    .flatMap((value) => (isRecord(value) && typeof value['size'] === 'number' ? [value['size']] : []))
    .filter((size) => size > 0);
}
