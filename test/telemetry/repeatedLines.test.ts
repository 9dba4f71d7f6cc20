import { expect } from 'chai';
import { RepeatedLines } from '../../src/telemetry/repeatedLines.js';
import { collectGarbage } from '../support/collectGarbage.js';

const SECOND = 1000;

function line(
  message: string,
  fields: Record<string, unknown> = {},
): {
  level: string;
  message: string;
  fields: Record<string, unknown>;
} {
  return { level: 'error', message, fields };
}

type Lines = RepeatedLines<ReturnType<typeof line>>;

/** How many of so many are written. */
function written(lines: Lines, count: number, make: (n: number) => ReturnType<typeof line>, now = 0): number {
  let admitted = 0;
  for (let n = 0; n < count; n += 1) if (lines.admits(make(n), now)) admitted += 1;
  return admitted;
}

describe('RepeatedLines', () => {
  it('writes ten alike lines, and one with how many more there were', () => {
    const lines: Lines = new RepeatedLines();
    expect(written(lines, 1000, (n) => line('failed', { uid: `${n}`, error: new Error('same') }))).to.equal(
      10,
    );
    expect(lines.holding).to.equal(true);
    expect(lines.ended(9 * SECOND)).to.deep.equal([]);
    const [summary, ...others] = lines.ended(10 * SECOND);
    expect(others).to.deep.equal([]);
    expect(summary).to.deep.include({ more: 990 });
    expect(summary?.line.fields['uid']).to.equal('0');
    expect(lines.holding).to.equal(false);
    expect(written(lines, 1000, () => line('failed'), 10 * SECOND)).to.equal(10);
  });

  for (const [what, make] of [
    ['message', (n: number) => line(`failed ${n}`)],
    ['field', (n: number) => line('failed', { path: `/${n}` })],
    ['error', (n: number) => line('failed', { error: new Error(`no ${n}`) })],
  ] as const) {
    it(`tells lines apart by their ${what}`, () => {
      const lines: Lines = new RepeatedLines();
      expect(written(lines, 50, make)).to.equal(50);
      expect(lines.holding).to.equal(false);
    });
  }

  it('never holds back what comes now and then', () => {
    const lines: Lines = new RepeatedLines();
    for (let minute = 0; minute < 100; minute += 1)
      expect(written(lines, 2, () => line('failed'), minute * 60 * SECOND)).to.equal(2);
  });

  it('is bounded for whoever varies what they send, and lets other messages through', () => {
    const lines: Lines = new RepeatedLines();
    expect(written(lines, 100_000, (n) => line('refused', { path: `/${n}` }))).to.equal(110);
    expect(written(lines, 1, () => line('another'))).to.equal(1);
    expect(written(lines, 100, (n) => line('refused', { path: `/${n}` }), 20 * SECOND)).to.equal(100);
  });

  it('keeps little of a line, however much it says', () => {
    const lines: Lines = new RepeatedLines();
    const much = 'x'.repeat(1_000_000);
    const make = (): ReturnType<typeof line> =>
      line('failed', {
        uid: much,
        error: new Error('no', { cause: new Error(much) }),
        names: [much],
        few: ['a'],
        status: 404,
      });
    expect(written(lines, 20, make)).to.equal(10);
    const [summary] = lines.ended(10 * SECOND);
    expect(JSON.stringify(summary?.line).length).to.be.below(20_000);
    expect(summary?.line.fields).to.deep.include({ uid: much.slice(0, 4096), few: ['a'], status: 404 });
    expect(summary?.line.fields['error']).to.match(/^Error: no\n[^]*\ncaused by Error: x+$/);
  });

  it('keeps a field that was cut from something large, and not what it was cut from', () => {
    const lines: Lines = new RepeatedLines();
    const heapMiB = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed / 1024 / 1024;
    };
    const before = heapMiB();
    for (let n = 0; n < 100; n += 1) {
      const body = Buffer.alloc(1_000_000, 'x').toString('latin1');
      lines.admits(line('failed', { path: `/${n}`, uid: body.slice(0, 200) }), 0);
    }
    expect(heapMiB() - before).to.be.below(20);
  });

  it('outlives fields that cannot be written', () => {
    const lines: Lines = new RepeatedLines();
    expect(written(lines, 20, () => line('big', { big: 1n }))).to.equal(10);
  });
});
