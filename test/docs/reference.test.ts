import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { cliDocFiles } from '../../scripts/generated/cliDocs.js';
import type { GeneratedFile } from '../../scripts/generated/generatedFile.js';
import { labelDocFiles } from '../../scripts/generated/labelDocs.js';
import { metricDocFiles } from '../../scripts/generated/metricDocs.js';
import { policyDocFiles } from '../../scripts/generated/policyDocs.js';
import { createProgram } from '../../src/cli/program.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { loadPolicies } from '../../src/policy/load.js';
import { Metrics } from '../../src/telemetry/metrics.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** One page as it comes out now. */
async function fresh([file]: readonly GeneratedFile[]): Promise<string> {
  return (await file?.content()) ?? '';
}

describe('docs/reference', () => {
  for (const files of [cliDocFiles, labelDocFiles, metricDocFiles, policyDocFiles]) {
    for (const { path, content } of files) {
      it(`${path} is what the source says now`, async () => {
        expect(read(path)).to.equal(await content());
      });
    }
  }

  it('cli.md has a section for every command', async () => {
    const page = await fresh(cliDocFiles);
    const names = (await createProgram('kube-harden', [])).commands.map((command) => command.name());
    expect(names).to.include.members(['serve', 'preview', 'policy']);
    for (const name of names) expect(page).to.include(`\n## kube-harden ${name}\n`);
    for (const name of ['check', 'show', 'test']) expect(page).to.include(`\n## kube-harden policy ${name}\n`);
  });

  it('cli.md has every flag, with its default, choices and variable', async () => {
    const page = await fresh(cliDocFiles);
    expect(page).to.include('| `--ops-bind-address <address>` | `:8080` |').and.include('| `KUBE_HARDEN_LOG_LEVEL` |');
    expect(page).to.include('`--fail-on <findings>` | `change` | what ends with status 1; one of `change`, `risk`, `violation` |');
    expect(page).to.include('; without a value `true` | `KUBE_HARDEN_PREVIEW_INSECURE` |');
  });

  it('labels.md names every label and annotation of ours that the source has', async () => {
    const page = await fresh(labelDocFiles);
    const source = readdirSync(new URL('src', ROOT), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.generated.ts'))
      .map((file) => read(`src/${file}`))
      .join('\n');
    // Not the API group, whose resources are written with a version or a path.
    const named = [...source.matchAll(/(?<![/\w])kube-harden\.io\/([a-z][\w-]*)/g)].map(([, name]) => name);
    const others = new Set(named.filter((name) => !/^v1alpha1$|^kube-harden$|^schemas$/.test(name ?? '')));
    expect([...others]).to.include.members(['uid-range', 'changed', 'old-ca-until']);
    for (const name of [...others, ...RULE_IDS]) expect(page).to.include(`kube-harden.io/${name ?? ''}`);
  });

  it('metrics.md has every metric once', async () => {
    const page = await fresh(metricDocFiles);
    const { families, histograms } = new Metrics({ version: '0' });
    const rows = [...page.matchAll(/^\| `(kube_harden_\w+)` \|/gm)].map(([, name]) => name);
    expect(rows.sort()).to.deep.equal([...families, ...histograms].map(({ name }) => name).sort());
  });

  it('policy.md has every field of the policies that are built in', async () => {
    const page = await fresh(policyDocFiles);
    for (const name of ['baseline', 'default', 'restricted']) {
      const [policy] = loadPolicies(read(`src/policy/builtin/${name}.yaml`));
      for (const [id, { settings }] of Object.entries(policy?.rules ?? {})) {
        const section = page.split(`\n### ${id}\n`)[1]?.split('\n##')[0] ?? '';
        for (const field of ['action', 'optOut', ...Object.keys(settings)])
          expect(section, `${id}.${field}`).to.include(`| \`${field}\` |`);
      }
    }
  });
});
