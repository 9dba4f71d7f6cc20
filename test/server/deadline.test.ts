import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import { Deadline } from '../../src/server/deadline.js';

const SOON_MS = 20;
const NEVER_MS = 60_000;
/** After this long whoever was due has been called. */
const LONG_ENOUGH_MS = 120;

describe('the deadlines of requests', () => {
  const made: Deadline[] = [];
  afterEach(() => {
    for (const deadline of made.splice(0)) deadline.clear();
    expect(Deadline.open()).to.deep.equal([]);
  });

  function deadline(milliseconds: number): Deadline {
    const one = new Deadline(milliseconds);
    made.push(one);
    return one;
  }

  it('call those whose time is over, once, and no others', async () => {
    const called: string[] = [];
    for (const name of ['first', 'second', 'third']) deadline(SOON_MS).whenPassed(() => called.push(name));
    deadline(NEVER_MS).whenPassed(() => called.push('later'));
    await wait(LONG_ENOUGH_MS);
    expect(called.sort()).to.deep.equal(['first', 'second', 'third']);
    expect(Deadline.open()).to.have.lengthOf(1);
  });

  it('call nobody whose request has been answered', async () => {
    const called: string[] = [];
    const cleared = deadline(SOON_MS);
    cleared.whenPassed(() => called.push('cleared'));
    deadline(SOON_MS).whenPassed(() => called.push('left'));
    cleared.clear();
    await wait(LONG_ENOUGH_MS);
    expect(called).to.deep.equal(['left']);
  });

  it('call nobody whose request another one’s listener has answered', async () => {
    const called: string[] = [];
    const pair = [deadline(SOON_MS), deadline(SOON_MS)] as const;
    for (const [index, one] of pair.entries())
      one.whenPassed(() => {
        called.push(String(index));
        for (const each of pair) each.clear();
      });
    await wait(LONG_ENOUGH_MS);
    expect(called).to.have.lengthOf(1);
  });

  it('are called in time where one that is earlier comes later', async () => {
    const called: string[] = [];
    deadline(NEVER_MS).whenPassed(() => called.push('late'));
    deadline(SOON_MS).whenPassed(() => called.push('early'));
    await wait(LONG_ENOUGH_MS);
    expect(called).to.deep.equal(['early']);
  });

  it('are counted right in whatever order they end, and when they end twice', () => {
    const random = numbers(7);
    const open = new Set<Deadline>();
    for (let step = 0; step < 2000; step += 1) {
      const all = [...open];
      const one = all[random(all.length)];
      if (one === undefined || random(2) === 0) {
        open.add(deadline(NEVER_MS));
      } else {
        one.clear();
        one.clear();
        open.delete(one);
      }
      expect(Deadline.open()).to.have.lengthOf(open.size);
    }
    expect(Deadline.open().every((one) => open.has(one))).to.equal(true);
  });
});

/** The same numbers each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % Math.max(1, below);
  };
}
