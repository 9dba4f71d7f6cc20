import { expect } from 'chai';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import type { ApiObject } from '../../../src/cluster/apiClient.js';
import { kubeconfigOf, type ApiServer } from '../../cluster/support/apiServer.js';
import { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { authority, servingPair, writePair } from '../support/certificates.js';
import { call, eventually, post } from '../support/clients.js';
import {
  NAMESPACES,
  POLICIES,
  emptyApiServer,
  namespaceObject,
  reviewsAll,
} from './support/clusterProcess.js';
import { hardens, print, runFolder, serve } from './support/serveProcess.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const DIST = dirname(process.env['E2E_MAIN'] ?? join(ROOT, 'dist', 'main.js'));
const MIB = 1024 * 1024;
/** Of all production dependencies with theirs, on disk. */
const MOST_MIB = 120;

const MODULES = join(dirname(DIST), 'node_modules');
/** The program itself. Once each: Node.js 20 ends itself where a flag names a folder a second time. */
const OWN = [...new Set([DIST, join(dirname(DIST), 'package.json'), MODULES, realpathSync(MODULES)])];
const RESTRAINTS = `${permissionFlag()} and --disallow-code-generation-from-strings`;
/** How it reads that something was not allowed; a logged error has no code. */
const DENIED = /ERR_ACCESS_DENIED|Access to this API|EvalError|Code generation/;
const POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
}

describe('26. what the process brings, and what it may do', () => {
  it('production dependencies: each with its size and its reason', async () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const reasons = reasonsOfDependencies();
    const all = await installed();
    for (const name of Object.keys(dependencies)) {
      const found = all.find((one) => one.name === name);
      const reason = reasons.get(name);
      if (found === undefined || reason === undefined)
        throw new Error(`${name} has no ${found ? 'reason' : 'folder'}`);
      const mib = found.bytes / MIB;
      print(`${name} ${found.version}, ${mib.toFixed(2)} MiB: ${reason.why}`);
      expect(reason.why.length, name).to.be.above(10);
      const told = Number(/^([\d.]+) MiB; /.exec(reason.cost)?.[1]);
      expect(told, `${name}: MiB in docs/adr/0008-dependencies.md`).to.be.within(
        0.8 * mib - 0.1,
        1.2 * mib + 0.1,
      );
    }
    const whole = all.reduce((sum, { bytes }) => sum + bytes, 0) / MIB;
    print(`${all.length} packages in all, ${whole.toFixed(1)} MiB`);
    expect(whole).to.be.within(1, MOST_MIB);
  });

  it('none of them has an install script', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; hasInstallScript?: boolean; integrity?: string }>;
    };
    const production = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    print(`${production.length} packages are locked, each with a checksum`);
    expect(production.filter(([, { hasInstallScript }]) => hasInstallScript === true)).to.deep.equal([]);
    expect(production.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).to.deep.equal([]);
  });

  it('npm audit knows of nothing in them, where it can be reached', async function () {
    const audit = await auditOf();
    if ('unreachable' in audit) {
      print(`npm audit cannot be asked here: ${audit.unreachable}`);
      this.skip();
    }
    print(`npm audit: ${JSON.stringify(audit.vulnerabilities)}`);
    expect(audit.vulnerabilities['total']).to.equal(0);
  });

  describe(`under ${RESTRAINTS}`, () => {
    let server: KubeHarden;
    let policies: string;
    let certFile: string;
    let keyFile: string;
    before(async () => {
      policies = runFolder.file('permitted-policies');
      mkdirSync(policies);
      writeFileSync(join(policies, 'one.yaml'), policy('first'));
      // As a kubelet mounts a Secret: links to a folder whose name changes, of which no flag knows.
      const mounted = runFolder.file('permitted-certificates');
      mkdirSync(join(mounted, '..1'), { recursive: true });
      symlinkSync('..1', join(mounted, '..data'));
      for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(mounted, file));
      [certFile, keyFile] = [join(mounted, 'tls.crt'), join(mounted, 'tls.key')];
      writePair(certFile, keyFile, await servingPair());
      server = await serve({
        env: { NODE_OPTIONS: optionsFor([...OWN, policies, mounted, '/proc']) },
        args: ['--policy-file', policies, '--tls-cert-file', certFile, '--tls-private-key-file', keyFile],
      });
    });
    after(async () => {
      expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
      expect(server.text()).to.not.match(DENIED);
    });

    it('admission is served', async () => {
      expect(await hardens(server)).to.equal(true);
    });

    it('the preview is, short ones and those that its thread makes', async () => {
      await expectPreviews(server);
      if (existsSync(join(DIST, 'web')))
        expect((await call(server.previewPort ?? 0, '/')).status).to.equal(200);
    });

    it('probes and metrics are, with those of the operating system', async () => {
      expect((await server.ready()).status).to.equal(200);
      expect(await server.metric('process_open_fds')).to.be.above(10);
      expect(await server.metric('kube_harden_uncaught_errors_total')).to.equal(0);
    });

    it('a changed certificate is taken over', async () => {
      writePair(certFile, keyFile, await servingPair());
      await eventually(async () => (await server.metric('kube_harden_tls_reloads_total')) > 0);
      expect(await hardens(server)).to.equal(true);
    });

    it('changed policies are read', async () => {
      writeFileSync(join(policies, 'two.yaml'), policy('second'));
      await eventually(async () => (await loadedAt(server, 'second')) > 0);
    });

    it('a file that it may not read is refused with a line that says so', async () => {
      // Its certificate is not among them.
      const started = serve({ env: { NODE_OPTIONS: optionsFor(OWN) } });
      const problem = await started.then(
        () => 'it started',
        (error: unknown) => String(error),
      );
      print(problem.split('\n').find((line) => line.startsWith('error: ')) ?? problem);
      expect(problem).to.match(/^error: certificate \S+: Access to this API has been restricted/m);
      expect(problem).to.not.match(/^ {4}at /m);
    });
  });

  describe(`under ${RESTRAINTS}, with a kubeconfig`, () => {
    let api: ApiServer;
    let kubeconfig: string;
    let caFile: string;
    let server: KubeHarden;
    const start = (name: string, readable: readonly string[]): Promise<KubeHarden> => {
      const certificate = ['crt', 'key'].map((ending) => runFolder.file(`${name}.${ending}`));
      return KubeHarden.start({
        name,
        folder: runFolder,
        kubeconfig,
        certificates: authority,
        env: { NODE_OPTIONS: optionsFor([...OWN, ...certificate, '/proc', ...readable]) },
        args: ['--shutdown-delay-duration', '0s'],
      });
    };
    before(async () => {
      api = await emptyApiServer();
      for (const name of ['shop', 'default']) api.put(NAMESPACES, namespaceObject(name));
      api.intercept = reviewsAll;
      caFile = runFolder.write('permitted-ca.crt', authority.cert);
      const cluster = {
        server: `http://127.0.0.1:${api.port}`,
        'insecure-skip-tls-verify': true,
        // Of no use here, but read before each request.
        'certificate-authority': caFile,
      };
      const config = {
        ...(kubeconfigOf(api.port) as object),
        clusters: [{ name: 'test', cluster }],
      };
      kubeconfig = runFolder.write('permitted.kubeconfig', JSON.stringify(config));
      server = await start('permitted', [kubeconfig, caFile]);
    });
    after(async () => {
      expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
      api.close();
      expect(server.text()).to.not.match(DENIED);
    });

    it('it is ready, and admission is served', async () => {
      expect((await server.ready()).status).to.equal(200);
      expect(await hardens(server)).to.equal(true);
    });

    it('the preview is, to who may ask, short ones and those that its thread makes', async () => {
      const reply = await post(server.previewPort ?? 0, POD, {}, '/preview');
      expect(reply.status, 'without a token').to.equal(401);
      await expectPreviews(server, { authorization: 'Bearer a-callers-token' });
    });

    it('policies of the cluster that change are read', async () => {
      api.put(POLICIES, parse(policy('third')) as ApiObject);
      await eventually(async () => (await loadedAt(server, 'third')) > 0);
    });

    it('a kubeconfig that it may not read is refused with a line that says so', async () => {
      const problem = await start('without-kubeconfig', [caFile]).then(
        () => 'it started',
        (error: unknown) => String(error),
      );
      print(problem.split('\n').find((line) => line.startsWith('error: ')) ?? problem);
      expect(problem).to.match(/^error: --kubeconfig: \S+: .*Access to this API has been restricted/m);
      expect(problem).to.not.match(/^ {4}at /m);
    });
  });
});

/** One that is short, and one that is long enough for the thread that makes such. */
async function expectPreviews(server: KubeHarden, headers: OutgoingHttpHeaders = {}): Promise<void> {
  const long = `${POD}---\n${POD.replace('name: a}', 'name: b}')}${'# a comment\n'.repeat(1000)}`;
  for (const body of [POD, long]) {
    const reply = await post(
      server.previewPort ?? 0,
      body,
      { headers: { 'content-type': 'application/yaml', ...headers } },
      '/preview',
    );
    expect(reply.status, reply.text.slice(0, 300)).to.equal(200);
    expect(reply.text).to.contain('runAsNonRoot');
  }
  expect(await server.metric('kube_harden_preview_worker_ends_total')).to.equal(0);
}

/** When a policy was last read; 0 where it never was. */
function loadedAt(server: KubeHarden, policy: string): Promise<number> {
  return server.metric('kube_harden_policy_last_load_success_timestamp_seconds', { policy });
}

/** Of which name this Node.js has the permission model. */
function permissionFlag(): string {
  return process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
}

function optionsFor(readable: readonly string[]): string {
  const reads = readable.map((path) => `--allow-fs-read=${path}`);
  return ['--disallow-code-generation-from-strings', permissionFlag(), '--allow-worker', ...reads].join(' ');
}

function policy(name: string): string {
  return [
    'apiVersion: kube-harden.io/v1alpha1',
    'kind: HardeningPolicy',
    `metadata: {name: ${name}}`,
    'spec: {rules: {privileged: {action: Deny}}}',
    '',
  ].join('\n');
}

/** By dependency, why it is there; test/docs finds the list equal to package.json. */
function reasonsOfDependencies(): ReadonlyMap<string, { readonly why: string; readonly cost: string }> {
  const [, table = ''] = readFileSync(join(ROOT, 'docs/adr/0008-dependencies.md'), 'utf8').split(
    '<!-- dependencies -->\n',
  );
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.flatMap((row) => {
      const [, names = '', why = '', cost = ''] = row.split('|').map((cell) => cell.trim());
      return [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, { why, cost }] as const);
    }),
  );
}

/** Every package that production brings. */
async function installed(): Promise<Package[]> {
  const { stdout } = await promisify(execFile)('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: ROOT,
    maxBuffer: 16 * MIB,
  });
  const [, ...folders] = stdout.trim().split('\n');
  return folders.map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;
    return { name, version, bytes: bytesIn(folder) };
  });
}

/** Of a package's files without those of the packages that lie within. */
function bytesIn(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += bytesIn(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}

async function auditOf(): Promise<{ vulnerabilities: Record<string, number> } | { unreachable: string }> {
  // It ends with 1 where it knows of something, and where it could not ask.
  const stdout = await promisify(execFile)('npm', ['audit', '--omit=dev', '--json'], {
    cwd: ROOT,
    timeout: 30_000,
  }).then(
    (done) => done.stdout,
    (error: unknown) => (error as { stdout?: string }).stdout ?? '',
  );
  const told = (stdout.startsWith('{') ? JSON.parse(stdout) : { message: 'no answer within 30 s' }) as {
    message?: string;
    metadata?: { vulnerabilities: Record<string, number> };
  };
  return told.metadata === undefined
    ? { unreachable: told.message ?? 'no reason given' }
    : { vulnerabilities: told.metadata.vulnerabilities };
}
