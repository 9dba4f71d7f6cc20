import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { diffLines } from 'diff';
import fastJsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { isRecord, locatePod } from '../../src/hardening/locate.js';
import { toPatch } from '../../src/hardening/patch.js';
import type { Path } from '../../src/hardening/rule.js';
import { parseKubernetesYaml } from '../../src/policy/yaml.js';
import { YamlError } from '../../src/policy/yamlError.js';
import type { YamlEdit } from '../../src/preview/yamlEdit.js';
import { editYaml } from '../../src/preview/yamlEdit.js';
import { YamlEditError } from '../../src/preview/yamlEditError.js';

const SHARED = new URL('../../../shared/corpus/open/', import.meta.url).pathname;
/** The whole corpus where it stands beside the repository, else the part of it that is copied here. */
const CORPUS = existsSync(SHARED) ? SHARED : new URL('../fixtures/corpus/files/', import.meta.url).pathname;

interface Case {
  readonly it: string;
  readonly text: string;
  readonly patch: Operation[];
  readonly becomes: string;
}

const add = (path: string, value: unknown): Operation => ({ op: 'add', path, value });
const replace = (path: string, value: unknown): Operation => ({ op: 'replace', path, value });
const remove = (path: string): Operation => ({ op: 'remove', path });

const IN_PLACE: readonly Case[] = [
  {
    it: 'a new key goes after the last of its map, before the comments that follow',
    text: 'a: 1\nb:\n  c: 2 # two\n  # d: 3\n# end\n',
    patch: [add('/b/e', true), add('/f', 'x')],
    becomes: 'a: 1\nb:\n  c: 2 # two\n  e: true\nf: x\n  # d: 3\n# end\n',
  },
  {
    it: 'maps inside lists are told by their column, and the innermost addition comes first',
    text: 'spec:\n  containers:\n  - name: a\n    ports:\n    - containerPort: 80\n',
    patch: [
      add('/spec/containers/0/securityContext', { capabilities: { drop: ['ALL'] }, privileged: false }),
      add('/spec/volumes', [{ name: 'tmp', emptyDir: { sizeLimit: '1Gi' } }]),
      add('/spec/containers/0/ports/0/protocol', 'TCP'),
    ],
    becomes:
      'spec:\n  containers:\n  - name: a\n    ports:\n    - containerPort: 80\n      protocol: TCP\n' +
      '    securityContext:\n      capabilities:\n        drop:\n        - ALL\n      privileged: false\n' +
      '  volumes:\n  - name: tmp\n    emptyDir:\n      sizeLimit: 1Gi\n',
  },
  {
    it: 'dashes stand as the file has them',
    text: 'a:\n    b:\n        - x\n    c:\n        d: 1\n',
    patch: [add('/a/b/-', { e: ['f'] }), add('/a/c/g', { h: 1 })],
    becomes:
      'a:\n    b:\n        - x\n        - e:\n              - f\n    c:\n        d: 1\n        g:\n            h: 1\n',
  },
  {
    it: 'an empty map or list becomes a block under its key, with its comment kept',
    text: 'a: {}\nb: [] # none\nc: &x {}\nd: null\ne:\nf: ~ # nothing\n',
    patch: [
      add('/a/x', 1),
      add('/b/-', 'v'),
      add('/c/z', 's'),
      add('/d', { m: 1 }),
      add('/e', { o: 2 }),
      add('/f', 7),
    ],
    becomes: 'a:\n  x: 1\nb: # none\n- v\nc: &x\n  z: s\nd:\n  m: 1\ne:\n  o: 2\nf: 7 # nothing\n',
  },
  {
    it: 'flow collections stay in flow style',
    text: 'a: {b: 1}\nc: { d: [x] } # c\ne: {"f": ["v"]}\n',
    patch: [
      add('/a/g', { h: 'on' }),
      add('/c/d/-', 'z'),
      add('/c/i', ['j']),
      add('/e/f/-', 'w'),
      add('/e/k', true),
    ],
    becomes: 'a: {b: 1, g: {h: "on"}}\nc: { d: [x, z], i: [j] } # c\ne: {"f": ["v", "w"], "k": true}\n',
  },
  {
    it: 'strings that YAML 1.1 would read as something else are quoted, quantities are not',
    text: 'a: 1\n',
    patch: [add('/b', { on: 'off', n: '12e6', o: '0400', q: '100m', c: '1', t: '22:22', 'x/y': 'a: b' })],
    becomes:
      'a: 1\nb:\n  "on": "off"\n  "n": "12e6"\n  o: "0400"\n  q: 100m\n  c: "1"\n  t: "22:22"\n  x/y: "a: b"\n',
  },
  {
    it: 'a replaced scalar keeps its quotes and its comment',
    text: 'a: \'x\' # one\nb: "y"\nc: z\nd:\n- all\n',
    patch: [replace('/a', 'p'), replace('/b', 'q'), replace('/c', true), replace('/d', ['ALL'])],
    becomes: 'a: \'p\' # one\nb: "q"\nc: true\nd:\n- ALL\n',
  },
  {
    it: 'a removed item or key takes its lines with it',
    text: 'a:\n- name: x\n  v: 1\n- name: y\n  v: 2\nb:\n  c: 1\n  d:\n    e: 2\nf: 1\n',
    patch: [remove('/b/d'), remove('/a/1')],
    becomes: 'a:\n- name: x\n  v: 1\nb:\n  c: 1\nf: 1\n',
  },
  {
    it: 'but leaves its comments, each on a line of its own',
    text: 'a:\n- x\n# why\n- name: y # gone\n  # so\n  v: "#2" # too\nb:\n  c: 1\n  d: # down\n    e: 2\n  # end\n',
    patch: [remove('/b/d'), remove('/a/1')],
    becomes: 'a:\n- x\n# why\n# gone\n  # so\n  # too\nb:\n  c: 1\n  # down\n  # end\n',
  },
  {
    it: 'comments stay where a block is replaced, and so do its anchor and the comment beside its key',
    text: 'a: &x # one\n  # two\n  b: 1 # three\n  # four\nc: # five\n- y # six\n- z\nd: *x\n',
    patch: [remove('/a/b'), remove('/d/b'), replace('/c', ['ALL'])],
    becomes: 'a: &x {} # one\n  # two\n  # three\n  # four\nc: # five\n# six\n- ALL\nd: *x\n',
  },
  {
    it: 'comments stay in flow collections, beside what they are about',
    text: 'a: {\n  b: 1, # one\n  # two\n  c: 2, # three\n  d: [x, # four\n    y]\n}\ne: [\n  f, # five\n]\n',
    patch: [remove('/a/b'), replace('/a/d', ['z']), add('/a/g', true), add('/e/-', 'h')],
    becomes:
      'a: {\n  # one\n  # two\n  c: 2, # three\n  d: [z],\n  g: true\n  # four\n}\ne: [\n  f, # five\n  h,\n]\n',
  },
  {
    it: 'comments stay where the last item of a flow list gives way to another',
    text: 'a: [\n  {name: b}, # one\n  {name: c} # two\n]\n',
    patch: [remove('/a/1'), add('/a/-', { name: 'd' })],
    becomes: 'a: [\n  {name: b},\n  {name: d} # one\n   # two\n]\n',
  },
  {
    it: 'comments stay where the next key moves up to the dash',
    text: 'a:\n- b: 1 # one\n  # two\n  c: 2\n',
    patch: [remove('/a/0/b')],
    becomes: 'a:\n- # one\n  # two\n  c: 2\n',
  },
  {
    it: 'a removed key that shares its line with a dash lets the next one up',
    text: 'a:\n- b: 1\n  c: 2\n- d\n',
    patch: [remove('/a/0/b')],
    becomes: 'a:\n- c: 2\n- d\n',
  },
  {
    it: 'what loses all it holds is left empty',
    text: 'a:\n  b:\n  - 1\n  c:\n    d: 1\n',
    patch: [remove('/a/b/0'), remove('/a/c/d')],
    becomes: 'a:\n  b: []\n  c: {}\n',
  },
  {
    it: 'items taken out and added at once',
    text: 'v:\n- name: a\n- name: token\n  x: 1\n',
    patch: [add('/v/-', { name: 'tmp' }), remove('/v/1')],
    becomes: 'v:\n- name: a\n- name: tmp\n',
  },
  {
    it: 'what looks like a comment in a text is none',
    text: 'a:\n  b: |\n    # x\n  c: "# y"\n  d: z#z\ne: 1\n',
    patch: [remove('/a')],
    becomes: 'e: 1\n',
  },
  {
    it: 'line endings are those of most lines where they differ',
    text: 'a: 1\r\nb: 1\nc:\n  d: 1\n',
    patch: [add('/c/e', 2)],
    becomes: 'a: 1\r\nb: 1\nc:\n  d: 1\n  e: 2\n',
  },
  {
    it: 'line endings stay',
    text: 'a:\r\n  b: 1\r\n',
    patch: [add('/a/c', { d: 1 })],
    becomes: 'a:\r\n  b: 1\r\n  c:\r\n    d: 1\r\n',
  },
  {
    it: 'a file without a last line break stays without',
    text: 'a:\n  b: 1',
    patch: [add('/a/c', { d: 1 }), add('/e', 1)],
    becomes: 'a:\n  b: 1\n  c:\n    d: 1\ne: 1',
  },
  {
    it: 'after a block scalar, its text untouched',
    text: 'a: |\n  x\n\n  y\n\n# c\nb: >-\n  z\n',
    patch: [add('/c', 1)],
    becomes: 'a: |\n  x\n\n  y\n\n# c\nb: >-\n  z\nc: 1\n',
  },
  {
    it: 'a block scalar that keeps its blank lines keeps them',
    text: 'o:\n  a: |+\n    x\n\n\nb: 1\n',
    patch: [add('/o/c', 1)],
    becomes: 'o:\n  a: |+\n    x\n\n\n  c: 1\nb: 1\n',
  },
  {
    it: 'an anchor and its aliases that get the same are edited once, at the anchor',
    text: 'x: &s\n  a: 1\nr: *s\n',
    patch: [add('/x/b', 2), add('/r/b', 2)],
    becomes: 'x: &s\n  a: 1\n  b: 2\nr: *s\n',
  },
  {
    it: 'an alias whose anchor must not change is written out',
    text: 'x: &s\n  a: 1\nr: *s # same\nz: *s\n',
    patch: [add('/r/b', 2)],
    becomes: 'x: &s\n  a: 1\nr: # same\n  a: 1\n  b: 2\nz: *s\n',
  },
  {
    it: 'an alias that must not change while its anchor does is written out',
    text: 'x: &s\n  a: 1\nr: *s\n',
    patch: [add('/x/b', 2)],
    becomes: 'x: &s\n  a: 1\n  b: 2\nr:\n  a: 1\n',
  },
  {
    it: 'what a merge key brings in is written over, and only that',
    text: 'x: &s\n  a: {b: 1}\n  c: 1\nr:\n  <<: *s\n  d: 1\n',
    patch: [add('/r/a/e', 2), add('/r/f', 3)],
    becomes: 'x: &s\n  a: {b: 1}\n  c: 1\nr:\n  <<: *s\n  d: 1\n  a:\n    b: 1\n    e: 2\n  f: 3\n',
  },
  {
    it: 'a merge key that brings in what is to go is written out',
    text: 'x: &s\n  a: 1 # one\n  b: 2\nr:\n- <<: *s # same\n  c: 3\n- <<: *s\n- {<<: *s, d: 4}\n',
    patch: [remove('/r/0/a'), remove('/r/1/b'), remove('/r/2/a')],
    becomes: 'x: &s\n  a: 1 # one\n  b: 2\nr:\n- # same\n  c: 3\n  b: 2\n- a: 1\n- {d: 4, b: 2}\n',
  },
  {
    it: 'JSON keeps its indentation',
    text: '{\n    "a": {},\n    "b": ["x"],\n    "c": [\n        1\n    ]\n}\n',
    patch: [add('/a/d', { e: 1 }), add('/b/-', 'y'), add('/c/-', { f: [] }), add('/g', { h: true })],
    becomes:
      '{\n    "a": {\n        "d": {\n            "e": 1\n        }\n    },\n    "b": ["x", "y"],\n    "c": [\n        1,\n' +
      '        {\n            "f": []\n        }\n    ],\n    "g": {\n        "h": true\n    }\n}\n',
  },
  {
    it: 'JSON on one line stays on one line, tabs stay tabs',
    text: '{"a":{"b":1},"c":[]}',
    patch: [add('/a/d', { e: ['f'] }), add('/c/-', 'g')],
    becomes: '{"a":{"b":1,"d":{"e":["f"]}},"c":["g"]}',
  },
  {
    it: 'JSON indented by tabs',
    text: '{\n\t"a": {\n\t\t"b": 9007199254740993\n\t}\n}',
    patch: [add('/a/d', [1]), remove('/a/b')],
    becomes: '{\n\t"a": {\n\t\t"d": [\n\t\t\t1\n\t\t]\n\t}\n}',
  },
  {
    it: 'items of flow lists go with their commas',
    text: 'a: [x, y, z]\nb: {c: 1, d: 2}\n',
    patch: [remove('/a/2'), remove('/a/0'), add('/a/-', 'w'), remove('/b/d')],
    becomes: 'a: [y, w]\nb: {c: 1}\n',
  },
  {
    it: 'explicit keys, a byte order mark, and document markers',
    text: '\uFEFF--- # one\n? a\n: b: 1\n...\n',
    patch: [add('/a/c', 2), add('/__proto__x', 1)],
    becomes: '\uFEFF--- # one\n? a\n: b: 1\n  c: 2\n__proto__x: 1\n...\n',
  },
];

describe('editYaml', () => {
  for (const { it: behaviour, text, patch, becomes } of IN_PLACE) {
    it(behaviour, () => {
      const edited = editYaml(text, [{ document: 0, at: [], patch }]);
      expect(edited.text).to.equal(becomes);
      expect(edited.rewritten).to.deep.equal([]);
    });
  }

  it('edits the document and the list item that are meant', () => {
    const text = '# first\n---\n---\na: 1\n---\nkind: List\nitems:\n- a: 1\n- a: 2\n';
    const edited = editYaml(text, [
      { document: 1, at: ['items', 0], patch: [add('/b', 1)] },
      { document: 1, at: ['items', 1], patch: [add('/c', 2)] },
      { document: 0, at: [], patch: [add('/d', 3)] },
    ]);
    expect(edited.text).to.equal(
      '# first\n---\n---\na: 1\nd: 3\n---\nkind: List\nitems:\n- a: 1\n  b: 1\n- a: 2\n  c: 2\n',
    );
  });

  it('writes a document anew where its text cannot be edited, with its comments and its neighbours kept', () => {
    const text = '# head\nx: &s\n  a: 1 # one\n  b: 2\nr:\n  a: 0\n  <<: *s\n---\nz: {} # untouched\n';
    const edited = editYaml(text, [{ document: 0, at: [], patch: [replace('/r/a', 3)] }]);
    expect(edited.rewritten).to.deep.equal([0]);
    expect(parseKubernetesYaml(edited.text).map(({ object }) => object)).to.deep.equal([
      { x: { a: 1, b: 2 }, r: { a: 3, b: 2 } },
      { z: {} },
    ]);
    expect(edited.text).to.include('# head\n').and.include('a: 1 # one\n').and.include('z: {} # untouched\n');
  });

  it('leaves a literal block as it reads that ends the text without a line break, though more comes behind it', () => {
    for (const [header, read] of [
      ['|', 'echo hi'],
      ['|- # as it is', 'echo hi'],
      ['>', 'echo hi'],
    ] as const) {
      const { text } = editYaml(`a:\n  args:\n  - ${header}\n    echo hi`, [
        { document: 0, at: [], patch: [add('/a/more', true)] },
      ]);
      expect(parseKubernetesYaml(text)[0]?.object, header).to.deep.equal({ a: { args: [read], more: true } });
    }
  });

  it('refuses a patch that does not apply', () => {
    expect(() => editYaml('a: 1\n', [{ document: 0, at: [], patch: [remove('/b/c')] }])).to.throw(
      YamlEditError,
    );
  });

  it('leaves a text without edits alone', () => {
    expect(editYaml('a:   1', [{ document: 0, at: [], patch: [] }]).text).to.equal('a:   1');
  });
});

describe('editYaml over real files', () => {
  const files = corpusFiles();

  it('made-up patches only add lines', () => {
    expect(files.length).to.be.above(10);
    const rewritten: string[] = [];
    for (const file of files) {
      const text = readFileSync(file, 'utf8');
      if (hasDuplicateKeys(text)) continue;
      const edits = parseKubernetesYaml(text).flatMap(({ index, object }) => madeUpEdits(index, object));
      const edited = editYaml(text, edits);
      if (edited.rewritten.length > 0) rewritten.push(file);
      const flow = removedLines(text, edited.text).filter((line) => !/[[{~]/.test(line));
      expect(flow, file).to.deep.equal([]);
      expect(edited.text.includes('\r\n'), file).to.equal(text.includes('\r\n'));
    }
    expect(rewritten).to.deep.equal([]);
  });
});

function corpusFiles(): string[] {
  return readdirSync(CORPUS, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join(CORPUS, name));
}

/** One file of the corpus has a key twice, which is refused. */
function hasDuplicateKeys(text: string): boolean {
  try {
    parseKubernetesYaml(text);
    return false;
  } catch (error) {
    return error instanceof YamlError && error.message.startsWith('duplicate key');
  }
}

function removedLines(before: string, after: string): string[] {
  return diffLines(before, after).flatMap((part) =>
    part.removed ? part.value.split('\n').slice(0, part.count) : [],
  );
}

function madeUpEdits(document: number, object: unknown, at: Path = []): YamlEdit[] {
  if (!isRecord(object)) return [];
  const items: unknown = object['items'];
  if (Array.isArray(items))
    return items.flatMap((item, i) => madeUpEdits(document, item, [...at, 'items', i]));
  const located = locatePod(object);
  if (!located) return [];
  const changes = [
    { path: ['spec', 'securityContext', 'runAsUser'], after: 65532 },
    { path: ['spec', 'securityContext', 'seccompProfile', 'type'], after: 'RuntimeDefault' },
    { path: ['metadata', 'annotations', 'made-up.io/x~y'], after: 'on' },
    { path: ['spec', 'volumes', '-'], after: { name: 'made-up', emptyDir: { sizeLimit: '1Gi' } } },
    ...(located.pod.spec.containers ?? []).flatMap((_, index) => [
      { path: ['spec', 'containers', index, 'securityContext', 'madeUp'], after: true },
      { path: ['spec', 'containers', index, 'securityContext', 'capabilities', 'madeUp'], after: ['ALL'] },
      { path: ['spec', 'containers', index, 'resources', 'limits', 'made.up/cpu'], after: '1' },
      {
        path: ['spec', 'containers', index, 'volumeMounts', '-'],
        after: { name: 'made-up', mountPath: '/x' },
      },
    ]),
  ];
  const patch = toPatch(object, located.base, changes).filter(({ op }) => op === 'add');
  fastJsonPatch.applyPatch(object, patch, true, false);
  return [{ document, at, patch }];
}
