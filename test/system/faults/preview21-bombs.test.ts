import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { call } from '../support/clients.js';
import { rounded } from './support/latencies.js';
import { hardens, print, runFolder, serve } from './support/serveProcess.js';

const MAIN = process.env['E2E_MAIN'] ?? join(import.meta.dirname, '..', '..', '..', 'dist', 'main.js');
const MIB = 1024 * 1024;
/** On a machine that does other things as well; the issue asks for one second on one that does not. */
const SECONDS_MAX = 5;

const laughs = [
  'a: &a [ha,ha,ha,ha,ha,ha,ha,ha,ha]',
  ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
    (name, index) =>
      `${name}: &${name} [${Array<string>(9)
        .fill(`*${'abcdefghi'.charAt(index)}`)
        .join(',')}]`,
  ),
].join('\n');

const BOMBS: readonly { readonly it: string; readonly text: string; readonly says: RegExp }[] = [
  { it: 'a billion laughs', text: laughs, says: /too much of the document comes from aliases/ },
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
      const { detail } = JSON.parse(answer) as { detail: string };
      print(`${text.length} bytes: ${status} after ${rounded(took)} ms: ${detail.slice(0, 80)}`);
      expect(status).to.equal(400);
      expect(detail).to.match(says);
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
      expect(readFileSync(file, 'utf8')).to.equal(text);
      expect(took).to.be.below(SECONDS_MAX * 1000);
    });
  }
});

function run(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, _, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr }),
    );
  });
}
