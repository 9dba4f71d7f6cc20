import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { parseKubernetesYaml } from '../../src/policy/yaml.js';
import { YamlError } from '../../src/policy/yamlError.js';

interface ParityCase {
  readonly name: string;
  readonly yaml: string;
  readonly json?: string;
  readonly error?: string;
  readonly duplicate?: string;
  readonly differs?: string;
}

const fixture = (path: string): string =>
  readFileSync(new URL(`../fixtures/yaml/${path}`, import.meta.url), 'utf8');

function failure(text: string): YamlError {
  try {
    parseKubernetesYaml(text);
  } catch (error) {
    if (error instanceof YamlError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function only(text: string): unknown {
  const documents = parseKubernetesYaml(text);
  expect(documents).to.have.length.at.most(1);
  return documents[0]?.object ?? null;
}

describe('parseKubernetesYaml beside sigs.k8s.io/yaml', () => {
  const cases = JSON.parse(fixture('parity.json')) as ParityCase[];

  for (const { name, yaml, json, duplicate, differs } of cases) {
    const title = name.length > 60 ? `${name.slice(0, 57)}...` : name;
    const refused = differs?.startsWith('refused') ?? (duplicate !== undefined || json === undefined);
    if (refused)
      it(`refuses ${title}`, () => {
        expect(failure(yaml).code).to.equal('YamlInvalid');
      });
    else if (differs !== undefined)
      it(`reads ${title}, which Go does not`, () => {
        expect(() => parseKubernetesYaml(yaml)).not.to.throw();
      });
    else
      it(`reads ${title} as Go does`, () => {
        expect(JSON.parse(JSON.stringify(only(yaml)))).to.deep.equal(JSON.parse(json ?? ''));
      });
  }
});

describe('parseKubernetesYaml', () => {
  it('reads several documents, leaves the empty ones out and gives each its text', () => {
    const documents = parseKubernetesYaml('# one\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n---\nc: 3\n');
    expect(documents.map(({ index, object }) => [index, object])).to.deep.equal([
      [0, { a: 1 }],
      [1, { b: 2 }],
      [2, { c: 3 }],
    ]);
    expect(documents[0]?.text).to.equal('# one\na: 1\n');
    expect(documents[1]?.text.trim()).to.equal('b: 2');
  });

  it('copies aliases, so that a change of one does not reach the other', () => {
    const { a, b } = only('a: &x {k: [1]}\nb: *x\n') as { a: object; b: object };
    expect(a).to.deep.equal(b);
    expect(a).not.to.equal(b);
  });

  for (const [name, text] of [
    ['YAML', '__proto__: {polluted: 1}\nm: {__proto__: 2}\n'],
    ['JSON', '{"__proto__": {"polluted": 1}, "m": {"__proto__": 2}}'],
    ['a merge key', 'b: &b {__proto__: {polluted: 1}}\n<<: *b\n'],
  ] as const)
    it(`keeps __proto__ as data in ${name}`, () => {
      const object = only(text) as Record<string, unknown>;
      expect(Object.getPrototypeOf(object)).to.equal(Object.prototype);
      expect(Object.hasOwn(object, '__proto__')).to.equal(true);
      expect(object.polluted).to.equal(undefined);
    });

  describe('says where', () => {
    const cases: readonly [
      name: string,
      text: string,
      message: RegExp,
      at: [document: number, line: number, column: number],
    ][] = [
      [
        'a duplicate key',
        'a: 1\n---\nb: 1\nimage: x\nimage: y\n',
        /^duplicate key "image", first on line 4$/,
        [1, 5, 1],
      ],
      ['a duplicate key in JSON', '{"a": {"b": 1,\n  "b": 2}}', /^duplicate key "b"$/, [0, 2, 3]],
      [
        'a duplicate key in JSON whose lines end as in Windows',
        '{\r\n  "a": 1,\r\n  "a": 2\r\n}',
        /^duplicate key "a"$/,
        [0, 3, 3],
      ],
      ['a control character after such lines', 'a: 1\r\nb: x\u0007\r\n', /^control characters/, [0, 2, 5]],
      [
        'an escaped duplicate key in JSON',
        '{"a": "\\\\\\"", "\\u0061": 2}',
        /^duplicate key "a"$/,
        [0, 1, 15],
      ],
      ['an unknown alias', 'a:\n  b: *x\n', /^no anchor &x before it$/, [0, 2, 6]],
      ['an unclosed list', 'a: 1\nb: [1, 2\n', /must end with a \]|sufficiently indented/, [0, 3, 1]],
      ['a control character', 'a: 1\nb: x\u0000\n', /^control characters/, [0, 2, 5]],
      ['a number that JSON has not', 'a: .nan\n', /^\.nan cannot be written in JSON$/, [0, 1, 4]],
      ['a wrong tag', 'a: !!int x\n', /^"x" is not a !!int$/, [0, 1, 10]],
      ['a second tag', 'a: !!str !!str x\n', /^A node can have at most one tag$/, [0, 1, 10]],
      [
        'a third tag in a row',
        '# none\n---\na: 1\n---\nb: !!map\n  !!str !!str c: 1\n',
        /^A node can have at most one tag$/,
        [1, 6, 9],
      ],
      [
        'a third anchor in a row',
        '&a\n# b\n&b\n&c d: 1\n',
        /^A node can have at most one anchor$/,
        [0, 4, 1],
      ],
      ['what is too deep', `a: 1\n---\n${'['.repeat(600)}`, /^nested more than 500 deep$/, [1, 3, 501]],
    ];
    for (const [name, text, message, [document, line, column]] of cases)
      it(name, () => {
        const error = failure(text);
        expect(error.message).to.match(message);
        expect([error.document, error.line, error.column]).to.deep.equal([document, line, column]);
      });
  });

  describe('is bounded', () => {
    for (const [name, text] of [
      ['lists in YAML', '['.repeat(20_000)],
      ['maps in YAML', '{a: '.repeat(20_000)],
      ['block lists', `${'- '.repeat(5000)}x`],
      ['JSON', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ] as const)
      it(`for deep ${name}`, () => {
        expect(failure(text).message).to.equal('nested more than 500 deep');
      });

    it('for aliases of aliases', () => {
      const start = performance.now();
      const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
      for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi'].map((pair) =>
        Array.from(pair),
      ))
        bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
      expect(failure(`${bomb.join('\n')}\n`).message).to.equal('too much of the document comes from aliases');
      expect(performance.now() - start).to.be.below(2000);
    });
  });

  it('reads tags and anchors in a row: of a map and of its first key', () => {
    const text = '--- !!map &m\n# of the key\n!!str &k a: &x !!map\n  &y !!str b: *k\n';
    expect(parseKubernetesYaml(text).map(({ object }) => object)).to.deep.equal([{ a: { b: 'a' } }]);
  });

  describe('position', () => {
    const text =
      'a:\n  b:\n  - x: 1\n  - w: {z: 2}\nbase: &base\n  k: v\nm:\n  <<: *base\n  own: 1\nr: *base\n';
    const cases: readonly [path: (string | number)[], line: number, column: number][] = [
      [[], 1, 1],
      [['a'], 1, 1],
      [['a', 'b'], 2, 3],
      [['a', 'b', 0], 3, 5],
      [['a', 'b', 1, 'w', 'z'], 4, 9],
      [['a', 'b', 7], 2, 3],
      [['a', 'nope', 'deeper'], 1, 1],
      [['m', 'own'], 9, 3],
      [['m', 'k'], 6, 3],
      [['r', 'k'], 6, 3],
    ];
    for (const [path, line, column] of cases)
      it(`of ${JSON.stringify(path)}`, () => {
        expect(parseKubernetesYaml(text)[0]?.position(path)).to.deep.equal({ line, column });
      });

    it('in a later document counts the lines of the whole text', () => {
      expect(parseKubernetesYaml('a: 1\n---\nb: 1\n')[1]?.position(['b'])).to.deep.equal({
        line: 3,
        column: 1,
      });
    });

    it('in JSON', () => {
      const [document] = parseKubernetesYaml('{\n  "a": [\n    {"b": 1}\n  ]\n}');
      expect(document?.position(['a', 0, 'b'])).to.deep.equal({ line: 3, column: 6 });
    });
  });

  /** The one file of the corpus with a key that stands twice. */
  const TWO_SELECTORS = '_archived__openshift-origin__etcd-controller.yaml';
  const corpus = new URL('../../../shared/corpus/', import.meta.url);
  (existsSync(corpus) ? it : it.skip)('reads the files of the open corpus as Kubernetes does', () => {
    const byFile = new Map<string, unknown[]>();
    for (const line of readFileSync(new URL('open.jsonl', corpus), 'utf8').trim().split('\n')) {
      const { id, object } = JSON.parse(line) as { id: string; object: unknown };
      const file = id.slice(0, id.lastIndexOf('#'));
      byFile.set(file, [...(byFile.get(file) ?? []), object]);
    }
    expect(byFile.size).to.be.at.least(50);
    for (const [file, objects] of byFile) {
      const text = readFileSync(new URL(`open/${file}`, corpus), 'utf8');
      if (file.endsWith(TWO_SELECTORS)) {
        expect(failure(text).message).to.equal('duplicate key "selector", first on line 6');
        continue;
      }
      const parsed = parseKubernetesYaml(text);
      // The lists in the files stand there as their items.
      const found = parsed.flatMap(({ object }) => {
        const { kind, items } = object as { kind?: string; items?: unknown[] };
        return kind === 'List' ? (items ?? []) : [object];
      });
      expect(found, file).to.deep.include.members(objects);
    }
  });
});
