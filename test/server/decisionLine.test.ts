import { expect } from 'chai';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { Deadline } from '../../src/server/deadline.js';
import { DecisionLine, type LineLimits } from '../../src/server/decisionLine.js';

const TURN_MS = 10;
/** More than a turn has time for. */
const LONG_MS = TURN_MS + 2;
const NEVER_MS = 60_000;

describe('the line in which requests wait for their decisions', () => {
  const deadlines: Deadline[] = [];
  afterEach(() => {
    for (const deadline of deadlines.splice(0)) deadline.clear();
  });

  /** A line whose turn is spent: who comes now has to wait. */
  function spentLine(limits: Partial<LineLimits> = {}): DecisionLine {
    const line = new DecisionLine({ turnMs: TURN_MS, waitMs: NEVER_MS, ...limits });
    expect(join(line)).to.equal(undefined);
    work(LONG_MS);
    return line;
  }

  function join(
    line: DecisionLine,
    { timeoutMs = NEVER_MS, isGone = () => false }: { timeoutMs?: number; isGone?: () => boolean } = {},
  ): Promise<void> | undefined {
    const deadline = new Deadline(timeoutMs);
    deadlines.push(deadline);
    return line.join({ deadline, isGone });
  }

  it('has nobody wait while the turn has time', () => {
    const line = new DecisionLine({ turnMs: NEVER_MS, waitMs: NEVER_MS });
    for (let each = 0; each < 100; each += 1) expect(join(line)).to.equal(undefined);
  });

  it('has nobody wait in the next turn, where nobody waits from the last one', async () => {
    const line = spentLine();
    await turnOfTheLoop();
    expect(join(line)).to.equal(undefined);
  });

  it('lets those who wait in as they came, one after the other, and who comes meanwhile behind them', async () => {
    const line = spentLine();
    const order: number[] = [];
    let inside = 0;
    const decide = async (name: number): Promise<void> => {
      await join(line);
      expect((inside += 1), 'let in at a time').to.equal(1);
      order.push(name);
      inside -= 1;
    };
    await Promise.all([decide(0), decide(1), turnOfTheLoop().then(() => decide(3)), decide(2)]);
    expect(order).to.deep.equal([0, 1, 2, 3]);
    await turnOfTheLoop();
    expect(join(line), 'once it is empty').to.equal(undefined);
  });

  it('leaves the event loop alone for no longer than a turn and the decision at hand', async () => {
    const line = spentLine();
    let free = performance.now();
    const decided = Array.from({ length: 20 }, async () => {
      await join(line);
      const [round, began] = [rounds, performance.now()];
      work(4);
      return { round, began, ended: performance.now() };
    });
    let rounds = 0;
    const look = (): void => {
      rounds += 1;
      looking = setImmediate(look);
    };
    let looking = setImmediate(look);
    const seen = await Promise.all(decided);
    clearImmediate(looking);
    for (const round of new Set(seen.map((decision) => decision.round))) {
      const together = seen.filter((decision) => decision.round === round);
      // A turn is longer where all the rest took longer, as on a busy machine: measured from the last decision on.
      const turnMs = Math.max(TURN_MS, (together[0]?.began ?? NaN) - free);
      expect(together.length, 'decisions between two looks').to.be.at.most(turnMs / 4 + 1);
      free = together.at(-1)?.ended ?? NaN;
    }
    expect(new Set(seen.map((decision) => decision.round)))
      .to.have.property('size')
      .above(1);
  });

  it('gives decisions as much time as the rest of a turn takes', async () => {
    const line = spentLine();
    const REST_MS = 60;
    const DECISION_MS = 4;
    let rests = 0;
    const rest = (): void => {
      rests += 1;
      work(REST_MS);
      resting = setImmediate(rest);
    };
    let resting = setImmediate(rest);
    const COUNT = 60;
    await Promise.all(
      Array.from({ length: COUNT }, async () => {
        await join(line);
        work(DECISION_MS);
      }),
    );
    clearImmediate(resting);
    // With a turn of 10 ms for them they would take 20.
    expect(rests).to.be.at.most((2 * COUNT * DECISION_MS) / REST_MS + 2);
  });

  it('refuses more than it has places for at once', async () => {
    const line = spentLine();
    const waiting = Array.from({ length: 4000 }, async () => {
      await join(line);
    });
    const refusal: unknown = await join(line)?.catch((error: unknown) => error);
    expect(refusal).to.include({ refusal: 'overBudget' });
    const settled = await Promise.allSettled(waiting);
    expect(settled.every(({ status }) => status === 'fulfilled')).to.equal(true);
  });

  it('refuses with Retry-After who has waited too long, but for the last, whom nobody waits behind', async () => {
    const line = spentLine({ waitMs: 20 });
    const results = Promise.allSettled([join(line), join(line), join(line)]);
    work(40);
    const [first, second, last] = await results;
    for (const refused of [first, second]) {
      expect(refused).to.include({ status: 'rejected' });
      expect((refused as PromiseRejectedResult).reason).to.deep.include({
        code: 'RequestRefused',
        reason: 'ServiceUnavailable',
        refusal: 'overBudget',
        headers: { 'retry-after': '1' },
      });
    }
    expect(last).to.include({ status: 'fulfilled' });
  });

  it('makes no decision for a client who has gone, or whose time is over', async () => {
    const line = spentLine();
    let isGone = false;
    const results = Promise.allSettled([
      join(line, { isGone: () => isGone }),
      join(line, { timeoutMs: 5 }),
      join(line),
    ]);
    isGone = true;
    work(10);
    const [gone, late, other] = await results;
    expect((gone as PromiseRejectedResult).reason).to.include({ code: 'ClientGone' });
    expect((late as PromiseRejectedResult).reason).to.include({ refusal: 'late' });
    expect(other).to.include({ status: 'fulfilled' });
  });

  it('tells who waits that the time is over, though it is not their turn yet', async () => {
    const line = new DecisionLine({ turnMs: TURN_MS, waitMs: NEVER_MS });
    expect(join(line)).to.equal(undefined);
    work(LONG_MS);
    const busy = Array.from({ length: 40 }, async () => {
      await join(line);
      work(5);
    });
    const told = await Promise.race([
      join(line, { timeoutMs: 30 })?.then(
        () => 'let in',
        (error: unknown) => error,
      ),
      Promise.all(busy).then(() => 'all others were first'),
    ]);
    expect(told).to.include({ refusal: 'late' });
    await Promise.all(busy);
  });
});

function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
