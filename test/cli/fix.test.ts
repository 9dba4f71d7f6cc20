import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { fixCommand, runFix, type FixOptions } from '../../src/cli/fix.js';
import { runPreview } from '../../src/cli/preview.js';

const POD =
  '# ours\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n' +
  "  - name: web # the one\n    image: 'registry.example/web'\n";
const PRIVILEGED = `${POD}    securityContext: {privileged: true}\n`;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n';
const TEMPLATE = `{{- if .Values.web }}\n${POD}    env: []\n{{- end }}\n`;
const HALF_YAML = 'apiVersion: v1\nkind: Pod\n  metadata: x\n';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

describe('kube-harden fix', () => {
  let dir: string;
  const home = process.cwd();
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fix-'));
    chmodSync(dir, 0o755);
    process.chdir(dir);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(dir, { recursive: true });
  });

  function put(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(name), { recursive: true });
      writeFileSync(name, text);
    }
  }

  const text = (name: string): string => readFileSync(name, 'utf8');

  async function fix(
    options: Partial<FixOptions> & { filename: string[] },
    stdin = '',
  ): Promise<{ status: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const status = await runFix(options, {
      stdout: (part) => void (out += part),
      stderr: (part) => (err += part),
      stdin: () => Promise.resolve(Buffer.from(stdin)),
      colour: false,
    });
    return { status, out, err };
  }

  async function previewed(filename: string[], output: 'diff' | 'yaml'): Promise<string> {
    let out = '';
    const io = {
      stdout: (part: string) => void (out += part),
      stderr: () => undefined,
      stdin: () => Promise.reject(new Error('no standard input')),
      colour: false,
    };
    await runPreview({ filename, output }, io);
    return out;
  }

  describe('without --write', () => {
    it('prints the diff of preview and writes nothing', async () => {
      put({ 'pod.yaml': POD, 'sub/service.yaml': SERVICE });
      const { status, out, err } = await fix({ filename: ['.'] });
      expect({ status, err }).to.deep.equal({ status: 1, err: '' });
      expect(out).to.equal(await previewed(['.'], 'diff'));
      expect(out.split('\n').filter((line) => /^-(?!--)/.test(line))).to.deep.equal([]);
      expect(text('pod.yaml')).to.equal(POD);
    });

    it('ends with 0 where there is nothing to do', async () => {
      put({ 'service.yaml': SERVICE });
      expect(await fix({ filename: ['service.yaml'] })).to.deep.equal({ status: 0, out: '', err: '' });
    });

    it('prints of standard input the fixed text, also where nothing changes', async () => {
      put({ 'pod.yaml': POD });
      const fixed = await fix({ filename: ['-'] }, POD);
      expect(fixed).to.deep.equal({ status: 1, out: await previewed(['pod.yaml'], 'yaml'), err: '' });
      expect(await fix({ filename: ['-'], write: true }, fixed.out)).to.deep.equal({
        status: 0,
        out: fixed.out,
        err: '',
      });
    });

    it('tells what it cannot mend, and that there is something to do', async () => {
      const fixed = (await fix({ filename: ['-'] }, PRIVILEGED)).out;
      const { status, err } = await fix({ filename: ['-'] }, fixed);
      expect(status).to.equal(1);
      expect(err).to.match(/^stdin#0 Pod default\/web:\n {2}violation: privileged on container "web": /);
      expect(err).to.not.include('the webhook');
    });
  });

  describe('with --write', () => {
    it('writes what preview -o yaml prints, says so in a line, and does nothing the second time', async () => {
      put({ 'pod.yaml': POD });
      const expected = await previewed(['pod.yaml'], 'yaml');
      const { status, out, err } = await fix({ filename: ['pod.yaml'], write: true });
      expect({ status, err }).to.deep.equal({ status: 1, err: '' });
      expect(out).to.match(/^pod\.yaml: 15 fields written \(runAsNonRoot, .*resources\)\n$/);
      expect(text('pod.yaml'))
        .to.equal(expected)
        .and.match(/^# ours\n/)
        .and.include('- name: web # the one\n');
      expect(await fix({ filename: ['pod.yaml'], write: true })).to.deep.equal({
        status: 0,
        out: '',
        err: '',
      });
      expect(readdirSync('.')).to.deep.equal(['pod.yaml']);
    });

    it('takes the policy, the namespace and its labels', async () => {
      put({ 'pod.yaml': PRIVILEGED, 'namespaces.yaml': 'apiVersion: v1\nkind: List\nitems: []\n' });
      const label = ['kube-harden.io/resources=disabled'];
      await fix({ filename: ['pod.yaml'], write: true, policy: 'restricted', label });
      expect(text('pod.yaml')).to.include('privileged: false').and.not.include('limits:');
      const other = await fix({ filename: ['pod.yaml'], namespacesFile: 'namespaces.yaml' });
      expect(other.err).to.equal(
        'pod.yaml:4:1: metadata.namespace: namespace "default" is not in the namespaces file\n',
      );
    });

    it('keeps the line ends of Windows and the indent of JSON', async () => {
      const pod = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'a', image: 'b' }] } };
      put({ 'pod.yaml': POD.replaceAll('\n', '\r\n'), 'pod.json': JSON.stringify(pod, null, '\t') });
      await fix({ filename: ['.'], write: true });
      expect(text('pod.yaml'))
        .to.match(/runAsNonRoot: true\r\n/)
        .and.not.match(/(?<!\r)\n/);
      expect(text('pod.json'))
        .to.match(/^\{\n\t"apiVersion"/)
        .and.match(/\n\t\t"securityContext": \{\n\t\t\t"/);
      expect(text('pod.json').endsWith('}')).to.equal(true);
    });

    it('keeps the mode, and the owner where it may', async () => {
      put({ 'pod.yaml': POD });
      if (isRoot) chownSync('pod.yaml', NOBODY, NOBODY);
      chmodSync('pod.yaml', 0o640);
      const before = statSync('pod.yaml');
      expect((await fix({ filename: ['pod.yaml'], write: true })).status).to.equal(1);
      const after = statSync('pod.yaml');
      expect([after.mode, after.uid, after.gid]).to.deep.equal([before.mode, before.uid, before.gid]);
      expect(after.ino, 'another file has taken its place').to.not.equal(before.ino);
    });

    it('writes the file that a link leads to, once, and leaves the link', async () => {
      put({ 'real/pod.yaml': POD });
      symlinkSync('real/pod.yaml', 'link.yaml');
      const { out } = await fix({ filename: ['.', 'real/pod.yaml'], write: true });
      expect(out).to.match(/^link\.yaml: .*\n$/);
      expect(lstatSync('link.yaml').isSymbolicLink()).to.equal(true);
      expect(text('real/pod.yaml')).to.include('runAsNonRoot: true');
      expect(readdirSync('real')).to.deep.equal(['pod.yaml']);
    });

    it('looks into folders in folders, not into .git and node_modules, and not in circles', async () => {
      put({
        'a/b/pod.yml': POD,
        'a/pod.json': '{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"b"}]}}',
        'a/notes.txt': 'no manifest',
        'elsewhere/c.yaml': SERVICE,
        '.git/d.yaml': 'no manifest',
        'node_modules/e.yaml': 'no manifest',
      });
      symlinkSync('..', 'a/b/up');
      symlinkSync('../elsewhere', 'a/link');
      symlinkSync('nowhere', 'a/dangling');
      symlinkSync('itself', 'a/itself');
      const { status, out, err } = await fix({ filename: ['a', '.'], write: true });
      expect({ status, err }).to.deep.equal({ status: 1, err: '' });
      expect(out.replaceAll(/:.*/g, '')).to.equal('a/b/pod.yml\na/pod.json\n');
    });
  });

  describe('Helm templates', () => {
    it('are left alone with a message, and the others are fixed', async () => {
      put({ 'templates/web.yaml': TEMPLATE, 'pod.yaml': POD });
      const { status, out, err } = await fix({ filename: ['.'], write: true });
      expect(status).to.equal(1);
      expect(out).to.match(/^pod\.yaml: .*\n$/);
      expect(err).to.equal(
        'templates/web.yaml: a Helm template, left alone; render it first: helm template CHART | kube-harden fix -f -\n',
      );
      expect(text('templates/web.yaml')).to.equal(TEMPLATE);
    });

    it('end with 2 where there is nothing else', async () => {
      expect(await fix({ filename: ['-'] }, TEMPLATE)).to.include({ status: 2, out: '' });
    });

    for (const [what, action] of [
      ['a value', '  nodeName: {{ .Values.node }}\n'],
      ['an inclusion', '{{ include "web.labels" . | nindent 4 }}\n'],
      ['quotes in quotes', '  nodeName: "{{ template "web.node" . }}"\n'],
    ] as const) {
      it(`are known by ${what}`, async () => {
        expect((await fix({ filename: ['-'] }, POD + action)).err).to.include('a Helm template, left alone');
      });
    }

    it('are not what has {{ in strings: that is ordinary YAML', async () => {
      const pod = `${POD}    args: ["{{ .Values.a }}", '{{b}}', "x"] # {{ c }}\n    command:\n    - "{{"\n    - e-{{ .f }}\n`;
      const { status, out } = await fix({ filename: ['-'] }, pod);
      expect(status).to.equal(1);
      for (const line of pod.trimEnd().split('\n')) expect(out).to.include(`${line}\n`);
      const broken = await fix({ filename: ['-'] }, `${pod}  \tx: 1\n`);
      expect(broken).to.include({ status: 2, out: '' });
      expect(broken.err)
        .to.match(/^stdin:\d+:\d+: /)
        .and.not.include('Helm');
    });
  });

  describe('bad input', () => {
    it('is named line by line, and what can be fixed is', async () => {
      put({
        'pod.yaml': POD,
        'half.yaml': HALF_YAML,
        'values.yaml': 'replicas: 1\n',
        'last.yaml': POD,
      });
      mkdirSync('empty');
      symlinkSync('nowhere', 'gone.yaml');
      const { status, out, err } = await fix({
        filename: ['missing.yaml', 'empty', '.'],
        write: true,
      });
      expect(status).to.equal(2);
      expect(out.replaceAll(/:.*/g, '')).to.equal('last.yaml\npod.yaml\n');
      expect(err.trimEnd().split('\n')).to.deep.equal([
        'missing.yaml: there is no such file or folder',
        'empty: no *.yaml, *.yml or *.json file in this folder',
        'gone.yaml: there is no such file or folder',
        'half.yaml:2:7: Nested mappings are not allowed in compact mappings',
        'values.yaml:1:1: apiVersion: is required',
        'values.yaml:1:1: kind: is required',
      ]);
    });

    it('among the flags leaves all files alone', async () => {
      put({ 'pod.yaml': POD });
      const { status, out, err } = await fix({ filename: ['pod.yaml'], write: true, policy: 'defualt' });
      expect({ status, out }).to.deep.equal({ status: 2, out: '' });
      expect(err).to.match(/^--policy: .*did you mean "default"\?\n$/);
      expect(text('pod.yaml')).to.equal(POD);
      const both = await fix({ filename: ['-', 'pod.yaml'] }, POD);
      expect(both).to.deep.equal({
        status: 2,
        out: '',
        err: '-f -: standard input stands alone, since its fixed text is what is printed\n',
      });
    });

    it('a text that cannot be edited in place is left alone', async () => {
      const pod =
        `${POD}    securityContext: &caps {capabilities: {add: [SYS_ADMIN], drop: [ALL]}}\n` +
        '  - name: second\n    image: b\n    securityContext:\n      capabilities:\n' +
        '        <<: {add: [SYS_ADMIN]}\n';
      put({ 'pod.yaml': pod });
      const { status, err } = await fix({ filename: ['pod.yaml'], write: true, policy: 'restricted' });
      expect(status).to.equal(2);
      expect(err).to.equal(
        'pod.yaml#0: its text cannot be edited in place, and was left alone; preview -o yaml prints it written anew\n',
      );
      expect(text('pod.yaml')).to.equal(pod);
    });

    it('a file that is read-only is not written', async () => {
      put({ 'pod.yaml': POD });
      chmodSync('pod.yaml', 0o444);
      expect(await fix({ filename: ['pod.yaml'], write: true })).to.deep.equal({
        status: 2,
        out: '',
        err: 'pod.yaml: not written: it is read-only\n',
      });
      expect(text('pod.yaml')).to.equal(POD);
    });

    it('what is no regular file is not written', async () => {
      execFileSync('mkfifo', ['pipe.yaml']);
      put({ 'pod.yaml': POD });
      execFileSync('sh', ['-c', 'cat pod.yaml > pipe.yaml &'], { stdio: 'ignore' });
      const { err } = await fix({ filename: ['pipe.yaml'], write: true });
      expect(err).to.equal('pipe.yaml: not written: it is no regular file\n');
    });

    it('in a folder that is read-only nothing is written, and nothing left behind', async () => {
      put({ 'sub/pod.yaml': POD });
      await fix({ filename: ['sub'] });
      chmodSync('sub/pod.yaml', 0o666);
      chmodSync('sub', 0o555);
      // Root may write everywhere.
      if (isRoot) process.seteuid?.(NOBODY);
      try {
        expect(await fix({ filename: ['sub'], write: true })).to.deep.equal({
          status: 2,
          out: '',
          err: 'sub/pod.yaml: not written: permission denied\n',
        });
      } finally {
        if (isRoot) process.seteuid?.(0);
        chmodSync('sub', 0o755);
      }
      expect(readdirSync('sub')).to.deep.equal(['pod.yaml']);
      expect(text('sub/pod.yaml')).to.equal(POD);
    });

    it('on a full disk the file stays as it was, and nothing is left behind', async function () {
      mkdirSync('small');
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', 'small']).status === 0;
      if (!mounted) return this.skip();
      try {
        put({ 'small/pod.yaml': POD });
        expect(await fix({ filename: ['small'], write: true })).to.deep.equal({
          status: 2,
          out: '',
          err: 'small/pod.yaml: not written: no space is left on the disk\n',
        });
        expect(readdirSync('small')).to.deep.equal(['pod.yaml']);
        expect(text('small/pod.yaml')).to.equal(POD);
      } finally {
        execFileSync('umount', ['small']);
      }
    });
  });

  describe('as a process', () => {
    /** `kube-harden` on the sources, for a shell. */
    const shell = `kube-harden() { node --import '${import.meta.resolve('tsx')}' '${ROOT}/src/main.ts' "$@"; }\n`;
    const sh = (script: string): { status: number | null; stdout: string; stderr: string } =>
      spawnSync('bash', ['-c', shell + script], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

    it('tells when standard output is full', () => {
      put({ 'pod.yaml': POD });
      const { status, stderr } = sh('kube-harden fix -f - < pod.yaml > /dev/full');
      expect({ status, stderr }).to.deep.equal({
        status: 2,
        stderr: 'standard output: no space is left on the disk\n',
      });
    }).timeout(60_000);

    it('refuses a flag that does not exist', () => {
      const { status, stdout, stderr } = sh('kube-harden fix -f pod.yaml --wriet');
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
      expect(stderr).to.equal("error: unknown option '--wriet'\n(Did you mean --write?)\n");
    }).timeout(60_000);

    it('the example of --help works as it is printed', () => {
      let help = '';
      fixCommand()
        .configureOutput({ writeOut: (part) => (help += part) })
        .outputHelp();
      const [, example = ''] = help.split('Example:');
      const script = example.replace(/^.*\n/, '').replaceAll(/^ {2}\$ /gm, '');
      const { stdout, stderr } = sh(script);
      expect(stderr).to.equal('');
      expect(stdout)
        .to.match(/^--- a\/pod\.yaml\n/)
        .and.match(/\npod\.yaml: \d+ fields written \(/);
      expect(stdout).to.include(`\n${text('pod.yaml')}`);
    }).timeout(60_000);
  });
});
