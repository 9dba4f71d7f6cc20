import { expect } from 'chai';
import { RepeatedLines } from '../../src/telemetry/repeatedLines.js';

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

  it('outlives fields that cannot be written', () => {
    const lines: Lines = new RepeatedLines();
    expect(written(lines, 20, () => line('big', { big: 1n }))).to.equal(10);
  });
});
