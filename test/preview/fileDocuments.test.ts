import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseKubernetesYaml } from '../../src/policy/yaml.js';
import { YamlError } from '../../src/policy/yamlError.js';
import { readDocuments } from '../../src/preview/fileDocuments.js';
import { placedDocument } from '../../src/preview/placedYaml.js';
import { readPlainYaml } from '../../src/preview/plainYaml.js';
import { manyManifests } from './support/manyManifests.js';
import { yamlMutations } from './support/yamlMutations.js';

const SHARED = new URL('../../../shared/corpus/open/', import.meta.url).pathname;
/** The whole corpus where it stands beside the repository, else the part of it that is copied here. */
const CORPUS = existsSync(SHARED) ? SHARED : new URL('../fixtures/corpus/files/', import.meta.url).pathname;

interface Read {
  readonly object: unknown;
  readonly position: unknown;
  /** As JSON, which has no order of keys when chai compares it; undefined where aliases make a circle of it. */
  readonly placed: unknown;
}

/** Data and places by the library alone, which reads the text as a whole; or its error. */
function byLibrary(text: string): readonly Read[] | string {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return orError(() =>
    parseKubernetesYaml(text).map((document) => {
      const placed = placedDocument(document.parsed, source, 0);
      return {
        object: document.object,
        position: document.position(['spec']),
        placed: placed.hasAliases ? undefined : (JSON.parse(JSON.stringify(placed)) as unknown),
      };
    }),
  );
}

function byParts(text: string): readonly Read[] | string {
  return orError(() =>
    readDocuments(text).map((document) => {
      const placed = document.placed();
      return {
        object: document.object,
        position: document.position(['spec']),
        placed: placed.hasAliases ? undefined : (JSON.parse(JSON.stringify(placed)) as unknown),
      };
    }),
  );
}

function orError<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return `${error.document}:${error.line}:${error.column} ${error.message}`;
  }
}

describe('the documents of a file', function () {
  this.timeout(60_000);
  const files = readdirSync(CORPUS, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => readFileSync(join(CORPUS, name), 'utf8'));
  const documents = files.flatMap((text) => text.split(/^---.*$\n?/m)).filter((text) => text.trim() !== '');

  it('are those that the library reads, with the same places, over the corpus', () => {
    expect(files.length).to.be.above(20);
    for (const text of files) expect(byParts(text)).to.deep.equal(byLibrary(text));
  });

  it('are nearly all read without it', () => {
    const plain = documents.filter((text) => readPlainYaml(text, 0, text.length) !== undefined);
    expect(plain.length / documents.length).to.be.above(0.8);
  });

  for (const shape of ['documents', 'list', 'large'] as const) {
    it(`are all read without it in the benchmark's ${shape}`, () => {
      for (const text of manyManifests(shape, 20_000).split(/^---\n/m))
        expect(readPlainYaml(text, 0, text.length)).to.have.property('object');
    });
  }

  it('are the same, and so is the error, however a text is wrong', () => {
    const short = documents.filter((text) => text.length < 1500);
    for (const text of yamlMutations(short, 1500, 1))
      expect(byParts(text), JSON.stringify(text)).to.deep.equal(byLibrary(text));
  });

  const cases: readonly [name: string, text: string][] = [
    ['a mark at the beginning', '\uFEFFa: b\n---\nc: d\n'],
    ['empty documents', '---\n---\na: b\n---\n# c\n---\n~\n---\nd: e\n'],
    ['comments beside the separator', '--- # a\nb: c\n---  \nd: e\n'],
    ['Windows line ends', 'a: b\r\n---\r\nc: d\r\n--- # e\r\nf: g\r\n'],
    ['a document that begins on the line of its separator', '--- {a: b}\n--- |\n c\n'],
    ['an end of a document', 'a: b\n...\nc: d\n'],
    ['a directive', '%YAML 1.1\n---\na: b\n'],
    ['a separator in a block and in quotes', 'a: |\n  ---\nb: "x\n---\n'],
    ['anchors of another document', 'a: &x b\n---\nc: *x\n'],
    ['anchors between plain documents', 'a: b\n---\nc: &x [d]\ne: *x\n---\nf: g\n'],
    ['JSON', '{"a": "b"}\n'],
    ['nothing', ''],
    ['a control character', 'a: b\n---\nc: \u0007\n'],
    ['an error in the second document', 'a: b\n---\nc: d\nc: e\n'],
  ];
  for (const [name, text] of cases) {
    it(`are the library's: ${name}`, () => expect(byParts(text)).to.deep.equal(byLibrary(text)));
  }

  it('have a tree, with its places in the whole text', () => {
    const text = 'a: b\n---\nc: d\n';
    const [, second] = readDocuments(text);
    expect(second?.parsed().contents?.range[0]).to.equal(text.indexOf('c'));
  });
});
