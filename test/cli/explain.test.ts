import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { explainCommand, runExplain, type ExplainOptions } from '../../src/cli/explain.js';
import { runPreview } from '../../src/cli/preview.js';
import { SKIP_CODES } from '../../src/hardening/rule.js';
import type { ExplainedRule, Explanation } from '../../src/preview/explain.js';
import { WIDTH } from '../../src/preview/explainText.js';
import { SKIP_REMEDIES } from '../../src/preview/skipRemedies.js';

const POD = `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: registry.example/web
`;
const WEAK = `${POD}    securityContext:
      privileged: true
`;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n';
const POLICY = `apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata: {name: default}
spec:
  rules:
    privileged:
      action: Deny
      optOut: Forbidden
    resources: {action: Default, optOut: Forbidden}
  exceptions:
  - name: legacy
    reason: writes to its own image; ticket OPS-1432
    expires: "2999-03-01"
    match: {namespaces: [shop], podLabels: {app: web}}
    rules: [readOnlyRootFilesystem]
  - name: other
    reason: never matches this pod
    match: {namespaces: [shop], podLabels: {app: db}}
    rules: [readOnlyRootFilesystem]
  - name: past
    reason: is over
    expires: "2020-01-01"
    match: {namespaces: [shop]}
    rules: [seccompProfile]
`;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('kube-harden explain', () => {
  let dir: string;
  const home = process.cwd();
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'explain-'));
    process.chdir(dir);
    writeFileSync('pod.yaml', POD);
    writeFileSync('weak.yaml', WEAK);
    writeFileSync('policy.yaml', POLICY);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(dir, { recursive: true });
  });

  interface Ran {
    readonly status: number;
    readonly out: string;
    readonly err: string;
  }

  async function run(
    path: string,
    rule?: string,
    options: ExplainOptions = {},
    { stdin = '', colour = false } = {},
  ): Promise<Ran> {
    let [out, err] = ['', ''];
    const status = await runExplain(path, rule, options, {
      stdout: (text) => void (out += text),
      stderr: (text) => (err += text),
      stdin: () => Promise.resolve(Buffer.from(stdin)),
      colour,
    });
    return { status, out, err };
  }

  async function results(
    path: string,
    rule?: string,
    options: ExplainOptions = {},
    stdin = '',
  ): Promise<Explanation[]> {
    const { out } = await run(path, rule, { ...options, output: 'json' }, { stdin });
    return (JSON.parse(out) as { results: Explanation[] }).results;
  }

  async function ruleOf(path: string, rule: string, options: ExplainOptions = {}): Promise<ExplainedRule> {
    const [explained] = (await results(path, rule, options))[0]?.rules ?? [];
    if (!explained) throw new Error(`nothing about ${rule}`);
    return explained;
  }

  it('tells of each field its line, its value now and after, the rule, why, the risk and how to opt out', async () => {
    const { status, out, err } = await run('pod.yaml', 'allowPrivilegeEscalation', { namespace: 'shop' });
    expect(err).to.equal('');
    expect(status).to.equal(1);
    expect(out).to.equal(`pod.yaml#0 Pod shop/web
  policy        default, mode enforce
  outcome       patched
  pod security  baseline → restricted (v1.37)

allowPrivilegeEscalation: Containers cannot gain privileges
  container "web"
    line 6: spec.containers[0].securityContext.allowPrivilegeEscalation  unset → false
  why           low risk. Without it a set-uid program in the image, or one brought in, makes root
                of any user.
  in force      Default, built-in policy default: spec.rules.allowPrivilegeEscalation.action
  opt out       kubectl label ns shop kube-harden.io/allowPrivilegeEscalation=disabled
`);
  });

  it('says the same as preview: changes, violations and skips, each once, and Pod Security', async () => {
    for (const file of ['careless.yaml', 'guidance.yaml', 'restricted.yaml']) {
      for (const policy of ['baseline', 'default', 'restricted']) {
        const path = join(ROOT, 'manifests/examples', file);
        let out = '';
        const status = await runPreview(
          { filename: [path], policy, output: 'json' },
          {
            stdout: (text) => void (out += text),
            stderr: () => undefined,
            stdin: () => Promise.reject(new Error('not read')),
            colour: false,
          },
        );
        const [previewed] = (JSON.parse(out) as { results: Record<string, unknown[]>[] }).results;
        const [explained] = await results(path, undefined, { policy });
        for (const list of ['changes', 'violations', 'skips'] as const) {
          const told = explained?.rules.flatMap((rule): unknown[] => [...rule[list]]).map(asPreviewed);
          expect(told, `${file} ${policy} ${list}`).to.have.deep.members(previewed?.[list] ?? []);
        }
        expect(explained?.podSecurity).to.deep.equal(previewed?.['podSecurity']);
        expect((await run(path, undefined, { policy })).status).to.equal(status);
      }
    }
  });

  it('names the line of a policy file that is in force, or that it says nothing', async () => {
    const options = { policyFile: 'policy.yaml', namespace: 'shop' };
    expect((await ruleOf('pod.yaml', 'resources', options)).setBy).to.deep.equal({
      label: null,
      policy: 'default',
      field: 'spec.rules.resources.action',
      place: 'policy.yaml:9',
      isLeftOut: false,
    });
    expect((await run('pod.yaml', 'runAsUser', options)).out).to.include(
      '  in force      Default, policy default leaves spec.rules.runAsUser.action out: as in the built-in\n' +
        '                default\n',
    );
  });

  it('says where the policy forbids to opt out', async () => {
    const { out } = await run('pod.yaml', 'resources', { policyFile: 'policy.yaml' });
    expect(out).to.include('  opt out       no opt-out: policy default forbids it (policy.yaml:9)\n');
    expect(out).to.not.include('kubectl');
  });

  it('names the exception that lifts a rule, its expiry, its line and its reason; not those that do not match', async () => {
    const options = { policyFile: 'policy.yaml', namespace: 'shop' };
    const { skips } = await ruleOf('pod.yaml', 'readOnlyRootFilesystem', options);
    expect(skips.map(({ code, exceptions }) => [code, exceptions])).to.deep.equal([
      [
        'Excepted',
        [
          {
            name: 'legacy',
            reason: 'writes to its own image; ticket OPS-1432',
            expires: '2999-03-01',
            place: 'policy.yaml:11',
          },
        ],
      ],
    ]);
    expect((await run('pod.yaml', 'readOnlyRootFilesystem', options)).out).to.include(
      '  exception     legacy, valid through 2999-03-01, UTC (policy.yaml:11): writes to its own image;\n' +
        '                ticket OPS-1432\n',
    );
    const elsewhere = await ruleOf('pod.yaml', 'readOnlyRootFilesystem', { policyFile: 'policy.yaml' });
    expect(elsewhere.skips).to.deep.equal([]);
  });

  it('names the exceptions of every container for a rule about the pod', async () => {
    const text = POLICY.replace('rules: [readOnlyRootFilesystem]', 'rules: [hostNamespaces]');
    writeFileSync('policy.yaml', text);
    writeFileSync('pod.yaml', `${POD}  hostNetwork: true\n`);
    const options = { policyFile: 'policy.yaml', namespace: 'shop' };
    const { skips, violations } = await ruleOf('pod.yaml', 'hostNamespaces', options);
    expect(violations).to.deep.equal([]);
    expect(
      skips.map(({ container, exceptions }) => [container, exceptions.map(({ name }) => name)]),
    ).to.deep.equal([[null, ['legacy']]]);
  });

  it('tells of an exception that has expired', async () => {
    const { out } = await run('pod.yaml', 'seccompProfile', { policyFile: 'policy.yaml', namespace: 'shop' });
    expect(out).to.include('  warning       exception past expired on 2020-01-01 and no longer applies\n');
    expect(out).to.include('unset → {"type":"RuntimeDefault"}');
  });

  it('lists violations with how to lift each, and marks what is refused', async () => {
    const { out, status } = await run('weak.yaml', 'privileged', { policyFile: 'policy.yaml' });
    expect(status).to.equal(1);
    expect(out).to.include(
      '  outcome       denied: the policy refuses the object, for what is marked denied\n',
    );
    expect(out).to.include(
      '  denied        line 9: spec.containers[0].securityContext.privileged is true (container "web")\n' +
        '  lift it       change spec.containers[0].securityContext.privileged, or ask for an exception from\n' +
        '                privileged in policy "default"\n' +
        '  in force      Deny, policy.yaml:7: spec.rules.privileged.action\n' +
        '  opt out       no opt-out: policy default forbids it (policy.yaml:8)\n',
    );
    const warned = await run('weak.yaml', 'privileged');
    expect(warned.out).to.include(
      '  violation     line 9: spec.containers[0].securityContext.privileged is true (container "web")\n' +
        '  lift it       change spec.containers[0].securityContext.privileged, or opt out:\n' +
        '                kubectl label ns default kube-harden.io/privileged=disabled\n' +
        '  in force      Warn, built-in policy default: spec.rules.privileged.action\n',
    );
  });

  it('lists what keeps the pod from the next level of Pod Security', async () => {
    const { out } = await run('weak.yaml', undefined, { podSecurityVersion: 'v1.24' });
    expect(out).to.include(
      '  pod security  privileged → privileged (v1.24)\n' +
        '  blocked by    privileged (container "web" must not set securityContext.privileged=true):\n' +
        '                spec.containers[0].securityContext.privileged\n',
    );
  });

  it('says of a label that turns a rule off or weakens it how to take it away', async () => {
    const off = await run('pod.yaml', 'resources', { label: ['kube-harden.io/resources=disabled'] });
    expect(off.status).to.equal(0);
    expect(off.out).to.include(
      '  left alone    container "web": OptedOut: the namespace\'s label turns the rule off\n' +
        '  what to do    take the label away\n' +
        '  in force      off, label kube-harden.io/resources=disabled of the namespace; without it Default,\n' +
        '                built-in policy default: spec.rules.resources.action\n' +
        '  undo label    kubectl label ns default kube-harden.io/resources-\n',
    );
    const warn = await run('pod.yaml', 'seccompProfile', { label: ['kube-harden.io/seccompProfile=warn'] });
    expect(warn.out).to.include(
      '                kubectl label ns default kube-harden.io/seccompProfile=disabled --overwrite\n' +
        '  in force      Warn, label kube-harden.io/seccompProfile=warn of the namespace, over built-in\n' +
        '                policy default: spec.rules.seccompProfile.action\n' +
        '  undo label    kubectl label ns default kube-harden.io/seccompProfile-\n',
    );
  });

  it('says of a rule that is asked for also that it has nothing to do, or does not run', async () => {
    const idle = await run('pod.yaml', 'sshd');
    expect(idle.status).to.equal(0);
    expect(idle.out).to.include('  unchanged     there is nothing here that it would set or report\n');
    const off = await run('pod.yaml', 'scheduling');
    expect(off.status).to.equal(0);
    expect(off.out).to.match(
      /\n {2}in force {6}Disabled, built-in policy default: spec\.rules\.scheduling\.action\n$/,
    );
  });

  it('says why the webhook does not write it', async () => {
    const template = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers: [{name: web, image: x}]\n`;
    const notice = async (options: ExplainOptions, stdin: string): Promise<unknown> =>
      (await results('-', undefined, options, stdin))[0]?.notice;
    expect(await notice({}, POD)).to.equal(null);
    expect(await notice({}, template)).to.equal(
      'templates: Warn: the template stays as it is, and its pods get this',
    );
    expect(await notice({ mode: 'audit' }, POD)).to.equal(
      'mode audit: the webhook changes nothing; this is what enforce would do',
    );
    expect(await notice({ mode: 'disabled' }, POD)).to.equal('label kube-harden.io/mode=disabled');
    expect(await notice({}, SERVICE)).to.equal('kind Service is no workload');
    writeFileSync('policy.yaml', POLICY.replace('spec:\n', 'spec:\n  templates: Ignore\n'));
    expect(await notice({ policyFile: 'policy.yaml' }, template)).to.equal(
      'templates: Ignore; its pods are hardened',
    );
  });

  it('ends with 0 where there is nothing to do, and says so', async () => {
    for (const [options, stdin] of [
      [{}, SERVICE],
      [{ mode: 'disabled' }, POD],
    ] as const) {
      const { status, out } = await run('-', undefined, options, { stdin });
      expect(status).to.equal(0);
      expect(out).to.match(/^stdin#0 \w+ default\/web\n {2}policy .*\n {2}outcome {7}(unchanged|ignored): /);
    }
  });

  it('tells of every object of a file and of a folder', async () => {
    mkdirSync('sub');
    writeFileSync('sub/two.yaml', `${POD}---\n${SERVICE}`);
    const { out } = await run('sub');
    expect(out.split('\n').filter((line) => /^\S+#/.test(line))).to.deep.equal([
      'sub/two.yaml#0 Pod default/web',
      'sub/two.yaml#1 Service default/web',
    ]);
  });

  it('is never wider than it may be, and shows no control characters', async () => {
    const long = 'x'.repeat(180);
    const text = `${POD.replace('name: web,', `name: "${long}\\e[31m",`)}    command: ["sh", "-c", "/usr/sbin/sshd  ${long}"]
    securityContext: {capabilities: {add: [${Array.from({ length: 30 }, (_, i) => `CAP_${i}`).join(', ')}]}}
  hostNetwork: true
`;
    const namespace = 'n'.repeat(63);
    for (const policy of ['baseline', 'default', 'restricted']) {
      const { out } = await run('-', undefined, { namespace, policy }, { stdin: text });
      for (const line of out.split('\n')) expect(Array.from(line).length, line).to.be.at.most(WIDTH);
      expect(out).to.not.match(/[^\P{Cc}\n]/u);
    }
  });

  it('has colours on a terminal only, and then says the same', async () => {
    const plain = await run('weak.yaml', undefined, { policyFile: 'policy.yaml' });
    const coloured = await run('weak.yaml', undefined, { policyFile: 'policy.yaml' }, { colour: true });
    expect(plain.out).to.not.include('\u001b');
    expect(coloured.out).to.include('\u001b[31mdenied\u001b[0m').and.include('\u001b[1mprivileged\u001b[0m');
    expect(coloured.out.replaceAll(/\u001b\[\d+m/g, '')).to.equal(plain.out);
  });

  it('prints everything that is wrong together, and nothing else, and ends with 2', async () => {
    const wrong = await run('missing.yaml', 'runAsUsr', { policy: 'defualt' });
    expect(wrong.status).to.equal(2);
    expect(wrong.out).to.equal('');
    expect(wrong.err.trimEnd().split('\n')).to.deep.equal([
      'there is no rule "runAsUsr"; did you mean "runAsUser"?',
      '--policy: "defualt" is not one of baseline, default, restricted; did you mean "default"?',
      'missing.yaml: there is no such file or folder',
    ]);
    expect((await run('pod.yaml', 'nonsense')).err).to.equal(
      'there is no rule "nonsense"; kube-harden rules lists them all\n',
    );
    writeFileSync('bad.yaml', 'kind: Pod\n');
    expect((await run('bad.yaml')).err).to.equal('bad.yaml:1:1: apiVersion: is required\n');
  });

  it('ends with 2 where the output cannot be written', async () => {
    let err = '';
    const status = await runExplain(
      'pod.yaml',
      undefined,
      {},
      {
        stdout: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOSPC', syscall: 'write' })),
        stderr: (text) => (err += text),
        stdin: () => Promise.reject(new Error('not read')),
        colour: false,
      },
    );
    expect(status).to.equal(2);
    expect(err).to.match(/^standard output: /);
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
    await explainCommand(io).parseAsync(
      ['-', 'sshd', '-n', 'a', '-o', 'json', '--pod-security-version', 'v1.24'],
      {
        from: 'user',
      },
    );
    const status = process.exitCode;
    process.exitCode = before;
    expect(status).to.equal(0);
    const [first] = (JSON.parse(out) as { results: Explanation[] }).results;
    expect(first?.namespace).to.equal('a');
    expect(first?.podSecurity?.version).to.equal('v1.24');
  });

  it('has a help whose example works as it is printed', function () {
    this.timeout(60_000);
    let help = '';
    explainCommand()
      .configureOutput({ writeOut: (text) => (help += text) })
      .outputHelp();
    const lines = help.split('\n');
    const script = lines.filter((line, index) => line.startsWith('  $ ') || lines[index - 1]?.endsWith('\\'));
    expect(script.length).to.be.at.least(4);
    const main = `${process.execPath} --import ${join(ROOT, 'node_modules/tsx/dist/esm/index.mjs')} ${join(ROOT, 'src/main.ts')}`;
    const text = script.map((line) => line.replace(/^ {2}\$ /, '')).join('\n');
    const program = `kube-harden() { if ${main} "$@"; then false; else [ $? = 1 ]; fi; }\nset -e\n${text}\n`;
    const out = execFileSync('bash', ['-c', program], { encoding: 'utf8' });
    expect(out).to.include('pod.yaml#0 Pod default/web').and.include('pod.yaml#0 Pod shop/web');
    expect(out).to.include('"source": "stdin#0"');
  });
});

describe('SKIP_REMEDIES', () => {
  it('has one for every code, and no other', () => {
    expect(Object.keys(SKIP_REMEDIES).sort()).to.deep.equal([...SKIP_CODES].sort());
  });
});

/** What `explain` adds to what a preview says. */
function asPreviewed(item: unknown): unknown {
  const previewed = { ...(item as Record<string, unknown>) };
  for (const name of ['line', 'remedy', 'exceptions']) Reflect.deleteProperty(previewed, name);
  return previewed;
}
