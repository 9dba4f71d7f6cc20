import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { previewCommand, runPreview, type PreviewOptions } from '../../src/cli/preview.js';

const POD =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n' +
  '  - name: web\n    image: registry.example/web\n';
const PRIVILEGED = `${POD}    securityContext: {privileged: true}\n`;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n';

describe('kube-harden preview', () => {
  let dir: string;
  const home = process.cwd();
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'preview-'));
    process.chdir(dir);
    mkdirSync('sub/inner', { recursive: true });
    mkdirSync('sub/node_modules');
    mkdirSync('empty');
    const files = {
      'pod.yaml': POD,
      'bad.yaml': 'kind: Pod\n',
      'sub/a.yaml': PRIVILEGED,
      'sub/b.json': JSON.stringify({ apiVersion: 'v1', kind: 'Service' }),
      'sub/notes.txt': 'no manifest',
      'sub/inner/c.yaml': SERVICE,
      'sub/node_modules/d.yaml': 'not looked at',
      'policy.yaml':
        'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: mine}\n' +
        'spec: {rules: {privileged: {action: Deny}}}\n',
      'broken-policy.yaml':
        'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: mine}\nspec: {rules: {privilegd: {}}}\n',
      'namespaces.yaml':
        'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata:\n    name: shop\n' +
        '    labels: {kube-harden.io/mode: audit}\n',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(name, text);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(dir, { recursive: true });
  });

  async function run(
    options: Partial<PreviewOptions> & { filename: string[] },
    stdin = '',
    colour = false,
  ): Promise<{ status: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const status = await runPreview(options, {
      stdout: (text) => void (out += text),
      stderr: (text) => (err += text),
      stdin: () => Promise.resolve(Buffer.from(stdin)),
      colour,
    });
    return { status, out, err };
  }

  it('prints a diff that patch -p1 applies, and ends with 1', async () => {
    const { status, out, err } = await run({ filename: ['sub', './pod.yaml'] });
    expect(status).to.equal(1);
    expect(out).to.include('--- a/sub/a.yaml\n+++ b/sub/a.yaml\n').and.include('--- a/pod.yaml\n');
    expect(err).to.include('violation: privileged on container "web"');
    writeFileSync('out.diff', out);
    execFileSync('patch', ['-p1', '-s', '-i', 'out.diff']);
    const again = await run({ filename: ['pod.yaml'] });
    expect(again).to.deep.equal({ status: 0, out: '', err: '' });
  });

  it('ends with 0 where there is nothing to do', async () => {
    expect((await run({ filename: ['-'] }, SERVICE)).status).to.equal(0);
  });

  it('colours a diff on a terminal only', async () => {
    expect((await run({ filename: ['pod.yaml'] })).out).to.not.include('\u001b[');
    expect((await run({ filename: ['pod.yaml'] }, '', true)).out).to.include('\u001b[32m+');
  });

  it('prints the hardened YAML of all files as one stream', async () => {
    const { out } = await run({ filename: ['pod.yaml', '-'], output: 'yaml' }, `\uFEFF${SERVICE}`);
    expect(out).to.include('runAsNonRoot: true').and.include(`\n---\n${SERVICE}`);
  });

  it('prints JSON', async () => {
    const { out, err } = await run({ filename: ['sub'], output: 'json' });
    const { results } = JSON.parse(out) as { results: { source: string }[] };
    const sources = results.map(({ source }) => source);
    expect(sources).to.deep.equal(['sub/a.yaml#0', 'sub/b.json#0', 'sub/inner/c.yaml#0']);
    expect(err).to.equal('');
  });

  it('sums up each object', async () => {
    const { out } = await run({ filename: ['sub/a.yaml'], output: 'summary', namespace: 'shop' });
    expect(out).to.match(/^sub\/a\.yaml#0 Pod shop\/web {2}\(policy default, enforce\)\n/);
    expect(out).to.match(/pod security {2}privileged → privileged\n/);
    expect(out).to.match(
      /violations +privileged: spec\.containers\[0\]\.securityContext\.privileged is true\n/,
    );
    expect(out).to.match(/skipped +.*PrivilegedContainer: the container is privileged/);
  });

  it('takes policies, namespaces, mode and labels', async () => {
    const denied = await run({
      filename: ['sub/a.yaml'],
      policyFile: 'policy.yaml',
      policy: 'mine',
      output: 'json',
    });
    expect(JSON.parse(denied.out)).to.have.nested.property('results[0].outcome', 'denied');
    const audit = await run({
      filename: ['pod.yaml'],
      namespacesFile: 'namespaces.yaml',
      namespace: 'shop',
      output: 'json',
    });
    expect(JSON.parse(audit.out)).to.have.nested.property('results[0].mode', 'audit');
    const labelled = await run({ filename: ['pod.yaml'], label: ['kube-harden.io/resources=disabled'] });
    expect(labelled.out).to.not.include('limits:');
    const older = await run({ filename: ['pod.yaml'], podSecurityVersion: 'v1.24', output: 'json' });
    expect(JSON.parse(older.out)).to.have.nested.property('results[0].podSecurity.version', 'v1.24');
    const disabled = await run({ filename: ['pod.yaml'], mode: 'disabled' });
    expect(disabled).to.include({ status: 0, out: '' });
  });

  it('prints everything that is wrong together, and nothing else, and ends with 2', async () => {
    const { status, out, err } = await run(
      { filename: ['pod.yaml', 'bad.yaml', 'missing.yaml', 'empty', '-'] },
      `${POD}    resources: {limits: {memory: 12Q}}\n`,
    );
    expect(status).to.equal(2);
    expect(out).to.equal('');
    expect(err.trimEnd().split('\n')).to.deep.equal(
      [
        'bad.yaml:1:1: apiVersion: is required',
        'missing.yaml: there is no such file or folder',
        'empty: no *.yaml, *.yml or *.json file in this folder',
        'stdin:8:26: spec.containers[0].resources.limits.memory: "12Q" is not a quantity',
      ].sort((a, b) => err.indexOf(a) - err.indexOf(b)),
    );
  });

  it('refuses what it does not know, with a suggestion', async () => {
    const wrong = await run({
      filename: ['pod.yaml'],
      policy: 'defualt',
      mode: 'enforse',
      label: ['kube-harden.io/sshd=off'],
      podSecurityVersion: '1.24',
    });
    expect(wrong.status).to.equal(2);
    expect(wrong.err).to.include('did you mean "default"?').and.include('did you mean "enforce"?');
    expect(wrong.err).to.match(/^--pod-security-version: "1\.24" is .*; did you mean "v1\.24"\?$/m);
    const policy = await run({ filename: ['pod.yaml'], policyFile: 'broken-policy.yaml' });
    expect(policy.status).to.equal(2);
    expect(policy.err).to.match(/^--policy-file: broken-policy\.yaml:4: .*did you mean "privileged"\?\n$/);
    const namespace = await run({ filename: ['pod.yaml'], namespacesFile: 'namespaces.yaml' });
    expect(namespace.status).to.equal(2);
    expect(namespace.err).to.equal(
      'pod.yaml:3:1: metadata.namespace: namespace "default" is not in the namespaces file\n',
    );
  });

  it('works through the command line’s parser', async () => {
    let out = '';
    const io = {
      stdout: (text: string) => void (out += text),
      stderr: () => undefined,
      stdin: () => Promise.resolve(Buffer.from(POD)),
      colour: false,
    };
    const before = process.exitCode;
    const words = [
      '-f',
      '-',
      '-f',
      'pod.yaml',
      '-o',
      'summary',
      '-n',
      'a',
      '--label',
      'kube-harden.io/sshd=warn',
    ];
    await previewCommand(io).parseAsync(words, { from: 'user' });
    expect(process.exitCode).to.equal(1);
    expect(out).to.include('stdin#0 Pod a/web').and.include('pod.yaml#0 Pod a/web');
    out = '';
    const older = ['-f', '-', '-o', 'json', '--pod-security-version', 'v1.24'];
    await previewCommand(io).parseAsync(older, { from: 'user' });
    process.exitCode = before;
    expect(JSON.parse(out)).to.have.nested.property('results[0].podSecurity.version', 'v1.24');
  });
});
