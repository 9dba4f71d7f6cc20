import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Agent } from 'node:https';
import { run as runCommandLine } from '../../src/cli/run.js';
import { get, pause, post, serves } from '../system/support/clients.js';
import { servingFiles, temporaryFolder } from '../system/support/certificates.js';

const children: ChildProcess[] = [];

interface Run {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  readonly ended: Promise<number | null>;
}

/** The real process. Nothing of this machine's environment that `serve` reads gets in. */
function run(words: string[], env: Record<string, string> = {}): Run {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(KUBE|POD_)/.test(name));
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', ...words], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const made: Run = {
    child,
    stdout: '',
    stderr: '',
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code))),
  };
  child.stdout.on('data', (chunk: Buffer) => (made.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (made.stderr += chunk.toString()));
  return made;
}

/** In this process, for a command that ends by itself: 15 processes would take as many seconds. */
async function runHere(words: string[]): Promise<{ code: number; stderr: string }> {
  const write = process.stderr.write.bind(process.stderr);
  let stderr = '';
  process.stderr.write = (text: string | Uint8Array) => {
    stderr += text.toString();
    return true;
  };
  try {
    const code = await runCommandLine('kube-harden', words);
    return { code, stderr };
  } finally {
    process.stderr.write = write;
  }
}

function addresses(port = 0): string[] {
  return [
    '--admission-bind-address',
    `127.0.0.1:${port}`,
    '--preview-bind-address',
    '127.0.0.1:0',
    '--ops-bind-address',
    '127.0.0.1:0',
  ];
}

async function until(started: Run, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(started.stdout);
    if (match !== null) return match;
    if (started.child.exitCode !== null || started.child.killed)
      throw new Error(`it ended: ${started.stderr}${started.stdout}`);
    await pause(10);
  }
}

const POD_REVIEW = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'the-uid',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    operation: 'CREATE',
    namespace: 'shop',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
    },
  },
});

describe('kube-harden serve', () => {
  let tls: string[];
  before(async () => {
    // Where these tests themselves run in a cluster, `serve` would refuse to run standalone unasked.
    delete process.env['KUBERNETES_SERVICE_HOST'];
    const { certFile, keyFile } = await servingFiles();
    tls = ['--tls-cert-file', certFile, '--tls-private-key-file', keyFile];
  });
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  it('prints addresses and how long it took, hardens a pod, logs the decision, ends with 0 on SIGTERM', async () => {
    const started = run(['serve', ...tls, ...addresses(), '--log-format', 'text', '--log-decisions=all']);
    const [, port] = await until(started, /admission {2}https:\/\/127\.0\.0\.1:(\d+)\/mutate/);
    const [, ops] = await until(started, /ops {8}(http:\/\/127\.0\.0\.1:\d+)\/readyz/);
    await until(started, /ready in \d+ ms/);
    expect((await get(`${ops}/readyz?verbose`)).text).to.match(
      /^\[\+\]policies ok\n[^]*readyz check passed\n$/,
    );
    const agent = new Agent({ keepAlive: true });
    const reply = await post(Number(port), POD_REVIEW, { agent });
    expect(reply.status).to.equal(200);
    expect(reply.text).to.match(/"uid":"the-uid","allowed":true.*"patchType":"JSONPatch"/);
    await until(started, /info {2}decision uid=the-uid namespace=shop kind=Pod name=web .*outcome=patched/);
    started.child.kill('SIGTERM');
    expect(await started.ended).to.equal(0);
    expect(started.stdout).to.contain('shutting down signal=SIGTERM').and.contain('stopped');
    expect(started.stderr).to.equal('');
    agent.destroy();
  });

  it('takes its flags from the environment, writes JSON lines, reloads a policy and keeps it when it breaks', async () => {
    const policyFile = join(temporaryFolder(), 'policy.yaml');
    const policy = (action: string): string =>
      'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: mine}\n' +
      `spec: {rules: {runAsUser: {action: ${action}}}}\n`;
    writeFileSync(policyFile, policy('Warn'));
    const started = run(['serve', ...tls], {
      KUBE_HARDEN_ADMISSION_BIND_ADDRESS: '127.0.0.1:0',
      KUBE_HARDEN_PREVIEW_BIND_ADDRESS: '0',
      KUBE_HARDEN_OPS_BIND_ADDRESS: '127.0.0.1:0',
      KUBE_HARDEN_POLICY_FILE: policyFile,
      KUBE_HARDEN_NAMESPACES_FILE: '',
    });
    await until(started, /"message":"ready"/);
    const listening = JSON.parse(started.stdout.split('\n')[0] ?? '') as Record<string, string>;
    expect(listening).to.include({ level: 'info', message: 'listening', mode: 'standalone' });
    expect(listening).to.not.have.property('preview');
    const ops = (listening['ops'] ?? '').replace('/readyz', '');
    expect((await get(`${ops}/metrics`)).text).to.contain(
      'policy_last_load_success_timestamp_seconds{policy="mine"}',
    );
    writeFileSync(policyFile, policy('Wran'));
    await until(started, /policy files changed and are broken.*Wran.*did you mean/);
    expect((await get(`${ops}/metrics`)).text).to.contain('kube_harden_policy_last_reload_successful 0');
    expect((await get(`${ops}/readyz?verbose`)).text).to.match(/\[\+\]policies ok: the last reload failed/);
    writeFileSync(policyFile, policy('Default'));
    await until(started, /"policy files reloaded"/);
    expect((await get(`${ops}/metrics`)).text).to.contain('kube_harden_policy_last_reload_successful 1');
    expect(await serves(Number(new URL(listening['admission'] ?? '').port))).to.equal(false); // a review without an object: 400
    started.child.kill('SIGINT');
    expect(await started.ended).to.equal(0);
  });

  it('ends with 2 and says in a line what to do: port, certificate, policies, namespaces, flags', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    taken.unref();
    const { port } = taken.address() as AddressInfo;
    const folder = temporaryFolder();
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const policies = file(
      'policies.yaml',
      'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: a}\n' +
        'spec: {rules: {runAsRoot: {action: Default}, sshd: {action: Warm}}}\n',
    );
    const namespaces = file('namespaces.yaml', 'kind: List\nitems: [{kind: Namespace, apiVersion: v1}]\n');
    const kubeconfig = file(
      'kubeconfig',
      'clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]\nusers: [{name: u, user: {}}]\n' +
        'contexts: [{name: mine, context: {cluster: c, user: u}}]\ncurrent-context: mine\n',
    );
    const selfManaged = ['--certificates', 'self-managed', '--kubeconfig', kubeconfig];
    const cases: [string[], RegExp][] = [
      [
        [...tls, ...addresses(port)],
        new RegExp(
          `^error: --admission-bind-address 127.0.0.1:${port}: the port is taken; .*:${port + 1}\n$`,
        ),
      ],
      [
        ['--tls-cert-file', '/nowhere'],
        /^error: certificate \/nowhere: no such file; make one with "kube-harden certs", [^\n]*\n$/,
      ],
      [
        [...tls, '--policy-file', policies],
        /^error: --policy-file: .*policies.yaml:4: spec.rules.sshd.action: .*did you mean "Warn"\?\nerror: --policy-file: .*policies.yaml:4: spec.rules.runAsRoot: unknown rule[^\n]*\n$/,
      ],
      [
        [...tls, '--policy-file', '/nowhere'],
        /^error: --policy-file: \/nowhere: no such file or folder; check the path\n$/,
      ],
      [
        [...tls, '--namespaces-file', namespaces],
        /^error: --namespaces-file: .*namespaces.yaml:2: .*metadata.name: is required\n$/,
      ],
      [['--kubeconfig', '/nowhere'], /^error: --kubeconfig: \/nowhere: no such file; check the path\n$/],
      [['--kubeconfig', file('empty', '')], /^error: --kubeconfig: .*: it has no contexts; [^\n]*\n$/],
      [
        ['--kubeconfig', file('broken', 'a: [')],
        /^error: --kubeconfig: .*: cannot be read as a kubeconfig: [^\n]*\n$/,
      ],
      [
        ['--kubeconfig', kubeconfig, '--context', 'other'],
        /^error: --kubeconfig: .*: there is no context "other"; it has mine\n$/,
      ],
      [['--context', 'mine'], /^error: --context needs --kubeconfig\n$/],
      [['--kubeconfig', 'none', '--context', 'mine'], /^error: --context needs --kubeconfig\n$/],
      [
        ['--kubeconfig', kubeconfig, '--namespaces-file', namespaces],
        /^error: --namespaces-file is for standalone: with --kubeconfig namespaces are watched\n$/,
      ],
      [
        ['--log-level=inof'],
        /^error: option '--log-level <level>' argument 'inof' is invalid\. .*did you mean "info"\?\n$/,
      ],
      [['--log-levl=info'], /^error: unknown option '--log-levl=info'\n\(Did you mean --log-level\?\)\n$/],
      [['--admission-bind-address', '8443'], /A port needs a colon in front: ":8443"\.\n$/],
      [['--ops-bind-address', '0'], /Only the preview can be turned off\.\n$/],
      [['--client-allowed-names', 'a'], /^error: --client-allowed-names needs --client-ca-file/],
      [['--certificates', 'self-managed'], /^error: --certificates self-managed .* needs a cluster/],
      [
        ['--certificates', 'self-managed', '--kubeconfig', 'none'],
        /^error: --certificates self-managed .* needs a cluster/,
      ],
      [
        [...selfManaged, '--certificate-duration', '5s'],
        /^error: --certificate-duration is at least 10s: [^\n]*\n$/,
      ],
      [
        [...selfManaged, '--certificate-duration', '2h', '--ca-duration', '3h'],
        /^error: --ca-duration is at least twice --certificate-duration: [^\n]*\n$/,
      ],
      [['--certificate-duration', '90d'], /A duration is 10s, 500ms or 1m30s\.\n$/],
      [['--ca-duration=soon'], /A duration is 10s, 500ms or 1m30s\.\n$/],
      [['--shutdown-delay-duration', '30s'], /has to be shorter than it\n$/],
      [['--preview-insecure=maybe'], /It is true or false\.\n$/],
    ];
    for (const [words, expected] of cases) {
      const { code, stderr } = await runHere(['serve', ...words]);
      expect(stderr).to.match(expected);
      expect(code, words.join(' ')).to.equal(2);
    }
  });

  it('lists every flag of the contract with its environment variable', async () => {
    const help = run(['serve', '--help']);
    expect(await help.ended).to.equal(0);
    const flags = [
      ...['admission-bind-address', 'preview-bind-address', 'ops-bind-address', 'tls-cert-file'],
      ...['tls-private-key-file', 'client-ca-file', 'client-allowed-names', 'policy-file', 'namespaces-file'],
      ...['kubeconfig', 'context', 'log-level', 'log-format', 'log-decisions', 'namespace', 'certificates'],
      ...['certificate-hosts', 'certificate-duration', 'ca-duration'],
      ...['preview-insecure', 'shutdown-delay-duration', 'shutdown-grace-period'],
    ];
    for (const flag of flags) {
      expect(help.stdout).to.contain(`--${flag} `);
      expect(help.stdout).to.contain(`KUBE_HARDEN_${flag.toUpperCase().replaceAll('-', '_')}`);
    }
    expect([...help.stdout.matchAll(/^ {2}--/gm)]).to.have.length(flags.length);
  });
});

describe('kube-harden', () => {
  it('suggests the command that was probably meant, with exit code 2', async () => {
    const started = run(['serv']);
    expect(await started.ended).to.equal(2);
    expect(started.stderr).to.equal("error: unknown command 'serv'\n(Did you mean serve?)\n");
  });

  it('outlives a reader that has gone', async () => {
    const started = run(['serve', '--help']);
    started.child.stdout?.destroy();
    expect(await started.ended).to.equal(0);
    expect(started.stderr).to.equal('');
  });
});
