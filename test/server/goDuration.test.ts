import { expect } from 'chai';
import { parseGoDuration } from '../../src/server/goDuration.js';

describe('parseGoDuration', () => {
  const cases: [string, number | undefined][] = [
    ['10s', 10_000],
    ['500ms', 500],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['250µs', 0.25],
    ['0', 0],
    ['0s', 0],
    ['5', undefined],
    ['', undefined],
    ['-5s', undefined],
    ['5 s', undefined],
    ['5s!', undefined],
    ['5d', undefined],
    ['s', undefined],
    [`${'9'.repeat(400)}h`, undefined],
  ];
  for (const [text, milliseconds] of cases) {
    it(`reads ${JSON.stringify(text).slice(0, 20)} as ${milliseconds}`, () => {
      expect(parseGoDuration(text)).to.equal(milliseconds);
    });
  }
});
