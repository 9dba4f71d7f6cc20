import { expect } from 'chai';
import { isDeepStrictEqual } from 'node:util';
import { loadPolicies } from '../../src/policy/load.js';
import { inNamespace } from './support/namespaced.js';
import { idOf, Workspace, type Objects, type Rendered } from './support/render.js';

const CERTIFICATES = ['self-signed', 'cert-manager'] as const;
const KEEP = 'helm.sh/resource-policy';

/** The components of kustomize, and the values that choose the same. */
const COMPONENTS: readonly (readonly [component: string, values: object])[] = [
  ['preview', { preview: { enabled: true } }],
  ['monitoring', { monitoring: { enabled: true } }],
  ['fail-open', { failOpen: true }],
  ['openshift', { openshift: true }],
];

interface Installation {
  readonly certificates: string;
  readonly components: readonly string[];
  readonly values: object;
}

const INSTALLATIONS: readonly Installation[] = CERTIFICATES.flatMap((certificates) =>
  subsets(COMPONENTS).map((chosen) => ({
    certificates,
    components: chosen.map(([component]) => `components/${component}`),
    values: Object.assign({ certificates }, ...chosen.map(([, values]) => values)) as object,
  })),
);

/** What there is in helm's way of installing and not in kustomize's. */
interface Choice {
  readonly namespace: { readonly create: boolean };
  readonly crd: { readonly install: boolean; readonly keep: boolean };
}

const CHOICES: readonly Choice[] = subsets(['namespace', 'crd', 'keep']).map((chosen) => ({
  namespace: { create: chosen.includes('namespace') },
  crd: { install: chosen.includes('crd'), keep: chosen.includes('keep') },
}));

function subsets<T>(all: readonly T[]): T[][] {
  return all.reduce<T[][]>((sets, each) => [...sets, ...sets.map((set) => [...set, each])], [[]]);
}

describe('chart: renders what kustomize does', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let renders = 0;

  before(() => (workspace = new Workspace()));
  after(() => {
    workspace.remove();
    console.log(`      ${renders} renders of the chart, each equal to kustomize's`);
  });

  /** The object without the one thing that only helm reads, having seen that it is where it belongs. */
  function withoutKeep(object: Rendered, { crd }: Choice): Rendered {
    const { [KEEP]: keep, ...annotations } = object.metadata.annotations ?? {};
    const isKept = object.kind === 'Namespace' || (object.kind === 'CustomResourceDefinition' && crd.keep);
    expect(keep, idOf(object)).to.equal(isKept ? 'keep' : undefined);
    if (keep === undefined) return object;
    const metadata = { ...object.metadata, annotations };
    if (Object.keys(annotations).length === 0) Reflect.deleteProperty(metadata, 'annotations');
    return { ...object, metadata };
  }

  function expectEqual(rendered: Objects, kustomized: Objects, choice: Choice): void {
    renders++;
    const isExpected = ({ kind }: Rendered): boolean =>
      (kind !== 'Namespace' || choice.namespace.create) &&
      (kind !== 'CustomResourceDefinition' || choice.crd.install);
    const expected = [...kustomized.values()].filter(isExpected);
    expect([...rendered.keys()].sort()).to.deep.equal(expected.map(idOf).sort());
    for (const object of expected) {
      const found = rendered.get(idOf(object));
      if (found === undefined) throw new Error(`no ${idOf(object)}`);
      const actual = withoutKeep(found, choice);
      // chai takes long over the CRD, and says more where there is a difference.
      if (!isDeepStrictEqual(actual, object)) expect(actual, idOf(object)).to.deep.equal(object);
    }
  }

  for (const { certificates, components, values } of INSTALLATIONS) {
    it(`${[certificates, ...components].join(' + ')}, with and without namespace, CRD and keeping it`, async () => {
      const kustomized = await workspace.kustomize(`overlays/${certificates}`, components);
      for (const choice of CHOICES)
        expectEqual(await workspace.chart({ ...values, ...choice }), kustomized, choice);
    });

    it(`${[certificates, ...components].join(' + ')}, in another namespace`, async () => {
      const kustomized = await workspace.kustomize(`overlays/${certificates}`, components);
      const choice = { namespace: { create: true }, crd: { install: true, keep: true } };
      const rendered = await workspace.chart({ ...values, ...choice }, 'platform-hardening');
      expectEqual(rendered, inNamespace(kustomized, 'platform-hardening'), choice);
    });
  }

  it('with no values at all: self-signed, without the namespace, which helm needs before', async () => {
    const kustomized = await workspace.kustomize('overlays/self-signed', []);
    const choice = { namespace: { create: false }, crd: { install: true, keep: true } };
    expectEqual(await workspace.chart({}), kustomized, choice);
  });

  const REGISTRY = 'registry.example:5000/platform/kube-harden';
  const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
  const POLICY_SPEC = { rules: { runAsNonRoot: { action: 'Deny' } }, unknownImages: 'Harden' };

  /** Each with the kustomization that says the same. */
  const SETTINGS: readonly (readonly [what: string, values: object, kustomization: object])[] = [
    [
      'an image of a registry of your own',
      { image: { repository: REGISTRY, tag: '0.1.0-fips' } },
      { images: [{ name: 'kube-harden', newName: REGISTRY, newTag: '0.1.0-fips' }] },
    ],
    [
      'an image by its digest',
      { image: { repository: REGISTRY, digest: DIGEST } },
      { images: [{ name: 'kube-harden', newName: REGISTRY, digest: DIGEST }] },
    ],
    [
      'an image by tag and digest',
      { image: { repository: REGISTRY, tag: '0.1.0', digest: DIGEST } },
      { images: [{ name: 'kube-harden', newName: REGISTRY, newTag: '0.1.0', digest: DIGEST }] },
    ],
    ['replicas', { replicas: 5 }, { replicas: [{ name: 'kube-harden', count: 5 }] }],
    [
      'how the image is pulled',
      { image: { pullPolicy: 'Always' }, imagePullSecrets: [{ name: 'registry' }] },
      pods({ imagePullSecrets: [{ name: 'registry' }] }, { imagePullPolicy: 'Always' }),
    ],
    [
      'resources',
      {
        resources: {
          requests: { cpu: '250m' },
          limits: { cpu: '2', memory: '1Gi', 'ephemeral-storage': '64Mi' },
        },
      },
      pods(
        {},
        {
          resources: {
            requests: { cpu: '250m' },
            limits: { cpu: '2', memory: '1Gi', 'ephemeral-storage': '64Mi' },
          },
        },
      ),
    ],
    [
      'no limit of CPU',
      { resources: { limits: { cpu: null } } },
      pods({}, { resources: { limits: { cpu: null } } }),
    ],
    [
      'the nodes of the control plane',
      {
        nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
        tolerations: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
      },
      pods({
        nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
        tolerations: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
      }),
    ],
    [
      "the server's settings",
      { env: { KUBE_HARDEN_LOG_LEVEL: 'debug', KUBE_HARDEN_CA_DURATION: '8760h' } },
      pods(
        {},
        {
          env: [
            { name: 'KUBE_HARDEN_CA_DURATION', value: '8760h' },
            { name: 'KUBE_HARDEN_LOG_LEVEL', value: 'debug' },
          ],
        },
      ),
    ],
    [
      'the port of an API server, as docs/operations.md has it',
      { apiServerPorts: [443, 6443, 16443] },
      {
        patches: [
          {
            target: { kind: 'NetworkPolicy', name: 'kube-harden' },
            patch: '- { op: add, path: /spec/egress/0/ports/-, value: { protocol: TCP, port: 16443 } }',
          },
        ],
      },
    ],
    [
      'labels by which Prometheus picks',
      { monitoring: { enabled: true, labels: { release: 'prometheus' } } },
      {
        patches: [
          {
            target: { group: 'monitoring.coreos.com' },
            patch: '[{"op":"add","path":"/metadata/labels/release","value":"prometheus"}]',
          },
        ],
      },
    ],
  ];

  /** A patch of the Deployment's pod template. */
  function pods(spec: object, container: object = {}): object {
    const containers = [{ name: 'kube-harden', ...container }];
    const patch = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'kube-harden', namespace: 'kube-harden' },
      spec: { template: { spec: { ...spec, containers } } },
    };
    return { patches: [{ patch: JSON.stringify(patch) }] };
  }

  for (const certificates of CERTIFICATES) {
    for (const [what, values, kustomization] of SETTINGS) {
      it(`${certificates}: ${what}`, async () => {
        const components = ['components/preview', 'components/monitoring'];
        const kustomized = await workspace.kustomize(`overlays/${certificates}`, components, kustomization);
        const choice = { namespace: { create: true }, crd: { install: true, keep: false } };
        const chosen = { certificates, preview: { enabled: true }, monitoring: { enabled: true }, ...choice };
        expectEqual(await workspace.chart({ ...chosen, ...values }), kustomized, choice);
      });
    }
  }

  it('policies of your own, which load', async () => {
    // To YAML 1.1 `off` is no text.
    const policies = { off: { exceptions: [] }, default: POLICY_SPEC, 'batch-jobs': { exceptions: [] } };
    const rendered = await workspace.chart({ policies });
    const found = [...rendered.values()].filter(({ kind }) => kind === 'HardeningPolicy');
    expect(found).to.deep.equal(
      Object.entries(policies)
        .reverse()
        .map(([name, spec]) => ({
          apiVersion: 'kube-harden.io/v1alpha1',
          kind: 'HardeningPolicy',
          metadata: { name },
          spec,
        })),
    );
    for (const policy of found) expect(loadPolicies(JSON.stringify(policy))).to.have.length(1);
  });
});
