import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { previewCommand, runPreview, type PreviewOptions } from '../../src/cli/preview.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { sarifProblems } from '../support/sarifSchema.js';

interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly [
    {
      readonly physicalLocation: {
        readonly artifactLocation: { readonly uri: string };
        readonly region: { readonly startLine: number; readonly startColumn: number };
      };
      readonly logicalLocations: readonly [{ readonly fullyQualifiedName: string }];
    },
  ];
}
interface Log {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { id: string; helpUri: string }[] } };
      readonly results: readonly Result[];
    },
  ];
}

const POD = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example/web
    securityContext:
      privileged: false
      allowPrivilegeEscalation: true
`;
const RESTRICTED = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: web
    image: registry.example/web
    securityContext: {capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}
    resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi}}
`;

describe('kube-harden preview, findings', () => {
  let dir: string;
  const home = process.cwd();
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'sarif-')));
    mkdirSync(join(dir, 'here'));
    process.chdir(join(dir, 'here'));
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(dir, { recursive: true });
  });

  async function run(
    options: PreviewOptions,
    stdin = '',
  ): Promise<{ status: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const status = await runPreview(options, {
      stdout: (text) => void (out += text),
      stderr: (text) => (err += text),
      stdin: () => Promise.resolve(Buffer.from(stdin)),
      colour: false,
    });
    return { status, out, err };
  }

  async function log(options: PreviewOptions, stdin = ''): Promise<Log> {
    const { out, err } = await run({ ...options, output: 'sarif' }, stdin);
    expect(err).to.equal('');
    const parsed = JSON.parse(out) as Log;
    expect(sarifProblems(parsed)).to.deep.equal([]);
    return parsed;
  }

  const brief = ({ ruleId, level, locations: [{ physicalLocation }] }: Result): string =>
    `${physicalLocation.artifactLocation.uri}:${physicalLocation.region.startLine}:${physicalLocation.region.startColumn} ${level} ${ruleId}`;

  it('writes a SARIF log with a result for each change and violation, at its line or that of what is above', async () => {
    writeFileSync('pod.yaml', POD);
    const label = ['seccompProfile', 'readOnlyRootFilesystem', 'resources'].map(
      (rule) => `kube-harden.io/${rule}=disabled`,
    );
    const { runs } = await log({ filename: ['pod.yaml'], label });
    expect(runs[0].results.map(brief)).to.deep.equal([
      'pod.yaml:4:1 warning runAsNonRoot',
      'pod.yaml:4:1 error runAsUser',
      'pod.yaml:4:1 error runAsUser',
      'pod.yaml:4:1 error runAsUser',
      'pod.yaml:4:1 error runAsUser',
      'pod.yaml:8:5 warning capabilities',
      'pod.yaml:10:7 warning allowPrivilegeEscalation',
    ]);
    const [first] = runs[0].results;
    expect(first?.locations[0].logicalLocations[0].fullyQualifiedName).to.equal(
      'Pod/web: spec.securityContext.runAsNonRoot',
    );
    expect(first?.message.text).to.match(
      /^Hardening sets spec\.securityContext\.runAsNonRoot to true; it is unset\. /,
    );
    expect(runs[0].results.at(-1)?.message.text).to.equal(
      'spec.containers[0].securityContext.allowPrivilegeEscalation (container "web") is true, and policy default reports it. ' +
        'To lift it: change spec.containers[0].securityContext.allowPrivilegeEscalation, or opt out: ' +
        'kubectl label ns default kube-harden.io/allowPrivilegeEscalation=disabled',
    );
  });

  it('names every rule, with a page that is there', async () => {
    writeFileSync('pod.yaml', POD);
    const { runs } = await log({ filename: ['pod.yaml'] });
    const { rules } = runs[0].tool.driver;
    expect(rules.map(({ id }) => id)).to.deep.equal([...RULE_IDS]);
    for (const { id, helpUri } of rules) {
      expect(helpUri).to.match(new RegExp(`/docs/rules/${id}\\.md$`));
      expect(existsSync(fileURLToPath(helpUri)), helpUri).to.equal(true);
    }
    for (const { ruleId, ruleIndex } of runs[0].results) expect(rules[ruleIndex]?.id).to.equal(ruleId);
  });

  it('takes what the policy refuses for an error', async () => {
    writeFileSync(
      'policy.yaml',
      'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: default}\nspec: {rules: {allowPrivilegeEscalation: {action: Deny}}}\n',
    );
    const { runs } = await log({ filename: ['-'], policyFile: 'policy.yaml' }, POD);
    const denied = runs[0].results.filter(({ ruleId }) => ruleId === 'allowPrivilegeEscalation');
    expect(denied.map(brief)).to.deep.equal(['stdin:10:7 error allowPrivilegeEscalation']);
    expect(denied[0]?.message.text).to.include('for which policy default refuses the object');
  });

  it('calls files by their path in the current folder, others by a URI', async () => {
    mkdirSync('a #b');
    writeFileSync('a #b/pod.yaml', POD);
    writeFileSync('../pod.yaml', POD);
    const { runs } = await log({ filename: ['a #b', '../pod.yaml'] });
    const uris = runs[0].results.map(({ locations }) => locations[0].physicalLocation.artifactLocation.uri);
    expect([...new Set(uris)]).to.deep.equal(['a%20%23b/pod.yaml', `file://${dir}/pod.yaml`]);
  });

  it('finds lines in lists, templates and JSON', async () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { template: { spec: { hostNetwork: true, containers: [{ name: 'web', image: 'x' }] } } },
    };
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [deployment] }, null, 1);
    const { runs } = await log({ filename: ['-'] }, text);
    const [host] = runs[0].results.filter(({ ruleId }) => ruleId === 'hostNamespaces');
    const lines = text.split('\n');
    const line = lines.findIndex((part) => part.includes('hostNetwork'));
    const column = lines[line]?.indexOf('"hostNetwork"') ?? -1;
    expect(host && brief(host)).to.equal(`stdin:${line + 1}:${column + 1} warning hostNamespaces`);
  });

  it('doubles the braces of a value, which stand for placeholders', async () => {
    const { runs } = await log(
      { filename: ['-'] },
      POD.replace(
        'image: registry.example/web',
        'image: registry.example/web\n    command: [sh, "-c", "/usr/sbin/sshd -D; echo {0}"]',
      ),
    );
    const [sshd] = runs[0].results.filter(({ ruleId }) => ruleId === 'sshd');
    expect(sshd?.message.text).to.include('is "/usr/sbin/sshd -D; echo {{0}}"');
  });

  it('has a log without results where there is nothing to do', async () => {
    const { runs } = await log({ filename: ['-'] }, RESTRICTED);
    expect(runs[0].results).to.deep.equal([]);
  });

  describe('--fail-on', () => {
    const LOW = { filename: ['-'], policy: 'default' };
    const text = RESTRICTED.replace(', allowPrivilegeEscalation: false', '');
    for (const [failOn, low, weak] of [
      [undefined, 1, 1],
      ['change', 1, 1],
      ['risk', 0, 1],
      ['violation', 0, 1],
    ] as const) {
      it(`${failOn ?? 'left out'}: a change of low risk ends with ${low}, a violation with ${weak}`, async () => {
        expect((await run({ ...LOW, failOn }, text)).status).to.equal(low);
        const weaker = RESTRICTED.replace(
          'allowPrivilegeEscalation: false',
          'allowPrivilegeEscalation: true',
        );
        expect((await run({ ...LOW, failOn }, weaker)).status).to.equal(weak);
      });
    }

    it('a change of medium risk ends with 1 for risk and not for violation', async () => {
      const risky = RESTRICTED.replace(/ {4}resources.*\n/, '');
      expect((await run({ ...LOW, failOn: 'risk' }, risky)).status).to.equal(1);
      expect((await run({ ...LOW, failOn: 'violation' }, risky)).status).to.equal(0);
    });

    it('does not make an error less than 2', async () => {
      const { status } = await run({ filename: ['missing.yaml'], failOn: 'violation' });
      expect(status).to.equal(2);
    });

    it('works through the command line’s parser', async () => {
      const io = {
        stdout: () => undefined,
        stderr: () => undefined,
        stdin: () => Promise.resolve(Buffer.from(text)),
        colour: false,
      };
      const before = process.exitCode;
      await previewCommand(io).parseAsync(['-f', '-', '--fail-on', 'risk'], { from: 'user' });
      const status = process.exitCode;
      process.exitCode = before;
      expect(status).to.equal(0);
    });
  });
});
