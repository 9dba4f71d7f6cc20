import fc from 'fast-check';
import { expect } from 'chai';
import { hasMoreFields } from '../../src/admission/fieldCount.js';

describe('the fields of JSON', () => {
  it('are as many as JSON.parse finds, whatever the texts, however it is indented', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const json = Buffer.from(JSON.stringify(value, null, indent));
        const count = fieldsOf(value);
        expect(hasMoreFields(json, count)).to.equal(false);
        if (count > 0) expect(hasMoreFields(json, count - 1)).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  for (const [what, json, count] of [
    ['the shortest', '{"":0,"a":{"":0}}', 3],
    ['an escaped quote', '{"a\\":":"\\":"}', 1],
    ['an escaped backslash before the quote', '{"\\\\":":"}', 1],
    ['escaped code units', '{"\\u0022:":"\\u003a:"}', 1],
    ['colons in a list', '[":",":"]', 0],
    ['spaces', '{ "a" \n:\t1 }', 1],
    ['the same name again', '{"a":1,"a":2}', 2],
  ] as const) {
    it(`are counted in ${what}`, () => {
      expect(hasMoreFields(Buffer.from(json), count)).to.equal(false);
      if (count > 0) expect(hasMoreFields(Buffer.from(json), count - 1)).to.equal(true);
    });
  }
});

function fieldsOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, inner) => sum + fieldsOf(inner), own);
}
