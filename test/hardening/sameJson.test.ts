import { expect } from 'chai';
import { sameJson } from '../../src/hardening/sameJson.js';

function nested(depth: number, leaf: unknown): unknown {
  let value = leaf;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { a: value } : [value];
  return value;
}

describe('sameJson', () => {
  const cases: [string, unknown, unknown, boolean][] = [
    ['the order of keys does not matter', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['the order of items does', [1, 2], [2, 1], false],
    ['another length', [1], [1, 2], false],
    ['a key more', { a: 1 }, { a: 1, b: undefined }, false],
    ['another key', { a: 1 }, { b: 1 }, false],
    ['null is not missing', { a: null }, {}, false],
    ['null and null', null, null, true],
    ['null is no object', null, {}, false],
    ['a list is no object', [], {}, false],
    ['a number is no string', 1, '1', false],
    ['an object is no text', {}, 'x', false],
    [
      '__proto__ is a key like others',
      JSON.parse('{"__proto__": {"a": 1}}'),
      JSON.parse('{"__proto__": {"a": 2}}'),
      false,
    ],
    ['a key of Object.prototype is not found where it is not', { constructor: Object }, { a: 1 }, false],
  ];
  for (const [title, a, b, expected] of cases) it(title, () => expect(sameJson(a, b)).to.equal(expected));

  it('compares values nested 100,000 levels deep', () => {
    expect(sameJson(nested(100_000, 1), nested(100_000, 1))).to.equal(true);
    expect(sameJson(nested(100_000, 1), nested(100_000, 2))).to.equal(false);
  });
});
