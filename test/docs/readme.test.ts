import { expect } from 'chai';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { examplesIn, isOurs, PAGES_WITH_EXAMPLES, printedBy } from '../../scripts/generated/examples.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { servingFiles } from '../system/support/certificates.js';
import { call } from '../system/support/clients.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

const PAGES = [...PAGES_WITH_EXAMPLES, ...RULES.map(({ id }) => `docs/rules/${id}.md`)];

describe('examples in README and docs', () => {
  for (const page of PAGES) {
    const text = read(page);
    for (const { command, output } of examplesIn(text).filter((example) => isOurs(example.command))) {
      it(`${page}: ${command}`, async () => {
        expect(await printedBy(command)).to.equal(output);
        expect(blocksOf(text), 'the command in a block of its own').to.include(command);
      });
    }
  }
});

describe('README, on a real server', () => {
  let server: ChildProcess;
  const ports = new Map<string, number>();

  before(async () => {
    const { certFile, keyFile } = await servingFiles();
    const inherited = Object.entries(process.env).filter(([name]) => !/^(KUBE|POD_)/.test(name));
    const loopback = ['admission', 'preview', 'ops'].flatMap((name) => [`--${name}-bind-address`, '127.0.0.1:0']);
    server = spawn(
      process.execPath,
      ['--import', 'tsx', 'src/main.ts', 'serve', '--log-format', 'json', '--tls-cert-file', certFile, '--tls-private-key-file', keyFile, ...loopback],
      { cwd: ROOT, env: Object.fromEntries(inherited), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let lines = '';
    for await (const chunk of server.stdout ?? []) {
      lines += String(chunk);
      const found = /"admission":"https:\/\/[^:]+:(\d+).*"preview":"https:\/\/[^:]+:(\d+)/.exec(lines);
      if (!found) continue;
      ports.set('8443', Number(found[1])).set('9443', Number(found[2]));
      break;
    }
  });
  after(() => server.kill());

  for (const { command, output } of examplesIn(read('README.md')).filter((example) => !isOurs(example.command))) {
    it(command.slice(0, 120), async () => {
      expect(await answerTo(command, ports)).to.equal(output);
    });
  }
});

/** The one form of curl that README has, and a `node -p` behind it. */
const CURL =
  /^curl -sk --data-binary @(?<file>\S+) -H '(?<header>[^:]+): (?<value>[^']+)' https:\/\/localhost:(?<port>\d+)(?<path>\S+)(?: \| node -p "(?<script>.*)")?$/;

async function answerTo(command: string, ports: ReadonlyMap<string, number>): Promise<string> {
  const { file, header, value, port, path, script } = CURL.exec(command)?.groups ?? {};
  if (file === undefined || header === undefined || port === undefined) throw new Error(`not understood: ${command}`);
  const headers = { [header]: value };
  const { text } = await call(ports.get(port) ?? 0, path ?? '', { method: 'POST', body: read(file), headers });
  if (script === undefined) return text;
  return spawnSync(process.execPath, ['-p', script], { input: text, encoding: 'utf8' }).stdout;
}

/** The commands in `sh` blocks. */
function blocksOf(markdown: string): string[] {
  return [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => (block ?? '').split('\n'));
}
