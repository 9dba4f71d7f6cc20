import { expect } from 'chai';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findHelm } from '../../chart/support/helmBinary.js';
import type { Json } from '../controlPlane/apiClient.js';
import { findBinaries } from '../controlPlane/binaries.js';
import { ControlPlane } from '../controlPlane/controlPlane.js';
import { runKubectl, type KubectlResult } from '../controlPlane/kubectl.js';
import { cleanUpWhenInterrupted } from '../support/interruption.js';
import { KubeHarden } from '../support/kubeHarden.js';
import { OPERATOR_CRDS } from '../support/operatorCrds.js';
import { looksLike, pageCommands } from '../support/pageBlocks.js';
import { runScript } from '../support/shell.js';
import { eventually } from '../support/wait.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CHART = join(ROOT, 'manifests', 'chart');
const PAGE = readFileSync(join(ROOT, 'docs', 'helm.md'), 'utf8');
const RELEASE = ['kube-harden', CHART, '-n', 'kube-harden'];
const ALL = {
  preview: { enabled: true },
  monitoring: { enabled: true },
  failOpen: true,
  openshift: true,
};

interface Stored {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion: string };
  readonly [field: string]: Json;
}

/** Of a control plane of its own: the shared one has the manifests already. There is no kubelet, so nothing waits. */
describe('chart, on the API server', function () {
  this.timeout(120_000);
  let own: ControlPlane | undefined;
  let helmPath = '';

  function controlPlane(): ControlPlane {
    if (own === undefined) throw new Error('no control plane runs');
    return own;
  }

  before(async function () {
    // Where no helm is there yet, it is built.
    this.timeout(600_000);
    helmPath = findHelm({ say: (line) => console.log(`      ${line}`) });
    cleanUpWhenInterrupted(() => own?.folder.finish({ failed: true }));
    own = await ControlPlane.start();
  });
  after(async function () {
    const failed = this.test?.parent?.tests.some(({ state }) => state === 'failed') === true;
    await own?.stop({ failed });
  });

  function helm(...args: readonly string[]): Promise<KubectlResult> {
    const { adminKubeconfig, folder } = controlPlane();
    return runKubectl(helmPath, args, folder.path, { kubeconfig: adminKubeconfig });
  }

  async function helmOutput(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await helm(...args);
    expect([code, stderr], `helm ${args.join(' ')}`).to.deep.equal([0, '']);
    return stdout;
  }

  const kubectl = (args: readonly string[], input?: string | object): Promise<string> =>
    controlPlane().kubectlOutput(args, { cwd: ROOT, ...(input === undefined ? {} : { input }) });

  function valuesFile(name: string, values: object): string {
    return controlPlane().folder.write(name, JSON.stringify(values));
  }

  /** Every object of the release as it is stored, by `Kind namespace/name`. */
  async function stored(release = 'kube-harden'): Promise<ReadonlyMap<string, Stored>> {
    const manifest = await helmOutput('get', 'manifest', 'kube-harden', '-n', release);
    const { items } = JSON.parse(await kubectl(['get', '-f', '-', '-o', 'json'], manifest)) as {
      items: Stored[];
    };
    return new Map(
      items.map((item) => [`${item.kind} ${item.metadata.namespace ?? ''}/${item.metadata.name}`, item]),
    );
  }

  /** What the server writes into objects that ship empty. */
  function filled(objects: ReadonlyMap<string, Stored>, namespace = 'kube-harden'): Json[] {
    const webhooks = objects.get('MutatingWebhookConfiguration /kube-harden')?.['webhooks'] as readonly {
      clientConfig: { caBundle?: string };
    }[];
    return [
      objects.get(`Secret ${namespace}/kube-harden-certificates`)?.['data'],
      (objects.get(`Lease ${namespace}/kube-harden`)?.['spec'] as { acquireTime?: string } | undefined)
        ?.acquireTime,
      ...webhooks.map(({ clientConfig }) => clientConfig.caBundle),
    ];
  }

  /** A leader comes, makes certificates and goes. */
  async function runReplica(namespace: string): Promise<void> {
    const { folder } = controlPlane();
    const kubeconfig = await controlPlane().serviceAccountKubeconfig(namespace, 'kube-harden');
    const replica = await KubeHarden.start({ name: `chart-${namespace}`, folder, kubeconfig, namespace });
    try {
      const all = async (): Promise<boolean> => filled(await stored(namespace), namespace).every(Boolean);
      await eventually('its caBundle written', all, 20_000, 250);
    } finally {
      await replica.stop();
    }
  }

  it('install --dry-run=server is accepted, with all that can be chosen', async () => {
    await kubectl(['apply', '--server-side', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'List',
      items: OPERATOR_CRDS,
    });
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
    for (const certificates of ['self-signed', 'cert-manager']) {
      const values = valuesFile('values.json', { certificates, ...ALL });
      const output = await helmOutput('install', ...RELEASE, '-f', values, '--dry-run=server');
      expect(output).to.include('STATUS: pending-install');
    }
  });

  it('template | kubectl apply --dry-run=server is accepted once the namespace and the CRD exist', async () => {
    const crd = readFileSync(join(ROOT, 'manifests/crd/hardeningpolicies.kube-harden.io.yaml'), 'utf8');
    await kubectl(['apply', '--server-side', '-f', '-'], crd);
    await kubectl(['apply', '--server-side', '-f', 'manifests/base/namespace.yaml']);
    await kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      'crd/hardeningpolicies.kube-harden.io',
    ]);
    const apply = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
    let objects = 0;
    for (const certificates of ['self-signed', 'cert-manager']) {
      const choices = { certificates, ...ALL, namespace: { create: true }, policies: { default: {} } };
      const rendered = await helmOutput('template', ...RELEASE, '-f', valuesFile('values.json', choices));
      const { code, stdout, stderr } = await controlPlane().kubectl(apply, { input: rendered });
      expect([code, stderr], certificates).to.deep.equal([0, '']);
      const lines = stdout.trim().split('\n');
      expect(lines).to.have.length(rendered.match(/^kind: /gm)?.length ?? 0);
      objects += lines.length;
    }
    console.log(`      ${objects} objects`);
    await kubectl(['delete', 'crd', 'hardeningpolicies.kube-harden.io']);
  });

  it('install with policies is refused where there is no CRD yet, and leaves nothing', async () => {
    const values = valuesFile('values.json', { policies: { default: {} } });
    const { code, stderr } = await helm('install', ...RELEASE, '-f', values);
    expect(code).to.equal(1);
    expect(stderr)
      .to.include('no matches for kind "HardeningPolicy"')
      .and.to.include('ensure CRDs are installed first');
    expect(await helmOutput('list', '-A', '--short')).to.equal('');
    expect(
      await kubectl(['get', 'clusterroles', '-l', 'app.kubernetes.io/name=kube-harden', '-o', 'name']),
    ).to.equal('');
  });

  it('install makes every object, and says the next two commands', async () => {
    const output = await helmOutput('install', ...RELEASE);
    expect(output).to.include('kubectl -n kube-harden rollout status deployment/kube-harden');
    expect(output).to.include('kubectl label namespace NAMESPACE kube-harden.io/mode=audit');
    const objects = await stored();
    expect([...objects.keys()]).to.include.members([
      'CustomResourceDefinition /hardeningpolicies.kube-harden.io',
      'Deployment kube-harden/kube-harden',
      'Role default/kube-harden',
      'ValidatingAdmissionPolicy /kube-harden-labels',
    ]);
    expect(filled(objects).filter(Boolean)).to.deep.equal([]);
    console.log(`      ${objects.size} objects`);
  });

  it('a replica fills what ships empty; an upgrade that changes nothing writes nothing', async () => {
    await runReplica('kube-harden');
    // No controller writes a status between two looks, so that a resourceVersion moves by what helm does alone.
    await controlPlane().stopControllerManager();
    const before = await stored();
    await helmOutput('upgrade', ...RELEASE);
    const after = await stored();
    for (const [id, { metadata }] of after)
      expect(metadata.resourceVersion, id).to.equal(before.get(id)?.metadata.resourceVersion);
    expect(filled(after)).to.deep.equal(filled(before));
    await controlPlane().startControllerManager();
  });

  it('an upgrade with other values brings them, policies too, and leaves what the server wrote', async () => {
    const before = filled(await stored());
    const values = { ...ALL, replicas: 2, policies: { default: { rules: { sshd: { action: 'Deny' } } } } };
    await helmOutput('upgrade', ...RELEASE, '-f', valuesFile('values.json', values));
    const objects = await stored();
    expect(filled(objects)).to.deep.equal(before);
    expect(objects.get('Deployment kube-harden/kube-harden')?.['spec'].replicas).to.equal(2);
    expect(objects.get('HardeningPolicy /default')?.['spec'].rules.sshd.action).to.equal('Deny');
    expect([...objects.keys()]).to.include('Service kube-harden/kube-harden-preview');
    // Without values helm goes on with those of the release.
    await helmOutput('upgrade', ...RELEASE, '--reset-values');
    const back = await stored();
    expect(back.has('HardeningPolicy /default')).to.equal(false);
    expect(filled(back)).to.deep.equal(before);
    const { status } = await controlPlane().api(
      'GET',
      '/api/v1/namespaces/kube-harden/services/kube-harden-preview',
    );
    expect(status).to.equal(404);
  });

  it('an upgrade upgrades the CRD, and the policies that are there stay', async () => {
    await kubectl(['apply', '--server-side', '-f', '-'], {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name: 'of-a-team' },
      spec: {},
    });
    const newer = controlPlane().folder.file('newer');
    cpSync(CHART, newer, { recursive: true });
    const file = join(newer, 'templates', 'hardeningpolicies.kube-harden.io.yaml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('      - hpol\n', '      - hpol\n      - hardening\n'),
    );
    await helmOutput('upgrade', 'kube-harden', newer, '-n', 'kube-harden');
    const names = [
      'get',
      'crd',
      'hardeningpolicies.kube-harden.io',
      '-o',
      'jsonpath={.spec.names.shortNames}',
    ];
    expect(await kubectl(names)).to.equal('["hpol","hardening"]');
    await helmOutput('upgrade', ...RELEASE);
    expect(await kubectl(names)).to.equal('["hpol"]');
    expect(await kubectl(['get', 'hardeningpolicies', '-o', 'name'])).to.equal(
      'hardeningpolicy.kube-harden.io/of-a-team\n',
    );
  });

  it('a second release is refused: what is cluster-wide is there once', async () => {
    await kubectl(['create', 'namespace', 'second']);
    const { code, stderr } = await helm('install', 'second', CHART, '-n', 'second');
    expect(code).to.equal(1);
    expect(stderr).to.include('invalid ownership metadata');
  });

  it('uninstall leaves the namespace, the CRD and the policies that are not its own', async () => {
    const made = [...(await stored()).keys()];
    await kubectl(['delete', 'mutatingwebhookconfiguration', 'kube-harden']);
    const output = await helmOutput('uninstall', 'kube-harden', '-n', 'kube-harden');
    expect(output).to.include('[CustomResourceDefinition] hardeningpolicies.kube-harden.io');
    const left = await Promise.all(
      made.map(async (id) => {
        const [kind = '', path = ''] = id.split(' ');
        const [namespace = '', name = ''] = path.split('/');
        const where = namespace === '' ? [] : ['-n', namespace];
        const found = await kubectl(['get', kind, name, ...where, '--ignore-not-found', '-o', 'name']);
        return found === '' ? [] : [id];
      }),
    );
    expect(left.flat()).to.deep.equal(['CustomResourceDefinition /hardeningpolicies.kube-harden.io']);
    expect(await kubectl(['get', 'hardeningpolicies', '-o', 'name'])).to.equal(
      'hardeningpolicy.kube-harden.io/of-a-team\n',
    );
    expect(await kubectl(['get', 'namespace', 'kube-harden', '-o', 'name'])).to.equal(
      'namespace/kube-harden\n',
    );
    expect(await helmOutput('list', '-A', '--short')).to.equal('');
  });

  it('install works again over what was left', async () => {
    await helmOutput('install', ...RELEASE);
    expect((await stored()).has('Deployment kube-harden/kube-harden')).to.equal(true);
  });

  it('install in another namespace: a replica finds all that is its own there', async () => {
    await helmOutput('uninstall', 'kube-harden', '-n', 'kube-harden');
    await kubectl(['delete', 'crd', 'hardeningpolicies.kube-harden.io']);
    await kubectl(['create', 'namespace', 'hardening']);
    await helmOutput('install', 'kube-harden', CHART, '-n', 'hardening');
    await runReplica('hardening');
    const webhooks = (await stored('hardening')).get('MutatingWebhookConfiguration /kube-harden')?.[
      'webhooks'
    ];
    for (const { clientConfig } of webhooks as { clientConfig: { service: { namespace: string } } }[])
      expect(clientConfig.service.namespace).to.equal('hardening');
  });
});

/** On a control plane of its own, as a reader begins. */
describe('docs/helm.md', function () {
  this.timeout(120_000);
  let controlPlane: ControlPlane;
  let helmPath = '';
  let folder = '';

  before(async function () {
    this.timeout(600_000);
    helmPath = findHelm();
    controlPlane = await ControlPlane.start();
    folder = controlPlane.folder.file('reader');
    mkdirSync(folder);
    symlinkSync(join(ROOT, 'manifests'), join(folder, 'manifests'));
    for (const [, name = '', content = ''] of PAGE.matchAll(/<!-- file: (\S+) -->\n```yaml\n([^]*?)```/g))
      writeFileSync(join(folder, name), content);
  });
  after(async function () {
    const failed = this.test?.parent?.tests.some(({ state }) => state === 'failed') === true;
    await controlPlane.stop({ failed });
  });

  for (const { script, section, output } of pageCommands(PAGE)) {
    it(`${section}: ${script.split('\n').at(-1) ?? ''}`, async () => {
      const { code, output: actual } = await runScript(script, {
        cwd: folder,
        env: { KUBECONFIG: controlPlane.adminKubeconfig, HOME: controlPlane.folder.path },
        folders: [dirname(helmPath), dirname(findBinaries().kubectl)],
      });
      expect(code, actual).to.equal(0);
      if (output !== undefined && !looksLike(output, actual)) expect(actual).to.equal(output);
    });
  }
});
