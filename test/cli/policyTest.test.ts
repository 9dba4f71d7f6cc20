import { expect } from 'chai';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../../src/cli/commandError.js';
import { policyCommand } from '../../src/cli/policy.js';
import { policyTestCommand, runPolicyTests, type PolicyTestOptions } from '../../src/cli/policyTest.js';
import { runPreview } from '../../src/cli/preview.js';
import { runHelpExample } from '../support/helpExample.js';

const POD =
  '# ours\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n' +
  "    - name: web # the one\n      image: 'registry.example/web'\n";
const policy = (name: string, spec: string): string =>
  `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const namespace = (labels: string, name = 'shop'): string =>
  `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}, labels: ${labels}}\n`;
const ENFORCE_SHOP = '{kube-harden.io/mode: enforce, kube-harden.io/policy: shop}';
const NOTHING = '{rules: {}}';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('kube-harden policy test', () => {
  let dir: string;
  const home = process.cwd();
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'policy-test-'));
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

  async function test(
    folder = 't',
    options: PolicyTestOptions = {},
  ): Promise<{ status: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const output = {
      stdout: (part: string) => void (out += part),
      stderr: (part: string) => void (err += part),
    };
    const status = await runPolicyTests(folder, options, output);
    return { status, out, err };
  }

  async function previewed(file: string, flags: object = {}): Promise<string> {
    let out = '';
    const io = {
      stdout: (part: string) => void (out += part),
      stderr: () => undefined,
      stdin: () => Promise.reject(new Error('no standard input')),
      colour: false,
    };
    await runPreview({ filename: [file], output: 'yaml', ...flags }, io);
    return out;
  }

  describe('what is expected', () => {
    it('--update writes expected.yaml where a test has none: what preview -o yaml gives', async () => {
      put({ 't/input.yaml': POD });
      expect(await test('t', { update: true })).to.deep.equal({
        status: 0,
        out: 'updated  t  (policy default, enforce)\n  t/expected.yaml written\n1 test: 1 updated\n',
        err: '',
      });
      expect(text('t/expected.yaml'))
        .to.equal(await previewed('t/input.yaml'))
        .and.to.include('# the one');
      expect(readdirSync('t').sort()).to.deep.equal(['expected.yaml', 'input.yaml']);
      expect(await test()).to.deep.equal({
        status: 0,
        out: 'ok       t  (policy default, enforce)\n1 test: 1 ok\n',
        err: '',
      });
    });
    it('fails a test without an expected file, and says what to do', async () => {
      put({ 't/input.yaml': POD });
      const { status, out } = await test();
      expect(status).to.equal(1);
      expect(out).to.include(
        'no expected.yaml and no expected-warnings.txt: write one, or let --update write',
      );
      expect(existsSync('t/expected.yaml')).to.equal(false);
    });
    it('shows what differs, from the expected to the actual, and leaves the file', async () => {
      put({ 't/input.yaml': POD });
      await test('t', { update: true });
      const wrong = text('t/expected.yaml').replace('128Mi', '1Gi');
      put({ 't/expected.yaml': wrong });
      const { status, out } = await test();
      expect(status).to.equal(1);
      expect(out).to.match(/^FAILED {3}t {2}\(policy default, enforce\)\n {2}t\/expected.yaml differs:\n/);
      expect(out).to.include('--- a/t/expected.yaml\n+++ b/t/expected.yaml\n@@ ');
      expect(out.match(/^[-+] .*$/gm)).to.deep.equal(['-          memory: 1Gi', '+          memory: 128Mi']);
      expect(text('t/expected.yaml')).to.equal(wrong);
    });
    it('a test may expect warnings alone, which --update then writes alone', async () => {
      put({ 't/input.yaml': POD, 't/expected-warnings.txt': '' });
      expect((await test()).out).to.include('+kube-harden set 15 fields (runAsNonRoot, ');
      expect((await test('t', { update: true })).status).to.equal(0);
      expect(existsSync('t/expected.yaml')).to.equal(false);
      expect(text('t/expected-warnings.txt').split('\n')).to.have.length(3);
      expect((await test()).status).to.equal(0);
    });
    it('warnings are compared line by line, whatever ends a line', async () => {
      put({ 't/input.yaml': POD, 't/expected-warnings.txt': '' });
      await test('t', { update: true });
      put({ 't/expected-warnings.txt': text('t/expected-warnings.txt').trimEnd().replaceAll('\n', '\r\n') });
      expect((await test()).status).to.equal(0);
      expect((await test('t', { update: true })).out).to.include('ok ');
    });
    it('a refusal is what the author reads', async () => {
      put({
        't/policy.yaml': policy('shop', '{rules: {privileged: {action: Deny}}}'),
        't/namespace.yaml': namespace(ENFORCE_SHOP),
        't/input.yaml': `${POD}      securityContext: {privileged: true}\n`,
        't/expected-warnings.txt': '',
      });
      await test('t', { update: true });
      expect(text('t/expected-warnings.txt')).to.match(
        /^kube-harden refuses pod\/web: 1 violation of policy shop\. .*\n$/,
      );
      expect((await test()).status).to.equal(0);
    });
    it('nothing to tell is an empty file, and a namespace without a mode is left alone', async () => {
      put({
        't/namespace.yaml': namespace('{}'),
        't/input.yaml': POD,
        't/expected.yaml': POD,
        't/expected-warnings.txt': '',
      });
      expect(await test()).to.deep.include({
        status: 0,
        out: 'ok       t  (policy default, disabled)\n1 test: 1 ok\n',
      });
    });
    it('both differ: both are shown', async () => {
      put({ 't/input.yaml': POD, 't/expected.yaml': 'a: 1\n', 't/expected-warnings.txt': 'no such line\n' });
      const { out } = await test();
      expect(out).to.include('t/expected.yaml differs:').and.to.include('t/expected-warnings.txt differs:');
      expect(out).to.include('\n-no such line\n');
    });
  });

  describe('policies and namespaces', () => {
    it('inherits the policies of the folders above, up to the one that is given; the nearest of a name wins', async () => {
      const cpu = (value: string): string =>
        `{rules: {resources: {action: Default, requests: {cpu: ${value}}, limits: {}}}}`;
      put({
        't/policy.yaml': policy('default', cpu('11m')),
        't/a/input.yaml': POD,
        't/b/policy.yaml': policy('default', cpu('22m')),
        't/b/input.yaml': POD,
        't/b/c/d/input.yaml': POD,
      });
      expect((await test('t', { update: true })).status).to.equal(0);
      expect(text('t/a/expected.yaml')).to.include('cpu: 11m');
      expect(text('t/b/expected.yaml')).to.include('cpu: 22m');
      expect(text('t/b/c/d/expected.yaml')).to.equal(text('t/b/expected.yaml'));
      // Above the folder that is given nothing is looked at.
      expect((await test('t/a')).status).to.equal(1);
    });
    it("follows the namespace's labels: policy and opt-outs", async () => {
      put({
        't/policy.yaml': policy('shop', NOTHING),
        't/namespace.yaml': namespace(
          '{kube-harden.io/mode: enforce, kube-harden.io/policy: shop, kube-harden.io/resources: disabled}',
        ),
        't/input.yaml': POD,
      });
      expect((await test('t', { update: true })).out).to.include('(policy shop, enforce)');
      expect(text('t/expected.yaml')).to.include('runAsNonRoot');
      expect(text('t/expected.yaml')).to.not.include('resources');
      const flags = { policyFile: 't/policy.yaml', namespacesFile: 't/namespace.yaml', namespace: 'shop' };
      expect(text('t/expected.yaml')).to.equal(await previewed('t/input.yaml', flags));
    });
    it("follows the namespace's annotations", async () => {
      put({
        't/policy.yaml': policy(
          'default',
          '{rules: {runAsUser: {action: Default, strategy: NamespaceRange}}}',
        ),
        't/namespace.yaml':
          'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {kube-harden.io/mode: enforce}\n' +
          '  annotations: {kube-harden.io/uid-range: 1000680000/10000}\n',
        't/input.yaml': POD,
      });
      await test('t', { update: true });
      expect(text('t/expected.yaml')).to.include('runAsUser: 1000680000');
    });
    it('exceptions expire by --date, not by the day on which the test runs', async () => {
      const exceptions =
        '{exceptions: [{name: x, reason: a test, expires: "2027-03-01", match: {namespaces: [default]}, rules: [resources]}]}';
      put({
        't/policy.yaml': policy('default', exceptions),
        't/input.yaml': POD,
        't/expected-warnings.txt': '',
      });
      await test('t', { update: true, date: '2027-03-01' });
      expect((await test('t', { date: '2027-03-01' })).status).to.equal(0);
      expect((await test('t', { date: '2027-03-02' })).out).to.match(/^\+.*exception.*x/m);
    });
  });

  describe('bad input ends with 2, a line each, and nothing half-written', () => {
    const CASES: readonly (readonly [
      what: string,
      files: Record<string, string>,
      folder: string,
      errors: readonly (string | RegExp)[],
    ])[] = [
      ['no such folder', {}, 'none', ['none: there is no such file or folder']],
      ['a file', { f: POD }, 'f', ['f: not a folder; a test is a folder with an input.yaml']],
      [
        'no tests',
        { 't/x/policy.yaml': '' },
        't',
        ['t: no tests found: a test is a folder with an input.yaml'],
      ],
      [
        'a name that no test has',
        { 't/input.yml': POD, 't/expected.yml': '' },
        't',
        [
          /^t\/expected\.yml: no test has a file of this name; known: policy\.yaml, /,
          /^t\/input\.yml: no test/,
        ],
      ],
      [
        'a broken policy',
        {
          't/policy.yaml': policy('shop', '{rules: {sshd: {action: Wran}}, warnin: 1}'),
          't/input.yaml': POD,
        },
        't',
        [
          't/policy.yaml:4: spec.rules.sshd.action: "Wran" is not one of Default, Warn, Deny, Disabled; did you mean "Warn"?',
          't/policy.yaml:4: spec.warnin: unknown field; did you mean "warnings"?',
        ],
      ],
      [
        'a policy beside the input that does not apply',
        { 't/policy.yaml': policy('shop', NOTHING), 't/input.yaml': POD },
        't',
        [
          't/policy.yaml: policy shop does not apply, default does: choose it in namespace.yaml by the label kube-harden.io/policy',
        ],
      ],
      [
        'a broken namespace',
        { 't/namespace.yaml': 'kind: Namespce\n', 't/input.yaml': POD },
        't',
        [/^t\/namespace\.yaml:1: kind: "Namespce" is not one of /],
      ],
      [
        'two namespaces',
        { 't/namespace.yaml': `${namespace('{}')}---\n${namespace('{}', 'b')}`, 't/input.yaml': POD },
        't',
        ['t/namespace.yaml: expected one Namespace, found 2; each has a test of its own'],
      ],
      [
        'another namespace in the input',
        { 't/namespace.yaml': namespace('{}'), 't/input.yaml': POD.replace('name: web', 'namespace: b') },
        't',
        [/^t\/input\.yaml:5:3: metadata\.namespace: namespace "b" is not in/],
      ],
      ['not YAML', { 't/input.yaml': 'a: [\n' }, 't', [/^t\/input\.yaml:\d+:\d+: /]],
      ['not Kubernetes', { 't/input.yaml': 'a: 1\n' }, 't', [/apiVersion: is required/, /kind: is required/]],
      ['a folder for a file', { 't/input.yaml/x': '' }, 't', [/^t\/input\.yaml: EISDIR/]],
    ];
    for (const [what, files, folder, errors] of CASES) {
      it(what, async () => {
        put(files);
        for (const update of [false, true]) {
          const { status, err } = await test(folder, { update });
          expect(status).to.equal(2);
          const lines = err.trimEnd().split('\n');
          expect(lines).to.have.length(errors.length);
          errors.forEach((error, index) =>
            typeof error === 'string'
              ? expect(lines[index]).to.equal(error)
              : expect(lines[index]).to.match(error),
          );
        }
        if (existsSync('t')) expect(readdirSync('t')).to.not.include('expected.yaml');
      });
    }

    it('a test with an error does not keep others from running', async () => {
      put({
        't/a/input.yaml': 'a: [\n',
        't/b/input.yaml': POD,
        't/c/input.yaml': POD,
        't/c/expected.yaml': POD,
      });
      const { status, out } = await test();
      expect(status).to.equal(2);
      expect(out.match(/^(?:ok|FAILED|ERROR) +\S+/gm)).to.deep.equal([
        'ERROR    t/a',
        'FAILED   t/b',
        'FAILED   t/c',
      ]);
      expect(out).to.match(/\n3 tests: 2 FAILED, 1 ERROR\n$/);
    });
    it('an expected file that is read-only', async () => {
      put({ 't/input.yaml': POD, 't/expected.yaml': POD });
      chmodSync('t/expected.yaml', 0o444);
      const { status, err } = await test('t', { update: true });
      expect([status, err]).to.deep.equal([2, 't/expected.yaml: not written: it is read-only\n']);
      expect(text('t/expected.yaml')).to.equal(POD);
    });
    it('a day that is none', async () => {
      for (const date of ['2027-02-30', 'tomorrow', '2027-3-1'])
        expect(await test('t', { date }).catch((error: unknown) => error)).to.be.instanceOf(CommandError);
    });
  });

  it('a link that leads back is followed once', async () => {
    put({ 't/a/input.yaml': POD });
    symlinkSync('..', 't/a/back');
    expect((await test()).out).to.include('1 test:');
  });

  it('names the tests of the current folder by their folders', async () => {
    put({ 'a/input.yaml': POD });
    expect((await test('.')).out).to.match(/^FAILED {3}a {2}/);
  });

  describe('--junit', () => {
    it('writes what passed, differs and could not be run', async () => {
      put({
        't/bad/input.yaml': 'a: [\n',
        't/fails/input.yaml': POD,
        't/fails/expected.yaml': 'a: "<&>\u0007"\n',
        't/passes/input.yaml': POD,
      });
      await test('t/passes', { update: true });
      expect((await test('t', { junit: 'j.xml' })).status).to.equal(2);
      const xml = text('j.xml').replaceAll(/time="\d+\.\d{3}"/g, 'time=""');
      expect(xml).to.match(
        /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites tests="3" failures="1" errors="1" time="">\n/,
      );
      expect(xml).to.include('<testsuite name="t" tests="3" failures="1" errors="1" skipped="0" time="">');
      expect(xml).to.include('<testcase classname="t" name="t/passes" time=""/>');
      expect(xml).to.match(/name="t\/bad" time="">\n {6}<error message="t\/bad\/input.yaml:/);
      expect(xml).to.include('<failure message="t/fails/expected.yaml differs">');
      expect(xml).to.include('\n-a: &quot;&lt;&amp;&gt;\uFFFD&quot;\n');
    });
    it('that cannot be written ends with 2, after the results', async () => {
      put({ 't/input.yaml': POD });
      const { status, out, err } = await test('t', { update: true, junit: 'none/j.xml' });
      expect([status, err]).to.deep.equal([
        2,
        '--junit: none/j.xml: not written: there is no such file or folder\n',
      ]);
      expect(out).to.include('1 updated');
    });
  });

  it('is a command of policy, and sets the exit status', async () => {
    const before = process.exitCode;
    put({ 't/input.yaml': POD });
    const output = { stdout: () => undefined, stderr: () => undefined };
    try {
      await policyCommand(output).parseAsync(['test', 't'], { from: 'user' });
      expect(process.exitCode).to.equal(1);
      await policyCommand(output).parseAsync(['test', 't', '--update', '--junit', 'j.xml'], { from: 'user' });
      expect([process.exitCode, existsSync('j.xml')]).to.deep.equal([0, true]);
    } finally {
      process.exitCode = before;
    }
  });

  it('the example of --help works as it is printed', () => {
    expect(runHelpExample(policyTestCommand(), dir)).to.equal(
      'updated  tests/web  (policy default, enforce)\n  tests/web/expected.yaml written\n1 test: 1 updated\n' +
        'ok       tests/web  (policy default, enforce)\n1 test: 1 ok\n',
    );
    expect(readdirSync('.').sort()).to.deep.equal(['tests', 'tests.xml']);
  }).timeout(60_000);

  it('the examples in docs: one folder passes, the other fails as it is meant to', async () => {
    process.chdir(ROOT);
    expect((await test('docs/examples/policy-tests')).status).to.equal(0);
    expect((await test('docs/examples/policy-tests-failing')).status).to.equal(1);
  });
});
