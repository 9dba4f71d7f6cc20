import { expect } from 'chai';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createProgram } from '../../src/cli/program.js';
import { dockerSaveTar, buildImage } from '../images/support/imageArchive.js';
import { TestRegistry } from '../images/support/testRegistry.js';
import { ExecServer } from '../learn/support/execServer.js';
import { temporaryFolder } from '../system/support/certificates.js';
import { builtCommand, runProgram } from './support/builtCommand.js';

/** What a line of an example ends with, and what the first line that it prints looks like; '' where it prints nothing. */
type Shown = readonly [code: number, first: RegExp | ''];

const NOTHING: Shown = [0, ''];

/** The lines of each command's example, in their order. */
const EXAMPLES: Readonly<Record<string, readonly Shown[]>> = {
  '': [
    [0, /^RULE +RISK +OS +PSS +WHAT IT IS FOR$/],
    [0, /^readOnlyRootFilesystem: /],
  ],
  serve: [
    [0, /^certs\/ca\.crt, certs\/tls\.crt and certs\/tls\.key are made, /],
    [0, /^kube-harden \d+\.\d+\.\d+, |"message":"/],
    [0, /^\[\+\]/],
  ],
  preview: [NOTHING, [1, /^--- a\/pod\.yaml$/], [1, /^pod\.yaml/], [1, /^\{$/], [1, /^apiVersion: v1$/]],
  explain: [NOTHING, [1, /^pod\.yaml#0 Pod default\/web$/], [1, /^pod\.yaml#0 Pod shop\/web$/], [1, /^\{$/]],
  fix: [
    NOTHING,
    [1, /^--- a\/pod\.yaml$/],
    [1, /^pod\.yaml: \d+ fields written \(/],
    [0, /^apiVersion: v1$/],
  ],
  scan: [
    [1, /./],
    [1, /./],
    [1, /./],
    [0, /^apiVersion: /],
  ],
  doctor: [
    [0, /./],
    [0, /./],
    [0, /^\{$/],
    [0, /./],
  ],
  learn: [[0, /^# /], [0, /^\{$/], NOTHING, [0, /^--- a\/policy\.yaml$/]],
  policy: [NOTHING, [0, /^policy\.yaml: policy default is valid: /]],
  'policy check': [NOTHING, [0, /^policy\.yaml: policy default is valid: /]],
  'policy show': [
    [0, /^# /],
    [0, /^\{$/],
  ],
  'policy test': [NOTHING, NOTHING, [0, /^updated +tests\/web/], [0, /^ok +tests\/web/]],
  rules: [
    [0, /^RULE +RISK +OS +PSS +WHAT IT IS FOR$/],
    [0, /^readOnlyRootFilesystem: /],
    [0, /^\{$/],
  ],
  profile: [
    [0, /^# /],
    [0, /^# /],
    [0, /^# /],
  ],
  'network-policy': [
    [0, /^# Keeps the pods of namespace shop from the API server; /],
    [0, /^# Keeps the selected pods of namespace shop /],
    [0, /^#!\/bin\/sh$/],
  ],
  certs: [
    [0, /^.*\/ca\.crt, .*tls\.crt and .*tls\.key are made, /],
    [0, /^Certificate:$/],
  ],
  completion: [NOTHING, NOTHING],
};

describe('--help', function () {
  this.timeout(120_000);
  let folder = '';
  let env: Record<string, string> = {};
  let registry: TestRegistry;
  let apiServer: ExecServer;

  before(async () => {
    folder = temporaryFolder();
    registry = await TestRegistry.start();
    const image = buildImage({ config: { User: '70', ExposedPorts: { '5432/tcp': {} } } });
    registry.push('library/postgres', image, '17');
    apiServer = await ExecServer.start();
    apiServer.answer = (_method, path) => {
      const body = clusterAnswer(new URL(path, 'http://localhost').pathname);
      return { status: body === undefined ? 404 : 200, body: body ?? { message: 'not found' } };
    };
    apiServer.run = ({ command: [, , script = ''] }) => ({ stdout: printedBy(script) });
    const programs = join(folder, 'programs');
    mkdirSync(programs);
    const program = (name: string, script: string): void => {
      writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(programs, name), 0o755);
    };
    // Docker Hub is not to be asked, Docker and a cluster are not there: everything else is real.
    const real = join(await builtCommand(), 'kube-harden');
    program(
      'kube-harden',
      `case $2 in postgres:*) set -- "$@" --mirror docker.io=${registry.host};; esac\nexec ${real} "$@"`,
    );
    writeFileSync(join(folder, 'nginx.docker'), dockerSaveTar(image, { tags: ['nginx:latest'] }));
    program('docker', `[ "$1" != save ] || cat ${folder}/nginx.docker`);
    program('kubectl', 'cat');
    writeFileSync(join(folder, 'kubeconfig'), kubeconfig(apiServer.url));
    env = {
      HOME: folder,
      KUBECONFIG: join(folder, 'kubeconfig'),
      PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    };
  });
  after(() => {
    registry.stop();
    return apiServer.stop();
  });

  it('of every command has an example, and each of them is run here', async () => {
    expect([...(await everyHelp()).keys()].sort()).to.deep.equal(Object.keys(EXAMPLES).sort());
  });

  for (const [name, shown] of Object.entries(EXAMPLES)) {
    it(`the example of kube-harden ${name} works as it is printed`, async () => {
      const lines = exampleIn((await everyHelp()).get(name) ?? '');
      expect(lines, 'the lines of the example').to.have.lengthOf(shown.length);
      const cwd = join(folder, `of-${name.replaceAll(' ', '-')}`);
      mkdirSync(cwd);
      const ports = { '8443': await freePort(), '9443': await freePort(), '8080': await freePort() };
      let served = '';
      for (const [index, [code, first]] of shown.entries()) {
        let line = (lines[index] ?? '').replaceAll('/tmp/', `${cwd}/`);
        for (const [port, free] of Object.entries(ports))
          line = line.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${free}`);
        if (line.startsWith('kube-harden serve')) served = line;
        else if (line.startsWith('curl '))
          await expectServed(served, line, cwd, [shown[index - 1]?.[1], first]);
        else {
          const ran = await runProgram('bash', ['-c', line], { cwd, env });
          expect(ran.code, `${line}\n${ran.stderr}`).to.equal(code);
          expectFirst(ran.stdout, first);
        }
      }
    });
  }

  /** serve is stopped once it has answered what the next line asks. */
  async function expectServed(
    serve: string,
    ask: string,
    cwd: string,
    shown: readonly (RegExp | '' | undefined)[],
  ): Promise<void> {
    const quiet = ask.replace('curl ', 'curl -sf ');
    const script = `${serve} > served.txt & for i in $(seq 200); do ${quiet} && break; sleep 0.1; done; kill $!; wait $!; status=$?; echo ---; cat served.txt; exit $status`;
    const { code, stdout, stderr } = await runProgram('bash', ['-c', script], { cwd, env });
    expect(code, stderr).to.equal(0);
    const [answer = '', said = ''] = stdout.split('---\n');
    expectFirst(said, shown[0] ?? '');
    expectFirst(answer, shown[1] ?? '');
  }

  function expectFirst(stdout: string, first: RegExp | ''): void {
    if (first === '') expect(stdout).to.equal('');
    else expect(stdout.split('\n')[0]).to.match(first);
  }
});

/** The commands of an example, each with the lines that it goes on in. */
function exampleIn(help: string): string[] {
  const [, example = ''] = help.split(/^Examples?:.*\n/m);
  return example
    .split(/^ {2}\$ /m)
    .slice(1)
    .map((line) => line.trimEnd());
}

/** What each command prints for --help; '' is the program itself. */
function everyHelp(): Promise<ReadonlyMap<string, string>> {
  helps ??= readHelps();
  return helps;
}

let helps: Promise<ReadonlyMap<string, string>> | undefined;

async function readHelps(): Promise<ReadonlyMap<string, string>> {
  const program = await createProgram('kube-harden', []);
  const found = new Map([['', '']]);
  for (const name of program.commands.map((command) => command.name())) {
    const loaded = (await createProgram('kube-harden', [name])).commands.find(
      (command) => command.name() === name,
    );
    if (!loaded) continue;
    found.set(name, '');
    for (const inner of loaded.commands) found.set(`${name} ${inner.name()}`, '');
  }
  for (const name of found.keys())
    found.set(
      name,
      (await runProgram('kube-harden', [...name.split(' ').filter((word) => word !== ''), '--help'])).stdout,
    );
  return found;
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function kubeconfig(server: string): string {
  const contexts = ['here', 'production'].map((name) => ({ name, context: { cluster: 'one', user: 'one' } }));
  const clusters = [{ name: 'one', cluster: { server } }];
  return JSON.stringify({
    'current-context': 'here',
    contexts,
    clusters,
    users: [{ name: 'one', user: {} }],
  });
}

type Answer = Readonly<Record<string, unknown>>;

const LABELS = { team: 'web' };
const SPEC = { containers: [{ name: 'web', image: 'registry.example/web' }] };

function objectOf(
  apiVersion: string,
  kind: string,
  name: string,
  owner: string | undefined,
  rest: object,
): Answer {
  const [ownerKind, ownerName] = owner?.split('/') ?? [];
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: ownerKind, name: ownerName, uid: owner, controller: true },
  ];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: 'shop',
      labels: LABELS,
      uid: `${kind}/${name}`,
      ...(owner !== undefined && { ownerReferences }),
    },
    ...rest,
  };
}

const TEMPLATE = {
  replicas: 1,
  selector: { matchLabels: LABELS },
  template: { metadata: { labels: LABELS }, spec: SPEC },
};
const CONTAINER_STATUS = {
  name: 'web',
  ready: true,
  restartCount: 0,
  image: 'registry.example/web',
  imageID: '',
  state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
};

/** What the cluster holds, by the resource that it is listed under: a Deployment with its pod in the namespace shop. */
const OBJECTS: Readonly<Record<string, readonly Answer[]>> = {
  namespaces: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: {} } }],
  deployments: [objectOf('apps/v1', 'Deployment', 'web', undefined, { spec: TEMPLATE })],
  replicasets: [objectOf('apps/v1', 'ReplicaSet', 'web-1', 'Deployment/web', { spec: TEMPLATE })],
  pods: [
    objectOf('v1', 'Pod', 'web-0', 'ReplicaSet/web-1', {
      spec: SPEC,
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [CONTAINER_STATUS],
      },
    }),
  ],
};

/** @returns undefined where there is no such object */
function clusterAnswer(path: string): Answer | undefined {
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.4' };
  const [, resource = '', name] =
    /^\/apis?\/(?:[\w.-]+\/)?v\w+(?:\/namespaces\/[^/]+(?=\/))?\/(\w+)(?:\/([^/]+))?$/.exec(path) ?? [];
  const all = OBJECTS[resource] ?? [];
  if (name === undefined) return { metadata: {}, items: all };
  return all.find(({ metadata }) => (metadata as { readonly name: string }).name === name);
}

/** What the scripts of learn printed in a container of a real node. */
function printedBy(script: string): string {
  const recorded = (part: string): string =>
    readFileSync(new URL(`../fixtures/learn/mariadb.${part}.txt`, import.meta.url), 'utf8');
  if (script.includes('@ selfcgroup')) return recorded('state');
  return script.includes('-newerct') ? recorded('files') : '@ self 9\n@ end\n';
}
