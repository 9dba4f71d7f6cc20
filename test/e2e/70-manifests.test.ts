import { expect } from 'chai';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Json } from './controlPlane/apiClient.js';
import { ControlPlane } from './controlPlane/controlPlane.js';
import { BUILTIN_NAMES, mutatingBuiltins } from './support/hardeningPolicies.js';
import { KubeHarden } from './support/kubeHarden.js';
import { kustomizationOf } from './support/kustomization.js';
import { OPERATOR_CRDS } from './support/operatorCrds.js';
import { eachOf, type PodReply } from './support/podRequests.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const ROOT = join(import.meta.dirname, '..', '..');
const SELF_SIGNED = 'manifests/overlays/self-signed';
const COMPONENTS = ['preview', 'monitoring', 'fail-open', 'openshift'].map((name) => `components/${name}`);
/** Beside the overlay that the other tests apply; each component alone is built in test/manifests. */
const INSTALLATIONS = [
  { overlay: 'overlays/self-signed', components: COMPONENTS },
  ...[[], COMPONENTS].map((components) => ({ overlay: 'overlays/cert-manager', components })),
];
/** No component takes back what another does to the pods. */
const WITH_PODS = ['overlays/self-signed', 'overlays/cert-manager'].flatMap((overlay) =>
  [[], COMPONENTS].map((components) => ({ overlay, components })),
);

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: Json;
}

/** Of a control plane of its own: where a webhook is called by an address, as in the shared one, nothing can be applied again. */
describe('manifests applied', function () {
  this.timeout(120_000);
  let own: ControlPlane | undefined;

  function controlPlane(): ControlPlane {
    if (own === undefined) throw new Error('no control plane runs');
    return own;
  }

  before(async () => {
    own = await ControlPlane.start();
    // No controller writes a status between two looks, so that a resourceVersion moves by what is applied alone.
    await own.stopControllerManager();
  });
  after(async function () {
    const failed = this.test?.parent?.tests.some(({ state }) => state === 'failed') === true;
    await own?.stop({ failed });
  });

  const kustomization = (overlay: string, components: readonly string[]): string =>
    kustomizationOf(controlPlane().folder, overlay, components);

  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    controlPlane().kubectlOutput(args, { cwd: ROOT, ...(input === undefined ? {} : { input }) });

  let renderedOnce: string | undefined;
  /** Every object of the folder as it is stored, by `kind namespace/name`. */
  async function stored(): Promise<ReadonlyMap<string, Manifest>> {
    const rendered = (renderedOnce ??= await kubectl(['kustomize', SELF_SIGNED]));
    const text = await kubectl(['get', '-f', '-', '-o', 'json', '--show-managed-fields'], rendered);
    const { items } = JSON.parse(text) as { items: Manifest[] };
    return new Map(items.map((item) => [idOf(item), item]));
  }

  /** The same objects, not one written anew. */
  function expectSame(after: ReadonlyMap<string, Manifest>, before: ReadonlyMap<string, Manifest>): void {
    expect([...after.keys()]).to.deep.equal([...before.keys()]);
    for (const [id, object] of after) expect(object, id).to.deep.equal(before.get(id));
  }

  /** A leader comes, makes certificates and goes. */
  async function runReplica(name: string): Promise<void> {
    const { folder } = controlPlane();
    const kubeconfig = await controlPlane().serviceAccountKubeconfig('kube-harden', 'kube-harden');
    const replica = await KubeHarden.start({ name, folder, kubeconfig });
    try {
      await eventually('its caBundle written', async () => filled(await stored()).every(Boolean));
    } finally {
      await replica.stop();
    }
  }

  /** What the server writes into objects that ship empty. */
  function filled(objects: ReadonlyMap<string, Manifest>): Json[] {
    const secret = objects.get('Secret kube-harden/kube-harden-certificates');
    const lease = objects.get('Lease kube-harden/kube-harden');
    const configuration = objects.get('MutatingWebhookConfiguration /kube-harden');
    const webhooks = configuration?.['webhooks'] as readonly { clientConfig: { caBundle?: string } }[];
    return [
      secret?.['data'],
      (lease?.['spec'] as { acquireTime?: string } | undefined)?.acquireTime,
      ...webhooks.map(({ clientConfig }) => clientConfig.caBundle),
    ];
  }

  const APPLY = ['apply', '-k', SELF_SIGNED];
  const SERVER_SIDE = [...APPLY, '--server-side'];

  it('--server-side --dry-run=server is accepted once the Namespace and the CRDs exist', async () => {
    await kubectl(['apply', '--server-side', '-k', 'manifests/crd']);
    await kubectl(['apply', '--server-side', '-f', 'manifests/base/namespace.yaml']);
    await kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      'crd/hardeningpolicies.kube-harden.io',
    ]);
    const output = await kubectl([...SERVER_SIDE, '--dry-run=server', '--validate=strict']);
    const rendered = parseAllDocuments(await kubectl(['kustomize', SELF_SIGNED])).length;
    expect(output.trim().split('\n')).to.have.length(rendered);
    console.log(`      ${rendered} objects`);
  });

  it('--server-side --dry-run=server is accepted for both overlays, with all components too', async () => {
    await kubectl(
      ['apply', '--server-side', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: OPERATOR_CRDS }),
    );
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
    await kubectl(['apply', '--server-side', '-k', 'manifests/crd']);
    const counts = await eachOf(INSTALLATIONS, 2, async ({ overlay, components }) => {
      const folder = kustomization(overlay, components);
      const what = [overlay, ...components].join(' + ');
      const dryRun = ['apply', '-k', folder, '--server-side', '--dry-run=server', '--validate=strict'];
      const { code, stdout, stderr } = await controlPlane().kubectl(dryRun);
      expect([code, stderr], what).to.deep.equal([0, '']);
      return stdout.trim().split('\n').length;
    });
    console.log(
      `      ${INSTALLATIONS.length} installations, ${counts.reduce((sum, count) => sum + count, 0)} objects`,
    );
  });

  it('with --server-side, twice gives the same objects, and again when a replica has filled what ships empty', async () => {
    await kubectl(SERVER_SIDE);
    const first = await stored();
    expect(filled(first).filter(Boolean)).to.deep.equal([]);
    await kubectl(SERVER_SIDE);
    expectSame(await stored(), first);
    await runReplica('server-side');
    const withCertificates = await stored();
    await kubectl(SERVER_SIDE);
    expectSame(await stored(), withCertificates);
    expect(filled(await stored()).every(Boolean)).to.equal(true);
  });

  it('without --server-side, twice gives the same objects, and again when a replica has filled what ships empty', async () => {
    // All anew; the Namespace stays, for nobody is there to finish it.
    await kubectl(['delete', '-f', '-'], await withoutNamespace());
    await kubectl(APPLY);
    // Its conditions are the API server's to write, a moment after it is made.
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
    const first = await stored();
    expect(filled(first).filter(Boolean)).to.deep.equal([]);
    expectUnchanged(await kubectl(APPLY));
    expectSame(await stored(), first);
    await runReplica('client-side');
    const withCertificates = await stored();
    expectUnchanged(await kubectl(APPLY));
    expectSame(await stored(), withCertificates);
    expect(filled(await stored()).every(Boolean)).to.equal(true);
  });

  it('after one from the client, one from the server is no conflict and changes nothing, and the other way round', async () => {
    const before = await stored();
    for (const apply of [SERVER_SIDE, APPLY]) {
      await kubectl(apply);
      for (const [id, object] of await stored())
        expect(contentOf(object), `${id}: ${apply.join(' ')}`).to.deep.equal(contentOf(before.get(id)));
    }
  });

  describe('its own pods, in another namespace', () => {
    const podsOf = async (overlay: string, components: readonly string[]): Promise<Manifest> => {
      const documents = parseAllDocuments(await kubectl(['kustomize', kustomization(overlay, components)]));
      const deployment = documents
        .map((document) => document.toJS() as Manifest)
        .find(({ kind }) => kind === 'Deployment');
      if (deployment === undefined) throw new Error('no Deployment');
      return deployment;
    };

    async function elsewhere(labels: Readonly<Record<string, string>>): Promise<string> {
      const namespace = await makeNamespace(labels);
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      await world().controlPlane.api('POST', accounts, { metadata: { name: 'kube-harden' } });
      return namespace;
    }

    it('pass PodSecurity restricted and come out of every built-in policy as they were, without a word', async () => {
      const restricted = Object.fromEntries(
        ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
      );
      const plain = await elsewhere(restricted);
      const mutating = await mutatingBuiltins();
      const policies = [...BUILTIN_NAMES, ...Object.values(mutating)];
      const namespaces = await eachOf(policies, 3, (policy) =>
        elsewhere({ ...restricted, 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy }),
      );
      for (const { overlay, components } of WITH_PODS) {
        const deployment = await podsOf(overlay, components);
        const { metadata, spec } = (deployment['spec'] as { template: { metadata: object; spec: object } })
          .template;
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'kube-harden' }, spec };
        const workload = { ...deployment, metadata: { name: 'kube-harden' } };
        const expected = await send(plain, pod, workload);
        await eachOf(policies, 3, async (policy, index) => {
          const what = `${[overlay, ...components].join(' + ')}, ${policy}`;
          expect(await send(namespaces[index] ?? '', pod, workload), what).to.deep.equal(expected);
        });
      }

      async function send(namespace: string, pod: object, workload: object): Promise<Json> {
        const paths = {
          pods: `/api/v1/namespaces/${namespace}/pods`,
          deployments: `/apis/apps/v1/namespaces/${namespace}/deployments`,
        };
        const replies = await Promise.all([
          world().controlPlane.api<PodReply>('POST', `${paths.pods}?dryRun=All`, pod),
          world().controlPlane.api<PodReply>('POST', `${paths.deployments}?dryRun=All`, workload),
        ]);
        return replies.map(({ status, warnings, body }) => {
          expect([status, warnings], JSON.stringify(body)).to.deep.equal([201, []]);
          return { annotations: body.metadata.annotations, spec: body.spec };
        });
      }
    });
  });

  async function withoutNamespace(): Promise<string> {
    const documents = parseAllDocuments(await kubectl(['kustomize', SELF_SIGNED]));
    return documents
      .filter((document) => document.get('kind') !== 'Namespace')
      .map(String)
      .join('---\n');
  }
});

function idOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/**
 * What an object says, not who said so the last time. The generation counts the takeover of a Deployment's
 * `serviceAccount`, which the API server sets anew: its pods stay.
 */
function contentOf(object: Manifest | undefined): object {
  const { metadata, ...rest } = object ?? { metadata: {} };
  const { annotations = {} } = metadata as { annotations?: Readonly<Record<string, string>> };
  return {
    ...rest,
    metadata: {
      ...without(metadata, 'resourceVersion', 'managedFields', 'generation'),
      annotations: without(annotations, 'kubectl.kubernetes.io/last-applied-configuration'),
    },
  };
}

function without(object: object, ...keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** kubectl sends a disruption budget's selector each time, since it merges by replacement; the API server keeps what it has. */
function expectUnchanged(output: string): void {
  const changed = output
    .trim()
    .split('\n')
    .filter((line) => !line.endsWith(' unchanged') && !line.startsWith('poddisruptionbudget.policy/'));
  expect(changed).to.deep.equal([]);
}
