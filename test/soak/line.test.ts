import { expect } from 'chai';
import { lineThrough } from './line.js';

describe('the line of a soak', () => {
  it('of what does not grow is level, of what grows has its slope, both without error', () => {
    const level = Array.from({ length: 100 }, (_, x) => [x, 7] as const);
    expect(lineThrough(level)).to.deep.equal({ slope: 0, error: 0 });
    const growing = lineThrough(level.map(([x]) => [x, 3 + 0.5 * x] as const));
    expect(growing.slope).to.be.closeTo(0.5, 1e-9);
    expect(growing.error).to.be.closeTo(0, 1e-9);
  });

  it('of a saw is nearly level, and says how far from it', () => {
    const { slope, error } = lineThrough(Array.from({ length: 1000 }, (_, x) => [x, x % 37] as const));
    expect(Math.abs(slope)).to.be.below(3 * error);
    expect(error).to.be.within(1e-6, 0.01);
  });

  it('takes three stretches', () => {
    expect(() =>
      lineThrough([
        [0, 1],
        [1, 1],
      ]),
    ).to.throw('takes 3 stretches, not 2');
  });
});
