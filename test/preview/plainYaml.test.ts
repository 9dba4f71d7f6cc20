import { expect } from 'chai';
import { readPlainYaml } from '../../src/preview/plainYaml.js';

const read = (text: string) => readPlainYaml(text, 0, text.length);

describe('the reader of plain YAML', () => {
  it('leaves a quoted text to the library that is too long for a regular expression', () => {
    expect(read(`a: "${'x'.repeat(1_000_000)}"\n`)?.object)
      .to.have.property('a')
      .of.length(1_000_000);
    for (const quote of ['"', "'"])
      expect(read(`a: ${quote}${'x'.repeat(9_000_000)}${quote}\n`)).to.equal(undefined);
  });

  const plain: readonly [name: string, text: string, object: unknown][] = [
    [
      'maps and lists',
      'a:\n  b:\n    - c\n    -\n      d: e\n  f: g\n',
      { a: { b: ['c', { d: 'e' }], f: 'g' } },
    ],
    [
      'a list in the column of its key',
      'a:\n- b: c\n  d:\n  - e\nf: g\n',
      { a: [{ b: 'c', d: ['e'] }], f: 'g' },
    ],
    ['lists in lists', '- - a\n  - b\n-   c: d\n    e: f\n', [['a', 'b'], { c: 'd', e: 'f' }]],
    [
      'scalars as Kubernetes has them',
      'a: on\nb: 0400\nc: 1.5\nd: ~\ne: 100m\n8080: x\n',
      { a: true, b: 256, c: 1.5, d: null, e: '100m', 8080: 'x' },
    ],
    ['quotes', `"a b": 'it''s'\nc: "d: \\"e\\"\\n"\n`, { 'a b': "it's", c: 'd: "e"\n' }],
    ['comments and blank lines', '# a\n\nb: c # d\n  # e\nf: g#h\n   # i\n', { b: 'c', f: 'g#h' }],
    ['nothing after a key or a dash', 'a:\nb:\n-\n- c\n', { a: null, b: [null, 'c'] }],
    [
      'flow collections on one line',
      'a: {b: [1, "x"], "c": {}} # d\ne: []\n',
      { a: { b: [1, 'x'], c: {} }, e: [] },
    ],
    ['literal blocks', 'a: |\n  b:\n    c\n\n  # d\n\ne:\n- |-\n  f\n', { a: 'b:\n  c\n\n# d\n', e: ['f'] }],
    ['Windows line ends', 'a:\r\n  - b\r\n  - c: d\r\n', { a: ['b', { c: 'd' }] }],
    ['no line break at the end', 'a: b\nc: d', { a: 'b', c: 'd' }],
  ];
  for (const [name, text, object] of plain) {
    it(`reads ${name}`, () => expect(read(text)).to.have.property('object').that.deep.equals(object));
  }

  it('says where nodes begin and end, and where more may be written', () => {
    const text = 'a: # x\n  - b: "c" # y\n';
    expect(read(text)?.root).to.deep.equal({
      kind: 'map',
      start: 0,
      end: 17,
      flow: false,
      column: 0,
      pairs: [
        {
          key: 'a',
          isMerge: false,
          start: 0,
          colon: 2,
          value: {
            kind: 'list',
            start: 9,
            end: 17,
            flow: false,
            column: 2,
            dashes: [10],
            items: [
              {
                kind: 'map',
                start: 11,
                end: 17,
                flow: false,
                column: 4,
                pairs: [
                  {
                    key: 'b',
                    isMerge: false,
                    start: 11,
                    colon: 13,
                    value: { kind: 'scalar', start: 14, end: 17, style: 'QUOTE_DOUBLE' },
                  },
                ],
              },
            ],
          },
        },
      ],
    });
  });

  it('finds nothing where only blanks and comments are', () => expect(read('\n # a\n')).to.equal(null));

  const left: readonly [name: string, text: string][] = [
    ['anchors', 'a: &x b\n'],
    ['aliases', 'a: *x\n'],
    ['merge keys', 'a:\n  <<: {b: c}\n'],
    ['tags', 'a: !!str 1\n'],
    ['folded blocks', 'a: >\n  b\n'],
    ['blocks that keep their end', 'a: |+\n  b\n\n'],
    ['a block that ends with the text', 'a: |\n  b'],
    ['a block that begins with more blanks than it has', 'a: |\n    \n  b\n'],
    ['text over two lines', 'a: b\n  c\n'],
    ['a text on the line below its key', 'a:\n  b\n'],
    ['quotes over two lines', 'a: "b\n  c"\n'],
    ['flow collections over two lines', 'a: [b,\n  c]\n'],
    ['a comma too many', 'a: [b,]\n'],
    ['a flow map that is a set', 'a: {b}\n'],
    ['escapes that JSON does not have', 'a: "\\x41"\n'],
    ['tabs', 'a:\tb\n'],
    ['keys with blanks', 'a b: c\n'],
    ['keys that are no text', '? a\n: b\n'],
    ['a key twice', 'a: b\na: c\n'],
    ['the key __proto__', '__proto__: a\n'],
    ['a map on the line of a key', 'a: b: c\n'],
    ['lines too far to the left', 'a:\n    b: c\n  d: e\n'],
    ['a list beside a map', 'a: b\n- c\n'],
    ['what JSON cannot say', 'a: .inf\n'],
    ['a single scalar', 'a\n'],
    ['depth beyond reason', '- '.repeat(200) + 'a\n'],
    ['a carriage return within a line', 'a: b\rc: d\n'],
  ];
  for (const [name, text] of left) {
    it(`leaves ${name} to the library`, () => expect(read(text)).to.equal(undefined));
  }
});
