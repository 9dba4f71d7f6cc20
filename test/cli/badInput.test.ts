import { expect } from 'chai';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createProgram } from '../../src/cli/program.js';
import { servingPair, temporaryFolder } from '../system/support/certificates.js';
import { runProgram, type Ran } from './support/builtCommand.js';

const POD =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - {name: web, image: registry.example/web}\n';

interface Case {
  readonly command: string;
  /** Standard error, a line for each problem. */
  readonly says: readonly RegExp[];
  /** 2 unless given. */
  readonly code?: number;
  /** Standard output, where there is to be any: of what could be done. */
  readonly stdout?: RegExp;
}

const one = (command: string, says: RegExp): Case => ({ command, says: [says] });

const NOT_THERE = /there is no such file or folder$/;
const NO_MANIFEST = /^empty: no \*\.yaml, \*\.yml or \*\.json file in this folder$/;
const NOT_YAML = /^not-yaml\.yaml:2(?::1)?: Flow sequence /;
const NOT_KUBERNETES = [
  /^not-kubernetes\.yaml:1:1: apiVersion: is required$/,
  /^not-kubernetes\.yaml:1:1: kind: is required$/,
];

const UNREACHABLE = /^(?:error: )?https:\/\/127\.0\.0\.1:1 cannot be reached: /;
const EXPIRED =
  /^(?:error: )?https:\/\/127\.0\.0\.1:\d+ does not know these credentials \(.*\): they may have expired; log in again$/;
const SERVE = 'serve --tls-cert-file made/tls.crt --tls-private-key-file made/tls.key';
const READERS = ['preview -f', 'explain', 'fix -f', 'fix --write -f'];

const CASES: Readonly<Record<string, readonly Case[]>> = {
  'a file that is not there': [
    ...READERS.map((reader) =>
      one(`${reader} missing.yaml`, /^missing\.yaml: there is no such file or folder$/),
    ),
    ...['preview -f', 'explain', 'fix -f'].flatMap((reader) => [
      one(
        `${reader} pod.yaml --policy-file missing.yaml`,
        /^--policy-file: missing\.yaml: there is no such file or folder$/,
      ),
      one(
        `${reader} pod.yaml --namespaces-file missing.yaml`,
        /^--namespaces-file: missing\.yaml: there is no such file or folder$/,
      ),
    ]),
    one('policy check missing.yaml', NOT_THERE),
    one('policy show default --policy-file missing.yaml', NOT_THERE),
    one('policy test missing', NOT_THERE),
    one('profile ./missing.tar', /missing\.tar: no such file; check the path$/),
    one(
      'profile registry.example/web --certificate-authority missing.pem',
      /missing\.pem: no such file or folder; check the path$/,
    ),
    one('network-policy --kubeconfig missing', /^error: kubeconfig: missing: no such file; check the path$/),
    one('serve --tls-cert-file missing.crt', /missing\.crt/),
    one(
      `${SERVE} --policy-file missing.yaml`,
      /^error: --policy-file: missing\.yaml: no such file or folder; check the path$/,
    ),
    one(
      `${SERVE} --namespaces-file missing.yaml`,
      /^error: --namespaces-file: missing\.yaml: no such file or folder; check the path$/,
    ),
    one('serve --kubeconfig missing', /^error: --kubeconfig: missing: no such file; check the path$/),
  ],
  'a folder without manifests': [
    ...READERS.map((reader) => one(`${reader} empty`, NO_MANIFEST)),
    one('policy check empty', /^empty: .*no .*\.yaml/),
    one('policy test empty', /^empty: /),
    one('preview -f pod.yaml --policy-file empty', /^--policy-file: empty: /),
    one('profile ./empty', /empty is a folder; /),
  ],
  'a folder where a file belongs': [
    one('preview -f pod.yaml --namespaces-file empty', /^--namespaces-file: empty: /),
    one('network-policy --kubeconfig empty', /^error: kubeconfig: empty: a folder, not a file$/),
  ],
  'what is no YAML': [
    ...READERS.map((reader) => one(`${reader} not-yaml.yaml`, NOT_YAML)),
    { command: 'policy check not-yaml.yaml', says: [NOT_YAML], code: 1 },
    one('policy show default --policy-file not-yaml.yaml', NOT_YAML),
    one('preview -f pod.yaml --policy-file not-yaml.yaml', /^--policy-file: not-yaml\.yaml:2: /),
    one('profile ./not-yaml.yaml', /not-yaml\.yaml/),
    one(
      'network-policy --kubeconfig not-yaml.yaml',
      /^error: kubeconfig: not-yaml\.yaml: cannot be read as a kubeconfig: /,
    ),
  ],
  'what is no Kubernetes object': [
    ...READERS.map((reader) => ({ command: `${reader} not-kubernetes.yaml`, says: NOT_KUBERNETES })),
    { command: 'policy check pod.yaml', says: [/^pod\.yaml:2: kind: "Pod" is not HardeningPolicy/], code: 1 },
    one(
      'preview -f pod.yaml --policy-file pod.yaml',
      /^--policy-file: pod\.yaml:2: kind: "Pod" is not HardeningPolicy/,
    ),
    one('preview -f pod.yaml --namespaces-file pod.yaml', /^--namespaces-file: .*Namespace/),
    one(
      'network-policy --kubeconfig pod.yaml',
      /^error: kubeconfig: pod\.yaml: it has no contexts; is it a kubeconfig\?$/,
    ),
  ],
  'several problems are told together': [
    {
      command: 'preview -f missing.yaml -f empty -f not-yaml.yaml --policy nonsense',
      says: [/^--policy: .*nonsense/, /^missing\.yaml: /, /^empty: /, NOT_YAML],
    },
    {
      command: 'fix --write -f missing.yaml -f not-kubernetes.yaml',
      says: [/^missing\.yaml: /, ...NOT_KUBERNETES],
    },
  ],
  'a value that a flag does not take': [
    ...['preview -f', 'explain', 'fix -f'].flatMap((reader) => [
      one(`${reader} pod.yaml --policy restricte`, /^--policy: .*restricted/),
      one(`${reader} pod.yaml --mode enforced`, /^--mode: .*enforce/),
      one(`${reader} pod.yaml --label nonsense`, /^--label "nonsense" is not one /),
      one(`${reader} pod.yaml -n Shop`, /^--namespace: /),
    ]),
    one('preview -f pod.yaml -o table', /^error: option '-o, --output <format>' argument 'table' is invalid/),
    one('rules readOnly', /^there is no rule "readOnly"/),
    one('explain pod.yaml readOnlyRootFilesystems', /did you mean "readOnlyRootFilesystem"\?$/),
    one('policy show restrictd', /did you mean "restricted"\?$/),
    one('policy test empty --date soon', /^error: --date: "soon" is not a day/),
    one('profile registry.example/web --mirror nonsense', /^error: --mirror "nonsense" is not of the form/),
    one('network-policy --address nonsense', /^error: --address: /),
    one('network-policy --request-timeout soon', /^error: --request-timeout: "soon" is no duration/),
    one(
      'certs --days nonsense',
      /^error: option '--days <number>' argument 'nonsense' is invalid\. It is a whole number/,
    ),
    one('certs --host ///', /^error: --host "\/\/\/" is neither a DNS name nor an IP address$/),
    one('serve --log-level nonsense', /^error: option '--log-level <level>' argument 'nonsense' is invalid/),
    one(
      'completion powershell',
      /^error: command-argument value 'powershell' is invalid for argument 'shell'\. Allowed choices are bash, zsh, fish\.$/,
    ),
  ],
  'an argument that is missing': [
    one('explain', /^what to explain\? /),
    one('preview', /^what to preview\? /),
    one('policy check', /^error: missing required argument 'file\|dir'$/),
    one('policy show', /^error: missing required argument 'name'$/),
    one('policy test', /^error: missing required argument 'dir'$/),
    one('profile', /^error: missing required argument 'image\|tar'$/),
    one('completion', /^error: missing required argument 'shell'$/),
    one('fix', /^what to fix\? /),
  ],
  'a cluster that cannot be reached': [
    one('scan --kubeconfig closed.config', UNREACHABLE),
    one('explain pod/web --kubeconfig closed.config', UNREACHABLE),
    one('preview -f pod.yaml --live --kubeconfig closed.config', UNREACHABLE),
    one('scan --kubeconfig missing', /^error: kubeconfig: missing: no such file; check the path$/),
    one('explain pod/web --kubeconfig missing', /^kubeconfig: missing: no such file; check the path$/),
    one('network-policy --kubeconfig closed.config', /ECONNREFUSED 127\.0\.0\.1:\d+/),
    one('network-policy --server https://127.0.0.1:1', /ECONNREFUSED 127\.0\.0\.1:1/),
    one(
      'network-policy --kubeconfig closed.config --context nonsense',
      /^error: kubeconfig: closed\.config: there is no context "nonsense"; it has one$/,
    ),
    one(
      'profile 127.0.0.1:1/web',
      /^error: 127\.0\.0\.1:1 cannot be asked: connect ECONNREFUSED 127\.0\.0\.1:1$/,
    ),
  ],
  'credentials that have expired': [
    one('scan --kubeconfig expired.config', EXPIRED),
    one('explain pod/web --kubeconfig expired.config', EXPIRED),
    one('preview -f pod.yaml --live --kubeconfig expired.config', EXPIRED),
    one(
      'network-policy --kubeconfig expired.config',
      /^error: the API server does not accept the credentials \(401\): /,
    ),
  ],
  'a target that may only be read': [
    one('fix --write -f read-only.yaml', /^read-only\.yaml: not written: it is read-only$/),
    one('certs --dir /proc/kube-harden', /^error: cannot write to \/proc\/kube-harden: /),
    {
      command: 'policy test tests --update',
      says: [/^tests\/web\/expected\.yaml: not written: it is read-only$/],
      stdout: /^ERROR +tests\/web/,
    },
    {
      command: 'policy test tests --junit /proc/kube-harden.xml',
      says: [/^--junit: \/proc\/kube-harden\.xml: not written: /],
      stdout: /tests\/web/,
    },
  ],
};

describe('bad input', function () {
  this.timeout(180_000);
  let folder = '';
  let server: Server;
  let untouched: Record<string, string> = {};
  const outcomes = new Map<string, Ran>();

  before(async () => {
    folder = temporaryFolder();
    const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
    for (const name of ['empty', 'tests', 'tests/web']) mkdirSync(join(folder, name));
    for (const name of ['pod.yaml', 'read-only.yaml', 'tests/web/input.yaml']) write(name, POD);
    write('tests/web/expected.yaml', 'other: true\n');
    write('not-yaml.yaml', 'apiVersion: [v1\n');
    write('not-kubernetes.yaml', 'name: web\nimage: web\n');
    for (const name of ['read-only.yaml', 'tests/web/expected.yaml']) chmodSync(join(folder, name), 0o444);
    const status = {
      apiVersion: 'v1',
      kind: 'Status',
      status: 'Failure',
      reason: 'Unauthorized',
      message: 'Unauthorized',
      code: 401,
    };
    server = createServer(await servingPair(), (_request, response) =>
      response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify(status)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    write('expired.config', kubeconfig(`https://127.0.0.1:${(server.address() as AddressInfo).port}`));
    write('closed.config', kubeconfig('https://127.0.0.1:1'));
    await run('certs --dir made');
    untouched = snapshot();
    const commands = Object.values(CASES).flatMap((cases) => cases.map(({ command }) => command));
    await eachOf(commands, async (command) => outcomes.set(command, await run(command)));
  });
  after(() => server.close());

  function kubeconfig(url: string): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'one',
      contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
      clusters: [{ name: 'one', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'one', user: { token: 'expired' } }],
    });
  }

  const run = (command: string): Promise<Ran> =>
    runProgram('kube-harden', command.split(' '), { cwd: folder, env: { HOME: folder } });

  /** Every file with what is in it and its mode. */
  function snapshot(): Record<string, string> {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    return Object.fromEntries(
      paths.map((path) => {
        const { mode } = statSync(join(folder, path));
        return [
          path,
          `${mode} ${statSync(join(folder, path)).isFile() ? readFileSync(join(folder, path), 'utf8') : ''}`,
        ];
      }),
    );
  }

  function expectLines(stderr: string, says: readonly RegExp[]): void {
    const lines = stderr.split('\n');
    expect(lines.pop(), 'the end of the last line').to.equal('');
    expect(lines, stderr).to.have.lengthOf(says.length);
    says.forEach((pattern, index) => expect(lines[index]).to.match(pattern));
  }

  for (const [what, cases] of Object.entries(CASES)) {
    describe(what, () => {
      for (const { command, says, code = 2, stdout } of cases) {
        it(`kube-harden ${command}`, () => {
          const ran = outcomes.get(command);
          expectLines(ran?.stderr ?? '', says);
          expect(ran?.code).to.equal(code);
          if (stdout) expect(ran?.stdout).to.match(stdout);
          else expect(ran?.stdout).to.equal('');
        });
      }
    });
  }

  it('nothing is written by any of them', () => expect(snapshot()).to.deep.equal(untouched));

  it('a flag that is not there, of every command', async () => {
    await eachOf(await everyCommand(), async (words) => {
      const { code, stdout, stderr } = await run([...words, '--nonsense'].join(' '));
      const wanted = { code: 2, stdout: '', stderr: "error: unknown option '--nonsense'\n" };
      expect({ code, stdout, stderr }, words.join(' ')).to.deep.equal(wanted);
    });
  });

  it('a command that is not there', async () => {
    expect(await run('nonsense')).to.deep.equal({
      code: 2,
      stdout: '',
      stderr: "error: unknown command 'nonsense'\n",
    });
    expect((await run('previw -f pod.yaml')).stderr).to.equal(
      "error: unknown command 'previw'\n(Did you mean preview?)\n",
    );
    expect((await run('policy nonsense')).stderr).to.equal("error: unknown command 'nonsense'\n");
  });

  /** Commands that print something, with the status that they end with where they can. */
  const PRINT: Readonly<Record<string, number>> = {
    '--help': 0,
    '--version': 0,
    'preview -f pod.yaml': 1,
    'preview -f pod.yaml -o json': 1,
    'explain pod.yaml': 1,
    'fix -f pod.yaml': 1,
    'policy check policy.yaml': 0,
    'policy show default': 0,
    'policy test passing': 0,
    rules: 0,
    'network-policy --address 192.0.2.1': 0,
    'certs --dir made --if-missing': 0,
    'completion bash': 0,
    '__complete rul': 0,
  };
  describe('standard output', () => {
    before(async () => {
      writeFileSync(join(folder, 'policy.yaml'), (await run('policy show default')).stdout);
      mkdirSync(join(folder, 'passing'));
      writeFileSync(join(folder, 'passing/input.yaml'), POD);
      await run('policy test passing --update');
    });

    it('on a full disk: one line, status 2', async () => {
      await eachOf(Object.keys(PRINT), async (command) => {
        const ran = await runProgram('bash', ['-c', `kube-harden ${command} > /dev/full`], { cwd: folder });
        expectLines(ran.stderr, [/^(?:error: )?standard output: no space is left on the disk$/]);
        expect(ran.code, command).to.equal(2);
      });
    });

    it('that nobody reads: no error, and the status that it would have', async () => {
      await eachOf(Object.entries(PRINT), async ([command, status]) => {
        const script = `kube-harden ${command} | { exec <&-; sleep 0.3; }; exit \${PIPESTATUS[0]}`;
        const { code, stderr } = await runProgram('bash', ['-c', script], { cwd: folder });
        expect(stderr, command).to.not.match(/error|EPIPE|^ +at /m);
        expect(code, command).to.equal(status);
      });
    });
  });

  async function everyCommand(): Promise<string[][]> {
    const names = (await createProgram('kube-harden', [])).commands.map((command) => command.name());
    const found: string[][] = [[]];
    for (const name of names) {
      const loaded = (await createProgram('kube-harden', [name])).commands.find(
        (command) => command.name() === name,
      );
      found.push([name], ...(loaded?.commands ?? []).map((command) => [name, command.name()]));
    }
    return found;
  }
});

/** Does something with each, a few at a time: a process takes a tenth of a second to start. */
async function eachOf<T>(items: readonly T[], task: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await task(item);
  };
  await Promise.all([work(), work(), work()]);
}
