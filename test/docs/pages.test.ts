import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { createProgram } from '../../src/cli/program.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { loadPolicies } from '../../src/policy/load.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { imageNodeFlags } from '../support/imageEntrypoint.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'certs/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

describe('documents', () => {
  for (const page of PAGES) {
    it(`${page}: every relative link leads somewhere`, () => {
      const broken = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].filter(
        ([, path = '', anchor]) => {
          const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
          if (!existsSync(join(ROOT, target))) return true;
          return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
        },
      );
      expect(broken.map(([link]) => link)).to.deep.equal([]);
    });
  }

  it('name no flag that does not exist', async () => {
    const known = await everyFlag();
    for (const page of PAGES) {
      // Those of curl, kubectl, openssl, npm, iptables and node stand in their own command lines.
      const own = read(page).replaceAll(/^.*\b(?:curl|kubectl|openssl|npx|ip6?tables|scripts\/generate\.ts)\b.*$/gm, '');
      const flags = [...own.matchAll(/(?<![\w-])--[a-z][a-z-]+\b/g)].map(([flag]) => flag);
      expect(flags.filter((flag) => !known.has(flag) && !isNodes(flag)), page).to.deep.equal([]);
    }
  });

  it('docs/operations.md names every flag of serve, with its default', async () => {
    const page = read('docs/operations.md');
    const serve = (await createProgram('kube-harden', ['serve'])).commands.find((command) => command.name() === 'serve');
    for (const { long } of serve?.options ?? []) expect(page).to.include(`\`${long ?? ''}\``);
  });

  it('docs/operations.md names every metric, and no other', () => {
    const { families, histograms } = new Metrics({ version: '0' });
    const names = [...families, ...histograms].map(({ name }) => name).sort();
    const [, table = ''] = read('docs/operations.md').split('<!-- metrics -->\n');
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(named.sort()).to.deep.equal(names);
  });

  it('every HardeningPolicy in docs/policies.md loads', () => {
    const blocks = [...read('docs/policies.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
    expect(blocks).to.have.lengthOf.at.least(3);
    for (const block of blocks) expect(loadPolicies(block)).to.have.lengthOf(1);
  });

  it('docs/adr names every dependency once', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const [, table = ''] = read('docs/adr/0008-dependencies.md').split('<!-- dependencies -->\n');
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(named.sort()).to.deep.equal(Object.keys({ ...dependencies, ...devDependencies }).sort());
  });

  it('docs/architecture.md says of imports what the linter holds', () => {
    const list = /const MAY_IMPORT = (\{[\s\S]*?\n\});/.exec(read('eslint.config.js'))?.[1] ?? '';
    const allowed = [...list.matchAll(/(\w+): \[([^\]]*)\]/g)].map(([, folder = '', names = '']) => [
      folder,
      [...names.matchAll(/\w+/g)].map(([name]) => name),
    ]);
    const [, table = ''] = read('docs/architecture.md').split('<!-- imports -->\n');
    const rows = [...table.matchAll(/^\| `(\w+)` \|[^|]*\|([^|]*)\|$/gm)].map(([, folder = '', names = '']) => [
      folder,
      names.includes('all of them') ? allowed.find(([name]) => name === folder)?.[1] : [...names.matchAll(/\w+/g)].map(([name]) => name),
    ]);
    expect(Object.fromEntries(rows)).to.deep.equal(Object.fromEntries(allowed));
  });

  for (const { id } of RULES) {
    it(`docs/rules/${id}.md has its parts, written by hand`, () => {
      const page = read(`docs/rules/${id}.md`);
      for (const part of ['Why', 'When it leaves something alone', 'Example', 'Sources'])
        expect(page).to.match(new RegExp(`\\n## ${part}\\n\\n(?!To be written)\\S`));
    });
  }

  it('docs/rules holds no page of a rule that is gone', () => {
    const pages = readdirSync(join(ROOT, 'docs/rules')).filter((file) => file.endsWith('.md') && file !== 'README.md');
    expect(pages.sort()).to.deep.equal(RULES.map(({ id }) => `${id}.md`).sort());
  });
});

/** Whether it is a flag of Node.js: `--permission` is one from 22.13 on, and what the image is started with is tried by all tests. */
function isNodes(flag: string): boolean {
  return flag === '--permission' || process.allowedNodeEnvironmentFlags.has(flag) || imageNodeFlags().includes(flag);
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

async function everyFlag(): Promise<ReadonlySet<string>> {
  const flags = new Set(['--help', '--version']);
  const collect = (command: Command): void => {
    for (const { long } of command.options) if (long) flags.add(long);
    command.commands.forEach(collect);
  };
  const names = (await createProgram('kube-harden', [])).commands.map((command) => command.name());
  for (const name of names) collect(await createProgram('kube-harden', [name]));
  return flags;
}
