import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fastJsonPatch from 'fast-json-patch';
import { Lexer, parseAllDocuments } from 'yaml';
import { runFix } from '../src/cli/fix.js';
import { BUILTIN_POLICIES } from '../src/policy/builtin.generated.js';
import { StandalonePlans } from '../src/policy/standalonePlans.js';
import { readManifests } from '../src/preview/manifests.js';
import { previewFile } from '../src/preview/previewFile.js';
import { corpusSource } from './support/corpus.js';
import { linesThatMayChange, type PatchedDocument } from './support/editedLines.js';

/** The one file of the corpus that is refused: it has a key twice. */
const REFUSED = '_archived__openshift-origin__etcd-controller.yaml';

const POLICIES = ['baseline', 'default', 'restricted'];

describe('fix, over every YAML file of the corpus', function () {
  this.timeout(120_000);

  const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, namespaces: undefined, clock: Date.now });
  let originals: ReadonlyMap<string, string>;
  let folder: string;

  before(() => {
    originals = corpusFiles();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fix-corpus-'));
    for (const [name, text] of originals) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  for (const policy of POLICIES) {
    it(`under ${policy}: reads as preview -o yaml, keeps what was there, and does nothing the second time`, async () => {
      const first = await fixAll(folder, policy);
      expect(first.problems.filter((line) => !line.includes(REFUSED)).join('\n')).to.equal('');
      let changed = 0;
      for (const [name, before] of originals) {
        const after = readFileSync(join(folder, name), 'utf8');
        if (name.endsWith(REFUSED)) {
          expect(after, name).to.equal(before);
          continue;
        }
        if (after !== before) changed++;
        const file = readManifests(Buffer.from(before), { file: name });
        const preview = await previewFile(file, { policy }, plans);
        const edits = preview.previews.map(({ edit: patch }, index) => ({
          ...file.manifests[index],
          patch,
        })) as Edit[];

        expect(after, `${name}: what preview -o yaml gives`).to.equal(preview.edited().text);
        // chai's own comparison takes seconds over a corpus.
        const asPatched = isDeepStrictEqual(objectsOf(after), patched(before, edits));
        expect(asPatched, `${name}: the patch, applied to the objects`).to.equal(true);
        expect(lostLines(before, after, edits), `${name}: lines that are gone`).to.deep.equal([]);
        expect(commentsOf(after), `${name}: comments`).to.deep.equal(commentsOf(before));
        if (isWindows(before)) expect(isWindows(after), `${name}: line ends`).to.equal(true);
      }
      expect(changed).to.be.above(10);

      const refused = [...originals.keys()].find((name) => name.endsWith(REFUSED));
      if (refused !== undefined) rmSync(join(folder, refused));
      // Violations stay, so that there is something to do all the same.
      expect(await fixAll(folder, policy)).to.deep.equal({ status: 1, written: [], problems: [] });
    });
  }

  it('gives the same with the line ends of Windows', async () => {
    await fixAll(folder, 'default');
    const fixed = new Map(
      [...originals.keys()].map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );
    for (const [name, text] of originals) writeFileSync(join(folder, name), windows(text));
    await fixAll(folder, 'default');
    for (const [name, text] of fixed)
      expect(readFileSync(join(folder, name), 'utf8'), name).to.equal(windows(text));
  });
});

type Edit = PatchedDocument & { readonly object: object };

/** The texts by name. Those of Kubernetes' own API test data lie in a namespace whose name no API server takes. */
function corpusFiles(): ReadonlyMap<string, string> {
  const source = corpusSource();
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.ya?ml$/.test(name),
  );
  expect(names.length, source).to.be.above(20);
  return new Map(
    names.map((name) => [
      name,
      readFileSync(join(source, name), 'utf8').replace('namespace: namespaceValue', 'namespace: shop'),
    ]),
  );
}

async function fixAll(
  folder: string,
  policy: string,
): Promise<{ status: number; written: string[]; problems: string[] }> {
  let [out, err] = ['', ''];
  const status = await runFix(
    { filename: [folder], policy, write: true },
    {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      stdin: () => Promise.reject(new Error('no standard input')),
      colour: false,
    },
  );
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  // Notes are indented under the object that they are about.
  const problems = lines(err).filter((line) => !/^ |: *$/.test(line) && !/^\S+#\d+.*:$/.test(line));
  return { status, written: lines(out), problems };
}

/** The objects of a text, those of Lists one by one, as the library alone reads them. */
function objectsOf(text: string): unknown[] {
  return (
    parseAllDocuments(text, { version: '1.1', merge: true })
      // As JSON: a time is a text there, and nothing is shared between the places of an anchor.
      .map((document) => JSON.parse(JSON.stringify(document.toJS())) as unknown)
      .flatMap(expand)
  );
}

function expand(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  return kind === 'List' && Array.isArray(items) ? items.flatMap(expand) : [value];
}

function patched(text: string, edits: readonly Edit[]): unknown[] {
  const objects = objectsOf(text);
  expect(objects).to.have.lengthOf(edits.length);
  return objects.map(
    (object, index) =>
      fastJsonPatch.applyPatch(object, structuredClone([...(edits[index]?.patch ?? [])])).newDocument,
  );
}

/** The original lines that are not in the result in their order, but for those that may change. */
function lostLines(before: string, after: string, edits: readonly Edit[]): string[] {
  const mayChange = linesThatMayChange(before, edits);
  const left = after.split('\n');
  let at = 0;
  return before.split('\n').filter((line, index) => {
    const found = left.indexOf(line, at);
    if (found >= 0) {
      at = mayChange.has(index) ? at : found + 1;
      return false;
    }
    return !mayChange.has(index);
  });
}

function commentsOf(text: string): string[] {
  return [...new Lexer().lex(text)].filter((piece) => piece.startsWith('#')).map((piece) => piece.trimEnd());
}

const windows = (text: string): string => text.replaceAll(/\r?\n/g, '\r\n');
const isWindows = (text: string): boolean => text.includes('\n') && !/(?<!\r)\n/.test(text);
