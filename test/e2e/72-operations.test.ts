import { expect } from 'chai';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { CertificateAuthority, validFor, type Validity } from '../../src/server/certificateAuthority.js';
import { ControlPlane } from './controlPlane/controlPlane.js';
import { findBinaries } from './controlPlane/binaries.js';
import { pointWebhooks } from './support/install.js';
import { untilLed } from './support/leadership.js';
import { looksLike, pageCommands, pageRows, pageText, type PageCommand } from './support/pageBlocks.js';
import { runScript, type ScriptResult } from './support/shell.js';
import { eventually } from './support/wait.js';
import { World } from './support/world.js';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
const COMMANDS = pageCommands(PAGE);
const SYMPTOMS = pageRows(PAGE, 'symptoms');
/** Those before the table of symptoms are run before the symptoms are provoked, the others after. */
const BEFORE_SYMPTOMS = pageCommands(PAGE.split('<!-- symptoms -->')[0] ?? '').length;

const APPLIES_OVERLAY = /(?:apply|diff) --server-side .*-k manifests\/overlays\//;
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kube-harden';
const PROBE = 'kubectl run probe -n shop --image=nginx:1.27 --dry-run=server';
/** Labels and policies take effect within two seconds, certificates within the leader's round of ten. */
const EFFECT_MS = 20_000;
/** A new authority is trusted for a twentieth of its life before it signs: 8 s, where the default is a minute. */
const SHORT_LIVES = ['--certificate-duration', '80s', '--ca-duration', '160s'];
const HOSTS = ['--certificate-hosts', '127.0.0.1,kube-harden-preview.kube-harden.svc'];

let controlPlane: ControlPlane;
let cluster: World;
let folder: string;
let failed = false;

/** What a page's reader has: the repository, kubectl, a cluster. */
function run(script: string): Promise<ScriptResult> {
  const [preview] = cluster.replicas;
  return runScript(script.replaceAll('localhost:9443', `127.0.0.1:${preview?.previewPort ?? 0}`), {
    cwd: folder,
    env: { KUBECONFIG: controlPlane.adminKubeconfig, HOME: controlPlane.folder.path },
    folders: [join(findBinaries().kubectl, '..')],
  });
}

/** There is no pod behind the Service here; the page's own name of it is put back where it is compared. */
function asInCluster(text: string): string {
  return text.replaceAll(
    `https://127.0.0.1:${cluster.forwarder.port}/`,
    'https://kube-harden.kube-harden.svc:443/',
  );
}

async function eachWebhook(
  change: (client: Record<string, unknown>, path: string) => unknown,
): Promise<void> {
  const { status, body } = await controlPlane.api('GET', CONFIGURATION);
  if (status === 404) return;
  const operations = (body.webhooks as { name: string; clientConfig: Record<string, unknown> }[]).map(
    ({ name, clientConfig }, index) => ({
      op: 'replace',
      path: `/webhooks/${index}/clientConfig`,
      value: change(clientConfig, `/mutate/${name.split('.')[0] ?? ''}`),
    }),
  );
  const reply = await controlPlane.api('PATCH', CONFIGURATION, operations, {
    contentType: 'application/json-patch+json',
  });
  expect(reply.status, JSON.stringify(reply.body)).to.equal(200);
}

/** As the manifests have it, so that they can be applied again. */
function pointToService(): Promise<void> {
  return eachWebhook(({ caBundle }, path) => ({
    service: { namespace: 'kube-harden', name: 'kube-harden', path, port: 443 },
    ...(caBundle === undefined ? {} : { caBundle }),
  }));
}

async function overlayApplied(): Promise<void> {
  await pointWebhooks(controlPlane, cluster.forwarder.port);
  if (cluster.kubeconfig === '') {
    cluster.kubeconfig = await controlPlane.serviceAccountKubeconfig('kube-harden', 'kube-harden', {
      server: `https://127.0.0.1:${cluster.apiDoor.port}`,
    });
    await controlPlane.kubectlOutput(
      ['apply', '--server-side', '-f', 'manifests/components/preview/roles.yaml'],
      { cwd: ROOT },
    );
    const args = [...HOSTS, ...SHORT_LIVES];
    await Promise.all([cluster.startReplica({ args }), cluster.startReplica({ args })]);
  }
  await eventually(
    'the leader to fill in caBundle, and a call to work',
    async () => (await run(PROBE.replace('-n shop', '-n warm'))).code === 0,
    EFFECT_MS,
    250,
  );
}

async function check({ script, expected, output }: PageCommand): Promise<void> {
  const once = async (): Promise<string | undefined> => {
    const { code, output: actual } = await run(script);
    if ((code === 0) !== (expected === 'success')) return `exit code ${code}\n${actual}`;
    const isRight = output === undefined || looksLike(output, actual);
    return isRight ? undefined : `another output than the page shows:\n${actual}`;
  };
  // What shows its output only asks, as `kubectl diff` does: a label or a policy set just before may take two seconds, and a
  // Lease may be renewed between the two questions of a diff.
  let problem: string | undefined;
  if (output === undefined && !script.startsWith('kubectl diff ')) problem = await once();
  else
    await eventually('the output', async () => (problem = await once()) === undefined, EFFECT_MS, 500).catch(
      () => undefined,
    );
  expect(problem, problem).to.equal(undefined);
}

function title({ script, section }: PageCommand): string {
  const [first = ''] = script.split('\n');
  return `${section}: ${first.length > 90 ? `${first.slice(0, 90)}...` : first}`;
}

function runCommands(commands: readonly PageCommand[]): void {
  for (const command of commands) {
    it(title(command), async () => {
      const appliesOverlay = APPLIES_OVERLAY.test(command.script);
      if (appliesOverlay) await pointToService();
      await check(command);
      if (appliesOverlay) await overlayApplied();
    });
  }
}

/** One of the replicas is ready and says what the page shows. */
async function readyzShows(directive: string): Promise<void> {
  const shown = pageText(PAGE, directive);
  let texts: readonly string[] = [];
  const isShown = async (): Promise<boolean> => {
    const answers = await Promise.all(cluster.replicas.map((replica) => replica.ready(true)));
    texts = answers.map(({ status, text }) => `${status}\n${text}`);
    return answers.some(({ status, text }) => status === 200 && looksLike(shown, text));
  };
  await eventually(directive, isShown, EFFECT_MS).catch((cause: unknown) => {
    throw new Error(`${directive}: not as the page shows it:\n${texts.join('\n')}`, { cause });
  });
}

async function labelShop(...labels: string[]): Promise<void> {
  await controlPlane.kubectlOutput(['label', 'ns', 'shop', '--overwrite', ...labels]);
}

/** The row of the table that the refusal looks like: one and no other. */
async function showsRow(row: string, script = PROBE): Promise<void> {
  let last = '';
  const found = await eventually(
    row,
    async () => {
      const { code, output } = await run(script);
      last = asInCluster(output);
      const message = last.split('\n').find((line) => line.startsWith('Error')) ?? '';
      const rows = SYMPTOMS.filter((symptom) => looksLike(`...${symptom}...`, message));
      return code !== 0 && rows.includes(row) && rows;
    },
    EFFECT_MS,
    250,
  ).catch((error: unknown) => {
    throw new Error(`not as the row says:\n${last}`, { cause: error });
  });
  expect(found, last).to.deep.equal([row]);
  provoked.add(row);
}

const provoked = new Set<string>();
const row = (part: string): string => {
  const [found, second] = SYMPTOMS.filter((symptom) => symptom.includes(part));
  if (found === undefined || second !== undefined) throw new Error(`not one row of the page has: ${part}`);
  return found;
};

/** Answers calls with a certificate as given, which the configuration trusts unless `trusted` is another's. */
async function serveWith(hosts: readonly string[], validity: Validity, isTrusted = true): Promise<Server> {
  const authority = await CertificateAuthority.create('test CA', validFor(1));
  const other = await CertificateAuthority.create('another CA', validFor(1));
  const pair = await authority.issue({ commonName: 'kube-harden', hosts, usage: 'server', ...validity });
  const caBundle = Buffer.from((isTrusted ? authority : other).cert).toString('base64');
  await eachWebhook((client) => ({ ...client, caBundle }));
  return listening(createTlsServer(pair));
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.on('error', () => undefined).listen(0, '127.0.0.1', resolve));
  cluster.forwarder.setBackends([{ port: (server.address() as AddressInfo).port }]);
  return server;
}

const DAY_MS = 86_400_000;

describe('docs/operations.md', function () {
  this.timeout(120_000);
  // Each command goes on from where the one before it left things.
  this.bail(true);

  before(async () => {
    controlPlane = await ControlPlane.start();
    cluster = await World.create(controlPlane);
    folder = controlPlane.folder.file('page');
    mkdirSync(folder);
    symlinkSync(join(ROOT, 'manifests'), join(folder, 'manifests'));
    // What the page's reader has already: a namespace with a Deployment, and people who may update namespaces.
    for (const args of [
      ['create', 'ns', 'shop'],
      ['create', 'ns', 'warm'],
      ['label', 'ns', 'warm', 'kube-harden.io/mode=enforce'],
      ['create', 'deployment', 'web', '-n', 'shop', '--image=nginx:1.27'],
      ['create', 'clusterrole', 'namespace-editor', '--verb=get,update,patch', '--resource=namespaces'],
      [
        'create',
        'clusterrolebinding',
        'namespace-editor',
        '--clusterrole=namespace-editor',
        '--group=platform-team',
        '--group=shop-team',
      ],
    ])
      await controlPlane.kubectlOutput(args);
  });

  afterEach(function () {
    failed ||= this.currentTest?.state === 'failed';
  });

  after(async () => {
    await cluster.close();
    await controlPlane.stop({ failed });
  });

  it('has its commands marked and its output compared', () => {
    expect(() => pageCommands('## Part\n\n```sh\nls\n```\n')).to.throw('not marked');
    expect(
      looksLike('pod/web-XXXXX created\n...\nAGE  1s', 'pod/web-b7k2x created\nmore\nAGE    25s\n'),
    ).to.equal(true);
    expect(looksLike('pod/web-XXXXX created', 'pod/web-b7k2x deleted')).to.equal(false);
    expect(looksLike('* one\n* two', '* two\n* one')).to.equal(true);
    const shown = COMMANDS.filter(({ output }) => output !== undefined).length;
    const { length: notRun } = PAGE.match(/<!-- not run: /g) ?? [];
    console.log(
      `      ${COMMANDS.length} blocks are run, the output of ${shown} compared; ${notRun} are not run`,
    );
    expect(COMMANDS).to.have.length.of.at.least(30);
    expect(SYMPTOMS).to.have.length.of.at.least(12);
  });

  describe('its commands', () => runCommands(COMMANDS.slice(0, BEFORE_SYMPTOMS)));

  describe('the table of messages', () => {
    const servers: Server[] = [];

    after(async () => {
      for (const server of servers) server.close();
      await cluster.endpoints.resume();
    });

    it('a rule denies', async () => {
      await labelShop('kube-harden.io/policy=shop');
      await showsRow(row('denied the request'), `${PROBE} --privileged`);
      await labelShop('kube-harden.io/policy-');
    });

    it('a quota is exceeded', async () => {
      await controlPlane.kubectlOutput(['create', 'quota', 'small', '-n', 'shop', '--hard=requests.cpu=50m']);
      await showsRow(row('exceeded quota'));
      await controlPlane.kubectlOutput(['delete', 'quota', 'small', '-n', 'shop']);
    });

    it('Pod Security refuses', async () => {
      await labelShop('pod-security.kubernetes.io/enforce=restricted');
      await showsRow(row('violates PodSecurity'), `${PROBE} --privileged`);
      await labelShop('pod-security.kubernetes.io/enforce-');
    });

    it('the policy of a namespace is broken and never was good', async () => {
      const spec = { imageProfiles: [{ images: ['a\u00a0b'] }] };
      const policy = {
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        metadata: { name: 'broken' },
        spec,
      };
      await controlPlane.kubectlOutput(['apply', '-f', '-'], { input: policy });
      await labelShop('kube-harden.io/policy=broken');
      await showsRow(row('has never loaded'));
      await labelShop('kube-harden.io/policy-');
    });

    it('/readyz?verbose when all is well', () => readyzShows('readyz: all is well'));

    it('the API server is away from the replicas, and a namespace is new', async () => {
      await untilLed(cluster, EFFECT_MS);
      cluster.apiDoor.setBackends([]);
      cluster.apiDoor.cut();
      const namespace = {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'fresh', labels: { 'kube-harden.io/mode': 'enforce' } },
      };
      await controlPlane.kubectlOutput(['create', '-f', '-'], { input: namespace });
      await controlPlane.hasServiceAccount('fresh');
      await showsRow(row('could not be looked up'), PROBE.replace('-n shop', '-n fresh'));
      await readyzShows('readyz: the API server is away');
      cluster.apiDoor.setBackends([{ port: controlPlane.port }]);
      await readyzShows('readyz: all is well');
    });

    it('no replica is there', async () => {
      // Nobody is to mend caBundle in what follows.
      for (const replica of cluster.replicas) await cluster.stopReplica(replica, 'SIGKILL');
      cluster.endpoints.pause();
      const closed = await listening(createTcpServer());
      const { port } = closed.address() as AddressInfo;
      await new Promise((resolve) => closed.close(resolve));
      await pointWebhooks(controlPlane, port);
      await showsRow(row('connection refused'));
      await pointWebhooks(controlPlane, cluster.forwarder.port);
    });

    it('a replica goes away in the middle of a call', async () => {
      cluster.forwarder.setBackends([]);
      await showsRow(row('connection reset by peer'));
    });

    it('nobody answers', async () => {
      servers.push(await listening(createTcpServer()));
      await showsRow(row('context deadline exceeded'));
    });

    it('the certificate is for another name', async () => {
      servers.push(await serveWith(['kube-harden.other.svc', '127.0.0.2'], validFor(1)));
      await showsRow(row('certificate is valid for'));
    });

    it('the certificate has expired', async () => {
      const now = Date.now();
      servers.push(
        await serveWith(['127.0.0.1'], {
          notBefore: new Date(now - 2 * DAY_MS),
          notAfter: new Date(now - DAY_MS),
        }),
      );
      await showsRow(row('has expired'));
    });

    it('caBundle is that of another authority', async () => {
      servers.push(await serveWith(['127.0.0.1'], validFor(1), false));
      await showsRow(row('unknown authority'));
    });

    it('the Service is gone', async () => {
      await pointToService();
      await controlPlane.kubectlOutput(['delete', 'service', 'kube-harden', '-n', 'kube-harden']);
      await showsRow(row('service "kube-harden" not found'));
    });

    it('has no row that was not provoked', () => {
      expect([...provoked].sort()).to.deep.equal([...SYMPTOMS].sort());
    });
  });

  describe('its last commands', () => {
    runCommands(COMMANDS.slice(BEFORE_SYMPTOMS));

    it('nothing is left', async () => {
      const kinds =
        'mutatingwebhookconfigurations,validatingadmissionpolicies,crd,clusterroles,clusterrolebindings,ns';
      const { stdout } = await controlPlane.kubectl([
        'get',
        kinds,
        '-l',
        'app.kubernetes.io/name=kube-harden',
        '-o',
        'name',
      ]);
      // Those of the component preview, which were applied by themselves.
      expect(
        stdout.split('\n').filter((name) => name !== '' && !name.endsWith('/kube-harden-preview-server')),
      ).to.deep.equal([]);
      const { body } = await controlPlane.api('GET', '/api/v1/namespaces/shop');
      expect(Object.keys(body.metadata.labels as object)).to.deep.equal(['kubernetes.io/metadata.name']);
    });
  });
});
