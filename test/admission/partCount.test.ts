import fc from 'fast-check';
import { expect } from 'chai';
import { hasMoreParts } from '../../src/admission/partCount.js';

describe('the fields, objects or lists of JSON, whichever are most', () => {
  it('are as many as JSON.parse finds, whatever the texts, however it is indented', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const json = Buffer.from(JSON.stringify(value, null, indent));
        const count = partsOf(value);
        expect(hasMoreParts(json, count)).to.equal(false);
        if (count > 0) expect(hasMoreParts(json, count - 1)).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  for (const [what, json, count] of [
    ['the shortest', '{"":0,"a":{"":0}}', 3],
    ['an escaped quote', '{"a\\":":"\\":"}', 1],
    ['an escaped backslash before the quote', '{"\\\\":":"}', 1],
    ['escaped code units', '{"\\u0022:":"\\u003a:"}', 1],
    ['texts in a list', '[":","{","["]', 1],
    ['spaces', '{ "a" \n:\t1 }', 1],
    ['the same name again', '{"a":1,"a":2}', 2],
    ['objects without fields', '[{},{},[]]', 2],
    ['nothing but depth', '[[[]]]', 3],
  ] as const) {
    it(`are counted in ${what}`, () => {
      expect(hasMoreParts(Buffer.from(json), count)).to.equal(false);
      if (count > 0) expect(hasMoreParts(Buffer.from(json), count - 1)).to.equal(true);
    });
  }
});

function partsOf(value: unknown): number {
  const counted = { fields: 0, objects: 0, lists: 0 };
  const count = (part: unknown): void => {
    if (part === null || typeof part !== 'object') return;
    if (Array.isArray(part)) counted.lists += 1;
    else {
      counted.objects += 1;
      counted.fields += Object.keys(part).length;
    }
    Object.values(part).forEach(count);
  };
  count(value);
  return Math.max(...Object.values(counted));
}
