import { expect } from 'chai';
import { readFileSync, readdirSync, realpathSync, symlinkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { nodeProblem, OLDEST_NODE } from '../../src/nodeVersion.js';
import { writeKrewRelease, type KrewRelease } from '../../scripts/krew/release.js';
import { temporaryFolder } from '../system/support/certificates.js';
import { krewPrograms } from './support/krew.js';
import { runIn, type Ran } from './support/programs.js';

const REPOSITORY = 'https://github.com/example/kube-harden';

describe('the Krew plugin', () => {
  let folder = '';
  let release: KrewRelease;
  let programs = '';

  before(async function () {
    this.timeout(300_000);
    folder = temporaryFolder();
    release = await writeKrewRelease(join(folder, 'release'), REPOSITORY);
    programs = krewPrograms();
  });

  function install(root: string, env: Readonly<Record<string, string>> = {}): Ran {
    const files = ['--manifest', release.manifest, '--archive', release.archive];
    return runIn(folder, [programs], ['krew', 'install', ...files], {
      KREW_ROOT: root,
      KREW_NO_UPGRADE_CHECK: '1',
      ...env,
    });
  }

  it("Krew's index would take the manifest", () => {
    const args = ['-skip-install', '-manifest', release.manifest];
    const { code, stderr } = runIn(folder, [programs], ['validate-krew-manifest', ...args]);
    expect(code, stderr).to.equal(0);
    // A line that is too long is a warning.
    expect(stderr.split('\n').filter((line) => /^[WEF]\d/.test(line))).to.deep.equal([]);
    expect(parse(readFileSync(release.manifest, 'utf8'))).to.have.nested.property(
      'spec.platforms[0].uri',
      `${REPOSITORY}/releases/download/v0.1.0/kubectl-harden.tar.gz`,
    );
  });

  it('the same sources give the same archive', async () => {
    const again = await writeKrewRelease(join(folder, 'again'), REPOSITORY);
    expect(readFileSync(again.archive).equals(readFileSync(release.archive))).to.equal(true);
    expect(readFileSync(again.manifest, 'utf8')).to.equal(readFileSync(release.manifest, 'utf8'));
  });

  it('Krew refuses another archive', () => {
    const other = join(folder, 'other.tar.gz');
    writeFileSync(other, 'other');
    const args = ['install', '--manifest', release.manifest, '--archive', other];
    const { code, stderr } = runIn(folder, [programs], ['krew', ...args], {
      KREW_ROOT: join(folder, 'refused'),
    });
    expect(code).to.not.equal(0);
    expect(stderr).to.include('checksum does not match');
  });

  it('Krew has it for macOS, and not for Windows', () => {
    expect(install(join(folder, 'darwin'), { KREW_OS: 'darwin', KREW_ARCH: 'arm64' }).code).to.equal(0);
    const { code, stderr } = install(join(folder, 'windows'), { KREW_OS: 'windows', KREW_ARCH: 'amd64' });
    expect(code).to.not.equal(0);
    expect(stderr).to.include('does not offer installation for this platform');
  });

  describe('installed by Krew', () => {
    let root = '';
    let bin = '';
    const run = (...command: string[]): Ran => runIn(folder, [bin], command);

    before(() => {
      root = join(folder, 'krew');
      bin = join(root, 'bin');
      const { code, stderr } = install(root);
      expect(code, stderr).to.equal(0);
      expect(stderr).to.include(`needs Node.js ${OLDEST_NODE} or newer`);
      writeFileSync(
        join(folder, 'pod.yaml'),
        'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: web, image: web}]\n',
      );
    });

    it('holds the licences, its own and of what is bundled', () => {
      const store = realpathSync(join(bin, 'kubectl-harden')).replace(/\/[^/]*$/, '');
      expect(readdirSync(store).sort()).to.deep.equal([
        'LICENSE',
        'THIRD-PARTY-LICENSES.txt',
        'dist',
        'docs',
        'kubectl-harden',
        'package.json',
      ]);
      const licenses = readFileSync(join(store, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
      for (const name of ['commander', 'yaml', 'zod', '@kubernetes/client-node'])
        expect(licenses).to.match(new RegExp(`^${name} \\d`, 'm'));
    });

    it('kubectl harden runs, in a clean folder', () => {
      expect(run('kubectl', 'harden', '--version').stdout).to.match(/^\d+\.\d+\.\d+\n$/);
      expect(run('kubectl', 'harden', '--help').stdout).to.match(/^Usage: kubectl harden /);
      const { code, stdout } = run('kubectl', 'harden', 'preview', '-f', 'pod.yaml', '-o', 'sarif');
      expect(code).to.equal(1);
      expect(stdout).to.include('"readOnlyRootFilesystem"');
      expect(run('kubectl', 'harden', 'certs', '--dir', 'made').code).to.equal(0);
      expect(run('kubectl', 'harden', 'network-policy', '--kubeconfig', 'missing').code).to.equal(2);
    });

    it('the script of the caveats makes kubectl complete it', () => {
      const caveats = (parse(readFileSync(release.manifest, 'utf8')) as { spec: { caveats: string } }).spec
        .caveats;
      const script = caveats.slice(caveats.indexOf('#!')).replaceAll(/^ +/gm, '');
      writeFileSync(join(bin, 'kubectl_complete-harden'), script, { mode: 0o755 });
      expect(run('kubectl', '__complete', 'harden', 'rules', '-o', '').stdout).to.equal('table\njson\n:4\n');
    });

    it('without Node.js it says so in one line', () => {
      const tools = join(folder, 'tools');
      mkdirSync(tools);
      for (const tool of ['sh', 'readlink', 'dirname'])
        symlinkSync(realpathSync(`/bin/${tool}`), join(tools, tool));
      const { code, stderr } = runIn(
        folder,
        [],
        ['env', `PATH=${tools}`, join(bin, 'kubectl-harden'), '--version'],
      );
      expect({ code, stderr }).to.deep.equal({
        code: 2,
        stderr: `error: kubectl harden needs Node.js ${OLDEST_NODE} or newer in PATH (https://nodejs.org)\n`,
      });
    });
  });

  it('an older Node.js is told which one is needed', () => {
    for (const old of ['14.21.3', '18.20.4', '20.18.3'])
      expect(nodeProblem(old)).to.match(/needs Node\.js 20\.19 .* this is \d/);
    for (const fine of ['20.19.0', '22.1.0', '24.0.0']) expect(nodeProblem(fine)).to.equal(undefined);
  });

  it("package.json's engines say the same", () => {
    const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      engines: object;
    };
    expect(engines).to.deep.equal({ node: `>=${OLDEST_NODE}` });
  });
});
