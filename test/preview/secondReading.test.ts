import { expect } from 'chai';
import { SecondReading } from '../../src/preview/secondReading.js';

const set =
  (key: string, value: unknown) =>
  (before: readonly unknown[]): unknown[] =>
    before.map((object, index) => (index === 0 ? { ...(object as object), [key]: value } : object));

describe('the second reading of an edited text', () => {
  const cases: readonly [name: string, before: string, after: string, value: unknown, confirmed: boolean][] =
    [
      ['a field that is added', 'a: 1\n', 'a: 1\nb: true\n', true, true],
      ['a text that is quoted', 'a: 1\n', 'a: 1\nb: "1"\n', '1', true],
      ['a text that lost its quotes', 'a: 1\n', 'a: 1\nb: 1\n', '1', false],
      ['another value', 'a: 1\n', 'a: 1\nb: false\n', true, false],
      ['a field at the wrong depth', 'a: {c: 1}\n', 'a: {c: 1, b: true}\n', true, false],
      ['a field twice', 'a: 1\nb: 1\n', 'a: 1\nb: 1\nb: true\n', true, false],
      ['text that is no YAML any more', 'a: 1\n', 'a: 1\nb: [\n', true, false],
      ['a document that is lost', 'a: 1\n---\nc: 1\n', 'a: 1\nb: true\n', true, false],
      [
        'empty documents, which hold nothing',
        '---\n---\na: 1\n---\n',
        '---\n---\na: 1\nb: true\n---\n',
        true,
        true,
      ],
      [
        'a merge key',
        'x: &x {c: 1}\na: {<<: *x}\n',
        'x: &x {c: 1}\na: {<<: *x}\nb: {c: 1}\n',
        { c: 1 },
        true,
      ],
      [
        'what YAML 1.1 reads otherwise, untouched',
        'a: [on, 0400, 1:30]\n',
        'a: [on, 0400, 1:30]\nb: 1\n',
        1,
        true,
      ],
      ['Windows line ends', 'a: 1\r\n', 'a: 1\r\nb: true\r\n', true, true],
      ['a tag that it does not know', 'a: !own 1\n', 'a: !own 1\nb: true\n', true, false],
    ];
  for (const [name, before, after, value, confirmed] of cases) {
    it(`${confirmed ? 'confirms' : 'does not confirm'} ${name}`, () => {
      const count = before.split(/^---$/m).filter((part) => part.trim() !== '').length;
      const reading = new SecondReading(before, count);
      expect(reading.confirms(after, set('b', value))).to.equal(confirmed);
    });
  }

  it('cannot tell where it counts other documents than the first reading', () => {
    const reading = new SecondReading('a: 1\n---\nb: 1\n', 3);
    expect(reading.confirms('a: 1\n---\nb: 1\n', (before) => before)).to.equal(false);
  });
});
