import { expect } from 'chai';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { toPatch } from '../../src/hardening/patch.js';
import type { Path } from '../../src/hardening/rule.js';

interface Case {
  title: string;
  object?: object;
  base?: Path;
  changes: { path: Path; after?: unknown }[];
  patch: Operation[];
  result?: unknown;
}
const CASES: Case[] = [
  { title: 'no changes give no operations', changes: [], patch: [] },
  {
    title: 'a missing field is added, an existing one replaced, a null one added again',
    object: { spec: { a: 1, n: null } },
    changes: [
      { path: ['spec', 'b'], after: 2 },
      { path: ['spec', 'a'], after: 3 },
      { path: ['spec', 'n'], after: 4 },
    ],
    patch: [
      { op: 'add', path: '/spec/b', value: 2 },
      { op: 'replace', path: '/spec/a', value: 3 },
      { op: 'add', path: '/spec/n', value: 4 },
    ],
    result: { spec: { a: 3, n: 4, b: 2 } },
  },
  {
    title: 'false, 0 and the empty string are values',
    object: { spec: { a: false } },
    changes: [
      { path: ['spec', 'a'], after: 0 },
      { path: ['spec', 'b'], after: '' },
    ],
    patch: [
      { op: 'replace', path: '/spec/a', value: 0 },
      { op: 'add', path: '/spec/b', value: '' },
    ],
  },
  {
    title: 'a missing parent is added once and holds all that goes below it',
    object: { spec: {} },
    changes: [
      { path: ['spec', 'sc', 'caps', 'drop'], after: ['ALL'] },
      { path: ['spec', 'sc', 'uid'], after: 1 },
      { path: ['spec', 'sc', 'caps', 'add'], after: ['X'] },
    ],
    patch: [{ op: 'add', path: '/spec/sc', value: { caps: { drop: ['ALL'], add: ['X'] }, uid: 1 } }],
  },
  {
    title: 'a parent that is null counts as missing',
    object: { spec: { sc: null } },
    changes: [{ path: ['spec', 'sc', 'uid'], after: 1 }],
    patch: [{ op: 'add', path: '/spec/sc', value: { uid: 1 } }],
  },
  {
    title: 'appends go to the end, in order',
    object: { list: [1] },
    changes: [
      { path: ['list', '-'], after: 2 },
      { path: ['list', '-'], after: 3 },
    ],
    patch: [
      { op: 'add', path: '/list/-', value: 2 },
      { op: 'add', path: '/list/-', value: 3 },
    ],
    result: { list: [1, 2, 3] },
  },
  {
    title: 'several appends into a missing list make one list',
    object: {},
    changes: [
      { path: ['a', 'list', '-'], after: 1 },
      { path: ['a', 'list', '-'], after: 2 },
    ],
    patch: [{ op: 'add', path: '/a', value: { list: [1, 2] } }],
  },
  {
    title: 'an item of a list is gone into',
    object: { list: [{}, { a: 1 }] },
    changes: [
      { path: ['list', 1, 'b', 'c'], after: 2 },
      { path: ['list', 0, 'b', '-'], after: 1 },
    ],
    patch: [
      { op: 'add', path: '/list/1/b', value: { c: 2 } },
      { op: 'add', path: '/list/0/b', value: [1] },
    ],
  },
  {
    title: '~ and / are escaped, in parents too',
    object: { m: { 'a/b': 1 } },
    changes: [
      { path: ['m', 'a/b'], after: 2 },
      { path: ['m', '~/~'], after: 3 },
      { path: ['x/y', 'z~'], after: 4 },
    ],
    patch: [
      { op: 'replace', path: '/m/a~1b', value: 2 },
      { op: 'add', path: '/m/~0~1~0', value: 3 },
      { op: 'add', path: '/x~1y', value: { 'z~': 4 } },
    ],
  },
  {
    title: 'removals come last, the highest index first',
    object: { list: [{ m: [1, 2] }, { m: [3] }], x: 1 },
    changes: [
      { path: ['list', 0] },
      { path: ['x'] },
      { path: ['list', 1, 'm', 0] },
      { path: ['list', 10] },
      { path: ['list', '-'], after: 9 },
    ],
    patch: [
      { op: 'add', path: '/list/-', value: 9 },
      { op: 'remove', path: '/list/10' },
      { op: 'remove', path: '/list/1/m/0' },
      { op: 'remove', path: '/list/0' },
      { op: 'remove', path: '/x' },
    ].sort((a, b) => (a.op === 'add' ? -1 : b.op === 'add' ? 1 : 0)) as Operation[],
  },
  {
    title: 'what is inside goes before what holds it',
    object: { a: { b: 1 } },
    changes: [{ path: ['a'] }, { path: ['a', 'b'] }],
    patch: [
      { op: 'remove', path: '/a/b' },
      { op: 'remove', path: '/a' },
    ],
    result: {},
  },
  {
    title: 'paths start at the pod, pointers at the object',
    object: { spec: { template: { spec: {} } } },
    base: ['spec', 'template'],
    changes: [{ path: ['spec', 'x'], after: 1 }],
    patch: [{ op: 'add', path: '/spec/template/spec/x', value: 1 }],
  },
  {
    title: 'names of Object.prototype are keys like others',
    object: { spec: { nodeSelector: {} } },
    changes: [{ path: ['spec', 'nodeSelector', 'constructor'], after: 'x' }],
    patch: [{ op: 'add', path: '/spec/nodeSelector/constructor', value: 'x' }],
  },
];

describe('toPatch', () => {
  for (const { title, object = {}, base = [], changes, patch, result } of CASES)
    it(title, () => {
      const before = JSON.stringify(object);
      const found = toPatch(object, base, changes);
      const byOp = (list: Operation[]): Operation[] => list;
      expect(found.filter(({ op }) => op !== 'remove')).to.deep.equal(
        byOp(patch).filter(({ op }) => op !== 'remove'),
      );
      expect(JSON.stringify(object)).to.equal(before);
      const removed = found.filter(({ op }) => op === 'remove').map(({ path }) => path);
      expect(new Set(removed)).to.deep.equal(
        new Set(patch.flatMap(({ op, path }) => (op === 'remove' ? [path] : []))),
      );
      const firstRemoval = found.findIndex(({ op }) => op === 'remove');
      if (firstRemoval >= 0)
        expect(found.slice(firstRemoval).every(({ op }) => op === 'remove')).to.equal(true);
      if (result !== undefined)
        expect(fastJsonPatch.applyPatch(JSON.parse(before) as object, found, true).newDocument).to.deep.equal(
          result,
        );
    });

  it('tells places apart that share one value, as YAML anchors make them', () => {
    const shared = {};
    const object = { list: [shared, shared] };
    const changes = [0, 1].map((index) => ({ path: ['list', index, 'a', 'b'], after: index }));
    expect(toPatch(object, [], changes)).to.deep.equal([
      { op: 'add', path: '/list/0/a', value: { b: 0 } },
      { op: 'add', path: '/list/1/a', value: { b: 1 } },
    ]);
  });
  it('removes items of one list from the end, so that the rest keep their places', () => {
    const object = { list: Array.from('abcdefghijkl') };
    const changes = [1, 10, 2, 11].map((index) => ({ path: ['list', index] }));
    const { newDocument } = fastJsonPatch.applyPatch(
      structuredClone(object),
      toPatch(object, [], changes),
      true,
    );
    expect(newDocument.list.join('')).to.equal('adefghij');
  });
});
