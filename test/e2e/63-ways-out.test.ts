import { expect } from 'chai';
import { RULES } from '../../src/hardening/rules/index.js';
import type { ApiReply, Json } from './controlPlane/apiClient.js';
import {
  changedRules,
  eachOf,
  podOf,
  putPolicy,
  type PodManifest,
  type PodReply,
} from './support/podRequests.js';
import { bindClusterRole } from './support/rbac.js';
import { EVERY_RULE, RULE_PODS, effectOf } from './support/rulePods.js';
import { eventually } from './support/wait.js';
import {
  ALMOST_WINDOWS,
  ANNOTATIONS_AND_NAMES,
  HOST_PROCESS,
  IMAGES,
  OWNERS,
  type WayOut,
} from './support/waysOut.js';
import { makeNamespace, world } from './support/world.js';

/** May write workloads everywhere, and nothing of namespaces. The administrator of the tests is believed too much. */
const AUTHOR = { name: 'e2e-pod-author' };
const FORBIDDEN = 'e2e-forbidden';
const RULE_IDS = RULES.map(({ id }) => id);
const NEEDS = ['allowPrivilegeEscalation', 'writableRoot', 'unconfinedSeccomp', 'NET_BIND_SERVICE'];
const STARTS_AS_ROOT = { capabilities: ['CHOWN', 'SETUID', 'SETGID'] };

/** The strongest that each rule can do, and no namespace may opt out. */
function forbiddenSpec(exceptedNamespace: string): object {
  const rules = RULES.map(({ id, actions }) => {
    const settings = EVERY_RULE.rules[id];
    const action = actions.includes('Override') ? 'Override' : settings.action;
    const strict = id === 'runAsUser' ? { existingVolumes: 'Set', whenNonRootDeclared: 'Set' } : {};
    return [id, { ...settings, ...strict, action, optOut: 'Forbidden' }] as const;
  });
  return {
    warnings: 'Full',
    templates: 'Warn',
    rules: Object.fromEntries(rules),
    imageProfiles: [
      { images: ['registry.example/trusted/tool'], needs: NEEDS },
      { images: ['docker.io/library/tool', 'registry.example/any/*'], needs: NEEDS },
      { images: ['docker.io/library/nginx'], needs: NEEDS, startsAsRoot: STARTS_AS_ROOT },
    ],
    exceptions: [
      {
        name: 'invoices',
        reason: 'e2e: the one that the platform bound',
        match: {
          namespaces: [exceptedNamespace],
          podLabels: { app: 'invoice' },
          containers: ['main'],
          images: ['registry.example/shop/web:*'],
          serviceAccounts: ['invoice'],
        },
        rules: RULE_IDS,
      },
    ],
  };
}

function sendAsAuthor(namespace: string, manifest: PodManifest): Promise<ApiReply<PodReply>> {
  return world().controlPlane.api('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, manifest, {
    user: AUTHOR,
  });
}

interface ShapeOptions {
  /** What a profile may say of an image is left out: its uid, where it writes and listens. */
  readonly besidesProfile?: boolean;
}

const PROFILE_FIELDS = ['runAsUser', 'runAsGroup', 'fsGroup', 'fsGroupChangePolicy', 'sysctls'];

/** What hardening is about in an answer, without what the tricks themselves write. */
function shapeOf({ status, body }: ApiReply<PodReply>, { besidesProfile = false }: ShapeOptions = {}): Json {
  if (status !== 201) {
    const named = RULE_IDS.filter((id) => new RegExp(`\\b${id}\\b`).test(body.message ?? ''));
    return { status, named };
  }
  const dropped = ['windowsOptions', ...(besidesProfile ? PROFILE_FIELDS : [])];
  const context = (of: Readonly<Record<string, Json>> | undefined): Json =>
    Object.fromEntries(Object.entries(of ?? {}).filter(([name]) => !dropped.includes(name)));
  const { spec } = body as unknown as { spec: Record<string, Json> };
  return {
    pod: context(spec['securityContext'] as Record<string, Json> | undefined),
    containers: body.spec.containers.map(({ securityContext, resources, volumeMounts = [] }) => ({
      securityContext: context(securityContext),
      resources,
      ...(besidesProfile ? {} : { mounts: volumeMounts.map(({ mountPath }) => mountPath).sort() }),
    })),
    host: ['hostNetwork', 'hostPID', 'hostIPC'].filter((name) => spec[name] === true),
    automount: spec['automountServiceAccountToken'],
    token: (body.spec.volumes ?? []).some(({ projected }) => projected !== undefined),
    disk: body.spec.nodeSelector?.['disk'],
  };
}

const web = (more: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> => ({
  name: 'main',
  image: 'registry.example/shop/web:1',
  ...more,
});
const ROOT = podOf('web', { securityContext: { runAsUser: 0, runAsGroup: 0 } });
const CAPABLE = podOf('web', {
  containers: [
    web({
      securityContext: {
        capabilities: { add: ['NET_ADMIN', 'CHOWN'] },
        seccompProfile: { type: 'Unconfined' },
      },
      ports: [{ containerPort: 80 }],
    }),
  ],
});
const PODS: readonly (readonly [what: string, manifest: PodManifest])[] = [
  ...RULE_PODS.map(([rule, manifest]) => [`the pod of ${rule}`, manifest] as const),
  ['a pod that starts as root', ROOT],
  ['a pod that wants more', CAPABLE],
];
const POLICIES = [FORBIDDEN, 'default', 'restricted'];
/** Under the built-in policies those on which the most rules have something to say. */
const TELLING = ['runAsNonRoot', 'privileged', 'hostNamespaces'].map((rule) => `the pod of ${rule}`);
const CASES = POLICIES.flatMap((policy) =>
  PODS.filter(
    ([name]) => policy === FORBIDDEN || TELLING.includes(name) || !name.startsWith('the pod of'),
  ).map(([name, manifest]) => ({ policy, name, manifest })),
);

describe('a way out of a rule', function () {
  this.timeout(120_000);
  const namespaces = new Map<string, string>();
  let excepted = '';
  let plain = '';
  const answers = new Map<string, Promise<ApiReply<PodReply>>>();
  let compared = 0;

  before(async () => {
    await bindClusterRole('edit', AUTHOR.name);
    plain = await makeNamespace();
    excepted = await makeNamespace({ 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': FORBIDDEN });
    await putPolicy(FORBIDDEN, forbiddenSpec(excepted));
    for (const policy of POLICIES) {
      const labels = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy };
      namespaces.set(policy, await makeNamespace(labels));
    }
    for (const namespace of [excepted, namespaceOf(FORBIDDEN)]) {
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      const made = await world().controlPlane.api('POST', accounts, { metadata: { name: 'invoice' } });
      expect(made.status).to.equal(201);
    }
    await eventually('the author may create pods', async () => {
      return (await sendAsAuthor(plain, podOf('web'))).status === 201;
    });
  });
  after(() => console.log(`      ${compared} pods compared with the same pod without the trick`));

  function namespaceOf(policy: string): string {
    return namespaces.get(policy) ?? '';
  }

  /** What comes of a pod under a policy, asked once. */
  function answerTo(policy: string, manifest: PodManifest): Promise<ApiReply<PodReply>> {
    const key = `${policy} ${JSON.stringify(manifest)}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const asked = sendAsAuthor(namespaceOf(policy), manifest);
    answers.set(key, asked);
    return asked;
  }

  /** The same comes out with the trick as without, for every pod and under every policy. */
  async function expectNoWayOut(
    { what, change, without = (pod) => pod }: WayOut,
    { cases = CASES, ...options }: ShapeOptions & { readonly cases?: typeof CASES } = {},
  ): Promise<void> {
    const accepted = await sendAsAuthor(plain, change(podOf('web')));
    expect(accepted.status, `${what}, without us: ${accepted.body.message ?? ''}`).to.equal(201);
    await eachOf(cases, 16, async ({ policy, name, manifest }) => {
      const [plainly, tricked] = await Promise.all([
        answerTo(policy, without(manifest)),
        sendAsAuthor(namespaceOf(policy), change(manifest)),
      ]);
      const about = `${name}, ${policy}: ${what}`;
      expect(plainly.status, `${about}, without the trick: ${plainly.body.message ?? ''}`).to.be.oneOf([
        201, 403,
      ]);
      expect(shapeOf(tricked, options), `${about} ${tricked.body.message ?? ''}`).to.deep.equal(
        shapeOf(plainly, options),
      );
      compared++;
    });
  }

  it(`acts without one: all ${RULE_PODS.length} rules under optOut: Forbidden`, async () => {
    expect(RULE_PODS.map(([rule]) => rule)).to.have.members(RULE_IDS);
    await eachOf(RULE_PODS, 8, async ([rule, manifest]) => {
      expect(effectOf(rule, await sendAsAuthor(namespaceOf(FORBIDDEN), manifest)), rule).to.equal('acts');
    });
  });

  for (const value of ['disabled', 'warn', 'Disabled', 'false']) {
    it(`is no label of the namespace that says ${value}, and the warning says so`, async () => {
      const labels = Object.fromEntries(RULE_IDS.map((rule) => [`kube-harden.io/${rule}`, value]));
      const namespace = await makeNamespace({
        ...labels,
        'kube-harden.io/mode': 'enforce',
        'kube-harden.io/policy': FORBIDDEN,
      });
      await eachOf(RULE_PODS, 8, async ([rule, manifest]) => {
        const reply = await sendAsAuthor(namespace, manifest);
        expect(effectOf(rule, reply), rule).to.equal('acts');
        if (reply.status === 201)
          expect(reply.warnings.join('\n')).to.include(`=${value} `).and.include('ignored');
      });
    });
  }

  for (const way of [...ANNOTATIONS_AND_NAMES, ...OWNERS, ...HOST_PROCESS, ...ALMOST_WINDOWS])
    it(`is no pod that ${way.what}`, () => expectNoWayOut(way));

  for (const way of IMAGES) {
    it(`is no pod that ${way.what}`, () => {
      const unknown: WayOut['change'] = (pod) => withImage(pod, 'registry.example/unknown/tool:1');
      return expectNoWayOut({ ...way, without: unknown }, { besidesProfile: true });
    });
  }

  it("is the policy's own profile, for exactly its repository", async () => {
    const tool = withImage(podOf('web'), 'registry.example/trusted/tool:1');
    const { body } = await sendAsAuthor(namespaceOf(FORBIDDEN), tool);
    expect(changedRules(body)).to.not.include.members(['readOnlyRootFilesystem']);
    expect(body.spec.containers[0]?.securityContext).to.deep.equal({
      capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
    });
  });

  it('is an exception where the platform bound it, for what it matches and nothing else', async () => {
    const invoice = {
      ...podOf('invoice', { serviceAccountName: 'invoice' }),
      metadata: { name: 'invoice', labels: { app: 'invoice' } },
    };
    const { metadata, spec } = invoice;
    const tries: readonly (readonly [
      what: string,
      namespace: string,
      manifest: PodManifest,
      lifted: boolean,
    ])[] = [
      ['all that it asks for', excepted, invoice, true],
      ['all of it in another namespace', namespaceOf(FORBIDDEN), invoice, false],
      ['no label', excepted, { ...invoice, metadata: { name: 'invoice' } }, false],
      [
        'the label as an annotation',
        excepted,
        {
          ...invoice,
          metadata: { name: 'invoice', annotations: { app: 'invoice' } } as PodManifest['metadata'],
        },
        false,
      ],
      [
        'another service account',
        excepted,
        { ...invoice, spec: { ...spec, serviceAccountName: 'default' } },
        false,
      ],
      ['another image', excepted, withImage(invoice, 'evil.example/shop/web:1'), false],
      ['an image below it', excepted, withImage(invoice, 'registry.example/shop/web/evil:1'), false],
      [
        'another container',
        excepted,
        { ...invoice, spec: { ...spec, containers: [web({ name: 'other' })] } },
        false,
      ],
      [
        'an exception of its own',
        excepted,
        {
          ...invoice,
          metadata: { ...metadata, labels: { app: 'x', 'kube-harden.io/exception': 'invoices' } },
        },
        false,
      ],
    ];
    await eachOf(tries, 8, async ([what, namespace, manifest, lifted]) => {
      const reply = await sendAsAuthor(namespace, manifest);
      expect(reply.status, `${what}: ${reply.body.message ?? ''}`).to.equal(201);
      expect(changedRules(reply.body).includes('readOnlyRootFilesystem'), what).to.equal(!lifted);
      expect(changedRules(reply.body).includes('runAsNonRoot'), what).to.equal(!lifted);
    });
  });

  it('is no template: what its controller makes of it is hardened, though it says it is a mirror pod', async () => {
    const { controlPlane } = world();
    const namespace = namespaceOf(FORBIDDEN);
    const map = await controlPlane.api<PodReply & { metadata: { uid: string } }>(
      'POST',
      `/api/v1/namespaces/${namespace}/configmaps`,
      { metadata: { generateName: 'owner-' } },
    );
    const { name, uid } = map.body.metadata;
    const labels = { app: 'mirror' };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'mirror',
        // A template that a controller owns is left alone: its pods are not.
        ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid, controller: true }],
      },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations: { 'kubernetes.io/config.mirror': 'x' } },
          spec: { ...podOf('web').spec, nodeName: 'n' },
        },
      },
    };
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const made = await controlPlane.api('POST', path, deployment, { user: AUTHOR });
    expect(made.status, JSON.stringify(made.body)).to.equal(201);
    const pods = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dmirror`;
    const pod = await eventually('its pod', async () => {
      return (await controlPlane.api<{ items: PodReply[] }>('GET', pods)).body.items[0];
    });
    expect(pod.metadata.annotations).to.include({ 'kubernetes.io/config.mirror': 'x' });
    expect(changedRules(pod)).to.include.members(['runAsNonRoot', 'capabilities', 'readOnlyRootFilesystem']);
    expect(pod.spec.containers[0]?.securityContext).to.deep.include({ readOnlyRootFilesystem: true });
  });
});

function withImage(pod: PodManifest, image: string): PodManifest {
  const containers = pod.spec['containers'] as readonly Readonly<Record<string, Json>>[];
  return {
    ...pod,
    spec: { ...pod.spec, containers: containers.map((container) => ({ ...container, image })) },
  };
}
