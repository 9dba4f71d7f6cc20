import { expect } from 'chai';
import fastJsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { patched } from '../../src/preview/patched.js';

describe('patched', () => {
  const value = { a: { b: [{ c: 1 }, { d: 2 }] }, e: { f: 3 }, 'g/h': { '~i': {} } };
  const cases: readonly [name: string, operations: readonly Operation[]][] = [
    ['nothing', []],
    ['a field that is added', [{ op: 'add', path: '/a/x', value: { y: 1 } }]],
    ['an item at the end', [{ op: 'add', path: '/a/b/-', value: 4 }]],
    [
      'an item before another, and a field of that',
      [
        { op: 'add', path: '/a/b/0', value: 4 },
        { op: 'replace', path: '/a/b/1/c', value: 5 },
      ],
    ],
    [
      'what is taken out',
      [
        { op: 'remove', path: '/a/b/0' },
        { op: 'remove', path: '/e' },
      ],
    ],
    [
      'what is added to what was added',
      [
        { op: 'add', path: '/x', value: { y: [] } },
        { op: 'add', path: '/x/y/-', value: 6 },
      ],
    ],
    ['keys that are escaped', [{ op: 'add', path: '/g~1h/~0i/j', value: 7 }]],
    ['what moves', [{ op: 'move', from: '/a/b/0', path: '/e/f' }]],
    ['the whole', [{ op: 'replace', path: '', value: [8] }]],
  ];
  for (const [name, operations] of cases) {
    it(`makes what the library makes, and changes nothing that is given: ${name}`, () => {
      const [before, given] = [structuredClone(value), structuredClone(operations) as Operation[]];
      const expected = fastJsonPatch.applyPatch(
        structuredClone(value),
        structuredClone(operations),
        false,
        true,
      );
      expect(patched<unknown>(value, given)).to.deep.equal(expected.newDocument);
      expect(value).to.deep.equal(before);
      expect(given).to.deep.equal(operations);
    });
  }

  it('shares what no operation changes', () => {
    const after = patched(value, [{ op: 'add', path: '/a/b/0/x', value: 1 }]);
    expect(after.e).to.equal(value.e);
    expect(after.a.b[1]).to.equal(value.a.b[1]);
    expect(after.a.b).not.to.equal(value.a.b);
  });

  it('throws where an operation does not apply', () => {
    expect(() => patched(value, [{ op: 'add', path: '/nowhere/x', value: 1 }])).to.throw();
  });
});
