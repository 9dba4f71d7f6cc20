import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { call } from '../support/clients.js';
import { bound } from './support/bound.js';
import { rounded } from './support/latencies.js';
import { hardens, print, runFolder, serve } from './support/serveProcess.js';

const MAIN = process.env['E2E_MAIN'] ?? join(import.meta.dirname, '..', '..', '..', 'dist', 'main.js');
const MIB = 1024 * 1024;
const SECONDS_MAX = bound(1, 5);
const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];

const laughs = explosion('[ha,ha,ha,ha,ha,ha,ha,ha,ha]', (before) => `[${nine(before).join(',')}]`);
const block = (item: string): string =>
  nine(item)
    .map((line) => `\n  - ${line}`)
    .join('');
const blockLaughs = explosion(block('ha'), block);
/** Each map takes in the one before it nine times. */
const merges = (first: string): string => explosion(first, (before) => `{<<: [${nine(before).join(',')}]}`);
/** A map in a map in a map, and then lists of two aliases of what stands before. */
const deepBlocks = [
  ...Array.from({ length: 40 }, (_, depth) => `${'  '.repeat(depth)}deep${depth}: &deep${depth}`),
  `${'  '.repeat(40)}x: 1`,
  ...Array.from({ length: 40 }, (_, twice) => {
    const before = twice === 0 ? '*deep0' : `*twice${twice - 1}`;
    return `twice${twice}: &twice${twice}\n  - ${before}\n  - ${before}`;
  }),
].join('\n');

interface Bomb {
  readonly it: string;
  readonly text: string;
  readonly says: RegExp;
}

const BOMBS: readonly Bomb[] = [
  { it: 'a billion laughs', text: laughs, says: /too much of the document comes from aliases/ },
  {
    it: 'a billion laughs in block style',
    text: blockLaughs,
    says: /too much of the document comes from aliases/,
  },
  {
    it: 'aliases of aliases of a map 40 deep, in block style',
    text: deepBlocks,
    says: /too much of the document comes from aliases/,
  },
  {
    it: 'a billion merges',
    text: merges('{h: a}'),
    says: /too much of the document comes from aliases/,
  },
  {
    it: 'a billion merges of nothing',
    text: merges('{}'),
    says: /too much of the document comes from aliases/,
  },
  {
    it: 'one long list a hundred times by its alias',
    text: `a: &a [${Array<string>(20_000).fill('x').join(',')}]\nb: [${Array<string>(100).fill('*a').join(',')}]\n`,
    says: /too much of the document comes from aliases/,
  },
  {
    it: 'an anchor that holds itself',
    text: 'a: &a [*a]\n',
    says: /holds an alias of itself|no anchor &a before it/,
  },
  { it: '20,000 nested [', text: '['.repeat(20_000), says: /nested more than 500 deep/ },
  {
    it: '20,000 nested [ that are closed',
    text: '['.repeat(20_000) + ']'.repeat(20_000),
    says: /nested more than 500 deep/,
  },
  { it: '20,000 nested {a: ', text: '{a: '.repeat(20_000), says: /nested more than 500 deep/ },
  { it: '1 MiB of "- "', text: '- '.repeat(MIB / 2), says: /nested more than 500 deep/ },
  { it: '1 MiB of "? "', text: '? '.repeat(MIB / 2), says: /nested more than 500 deep/ },
  { it: '1 MiB of "{}"', text: '{}'.repeat(MIB / 2), says: /Unexpected flow-map-start/ },
  { it: '300,000 tags of one value', text: '!a '.repeat(300_000), says: /at most one tag/ },
  {
    it: '300,000 anchors of one value, on a line each',
    text: '&a\n'.repeat(300_000),
    says: /at most one anchor/,
  },
];

describe('21. YAML bombs', () => {
  let server: KubeHarden;
  before(async () => {
    server = await serve();
    // The thread that reads large ones is there already.
    await call(server.previewPort ?? 0, '/preview', { method: 'POST', body: `# ${'x'.repeat(5000)}` });
  });
  afterEach(async () => expect(await hardens(server), 'admission').to.equal(true));
  after(() => server.stop());

  for (const { it: what, text, says } of BOMBS) {
    it(`${what} on the preview: refused with 400`, async () => {
      const began = performance.now();
      const { status, text: answer } = await call(server.previewPort ?? 0, '/preview', {
        method: 'POST',
        body: text,
        headers: { 'content-type': 'application/yaml' },
      });
      const took = performance.now() - began;
      const { detail, errors } = JSON.parse(answer) as Refusal;
      const [error] = errors;
      print(
        `${text.length} bytes: ${status} after ${rounded(took)} ms: ` +
          `${error?.source}:${error?.line}:${error?.column}: ${detail.slice(0, 80)}`,
      );
      expect(status).to.equal(400);
      expect(detail).to.match(says);
      expect(errors).to.have.length(1);
      expect(error).to.include({ source: 'document 0', message: detail });
      expectPlace(text, error?.line, error?.column);
      expect(took).to.be.below(SECONDS_MAX * 1000);
    });
  }

  for (const { it: what, text, says } of BOMBS) {
    it(`${what} in fix: exit 2, nothing written`, async () => {
      const file = runFolder.write('bomb.yaml', text);
      const began = performance.now();
      const { code, stderr } = await run(['fix', '-f', file, '--write']);
      const took = performance.now() - began;
      print(`${text.length} bytes: exit ${code} after ${rounded(took)} ms: ${stderr.trim().slice(-80)}`);
      expect(code).to.equal(2);
      expect(stderr.trim().split('\n')).to.have.length(1);
      expect(stderr).to.match(says);
      const [, line, column] = /bomb\.yaml:(\d+):(\d+): /.exec(stderr) ?? [];
      expectPlace(text, Number(line), Number(column));
      expect(readFileSync(file, 'utf8')).to.equal(text);
      expect(took).to.be.below(SECONDS_MAX * 1000);
    });
  }
});

/** What an RFC 9457 problem says of a manifest that cannot be read. */
interface Refusal {
  readonly detail: string;
  readonly errors: readonly {
    readonly source: string;
    readonly line: number;
    readonly column: number;
    readonly message: string;
  }[];
}

/** Somebody who looks there finds something: a line of this text, and a character of it or its end. */
function expectPlace(text: string, line = NaN, column = NaN): void {
  const found = text.split('\n')[line - 1];
  expect(found, `line ${line}`).to.be.a('string');
  expect(column, `column in line ${line}`).to.be.within(1, (found ?? '').length + 1);
}

/** Nine fields, each with an anchor, and each of the others made of an alias of the one before. */
function explosion(first: string, next: (before: string) => string): string {
  const fields = LETTERS.map((name, index) => {
    const before = LETTERS[index - 1];
    const value = before === undefined ? first : next(`*${before}`);
    return `${name}: &${name} ${value}`;
  });
  return fields.join('\n');
}

function nine(item: string): string[] {
  return Array<string>(9).fill(item);
}

function run(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, _, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr }),
    );
  });
}
