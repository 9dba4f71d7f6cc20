import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { temporaryFolder } from '../system/support/certificates.js';
import { runIn, type Ran } from './support/programs.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const POD =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - {name: web, image: registry.example/web}\n';

/** What the package is made of; whatever else is in it is a mistake. */
const BELONGS = [
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^dist\/(?:[\w-]+\/)*[\w.-]+\.js$/,
  /^dist\/web\/(?:[\w-]+\/)*[\w.-]+\.(?:js|css|html|svg)$/,
  // Of what is bundled into the page.
  /^dist\/web\/LICENSES\.txt$/,
  /^docs\/(?:[\w-]+\/)*[\w.-]+\.(?:md|yaml|json|png|txt)$/,
  /^manifests\/(?!krew\/)(?:[\w-]+\/)*[\w.-]+$/,
];

describe('the npm package', () => {
  let folder = '';
  let files: string[] = [];
  let tarball = '';

  before(() => {
    folder = temporaryFolder();
    // dist/ is there: building is another's matter here.
    const packed = runIn(
      ROOT,
      [],
      ['npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    );
    expect(packed.code, packed.stderr).to.equal(0);
    const [{ filename, files: found }] = JSON.parse(packed.stdout) as [
      { filename: string; files: { path: string }[] },
    ];
    tarball = join(folder, filename);
    files = found.map(({ path }) => path);
    writeFileSync(join(folder, 'pod.yaml'), POD);
  });

  it('holds nothing that does not belong there', () => {
    expect(files.filter((file) => !BELONGS.some((pattern) => pattern.test(file)))).to.deep.equal([]);
  });

  it('holds what package.json and README name', () => {
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
    };
    expect(files).to.include.members(Object.values(bin));
    const links = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)];
    const missing = links
      .map(([, path = '']) => path)
      // Where the development certificates go; npm packs no other file of that folder.
      .filter((path) => path !== 'certs/README.md')
      .filter((path) => !files.some((file) => file === path || file.startsWith(path.replace(/\/?$/, '/'))));
    expect(missing).to.deep.equal([]);
  });

  describe('installed with npm install -g', () => {
    let prefix = '';
    let bin = '';
    const run = (...command: string[]): Ran => runIn(folder, [bin], command);

    before(function () {
      prefix = join(folder, 'prefix');
      bin = join(prefix, 'bin');
      const start = Date.now();
      const quiet = ['--no-audit', '--no-fund'];
      const installed = runIn(folder, [], ['npm', 'install', '-g', '--prefix', prefix, ...quiet, tarball]);
      expect(installed.code, installed.stderr).to.equal(0);
      console.log(`    installed in ${Math.round((Date.now() - start) / 1000)} s`);
    });

    it('npm finds no problem with it', () => {
      const { code, stdout } = run('npm', 'ls', '-g', '--prefix', prefix, '--all', '--json');
      const { problems } = JSON.parse(stdout) as { problems?: string[] };
      expect({ code, problems }).to.deep.equal({ code: 0, problems: undefined });
    });

    it('kube-harden runs', () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
      expect(run('kube-harden', '--version')).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' });
      const ids = run('kube-harden', 'rules')
        .stdout.trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.split(' ')[0]);
      expect(ids).to.deep.equal([...RULE_IDS]);
      expect(run('kube-harden', 'policy', 'show', 'restricted').stdout).to.include('kind: HardeningPolicy');
    });

    it('kubectl-harden calls itself by the name that its user types', () => {
      expect(run('kubectl-harden', '--help').stdout).to.match(/^Usage: kubectl harden /);
      expect(run('kubectl', 'harden', 'rules', '--help').stdout).to.match(/^Usage: kubectl harden rules /);
    });

    it('kubectl finds the plugin, and says nothing against it', () => {
      const { stdout, stderr } = run('kubectl', 'plugin', 'list');
      expect(stdout).to.include(join(bin, 'kubectl-harden'));
      expect(stderr).to.not.match(/harden/);
    });

    it('kubectl harden preview: flags after the name arrive, and so does the exit code', () => {
      const { code, stdout } = run(
        'kubectl',
        'harden',
        'preview',
        '-f',
        'pod.yaml',
        '-n',
        'shop',
        '-o',
        'json',
      );
      expect(code).to.equal(1);
      expect(JSON.parse(stdout)).to.have.nested.property('results[0].namespace', 'shop');
      expect(run('kubectl', 'harden', 'preview', '-f', 'missing.yaml')).to.deep.equal({
        code: 2,
        stdout: '',
        stderr: 'missing.yaml: there is no such file or folder\n',
      });
    });

    it('kubectl completes what follows the name', () => {
      const { stdout } = run('kubectl', '__complete', 'harden', 'policy', 'show', 're');
      expect(stdout).to.equal('restricted\n:4\n');
    });
  });
});
