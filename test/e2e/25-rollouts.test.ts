import { expect } from 'chai';
import type { Json } from './controlPlane/apiClient.js';
import { apply, WAYS, type Way } from './support/applied.js';
import { collection } from './support/corpusSamples.js';
import { applyPolicy, builtinSpec } from './support/hardeningPolicies.js';
import { hardens, setMode } from './support/mode.js';
import { rolloutsOf, settled, templatesOf, type Rollouts } from './support/rollouts.js';
import { makeNamespace, world } from './support/world.js';

const POLICIES = { Warn: 'default', Mutate: 'default-mutate', Override: 'restricted-mutate' } as const;

/** One of each kind that has a rollout or a template; of what hardening sets, some is the author's and some is not. */
const WORKLOADS: readonly Json[] = [
  workload('apps/v1', 'Deployment'),
  workload('apps/v1', 'StatefulSet', { serviceName: 'db' }),
  workload('apps/v1', 'DaemonSet', { replicas: undefined }),
  workload('apps/v1', 'ReplicaSet'),
  workload('v1', 'ReplicationController', { selector: { app: 'replicationcontroller' } }),
  cronJob(),
];
const SCALED: ReadonlySet<unknown> = new Set([
  'Deployment',
  'StatefulSet',
  'ReplicaSet',
  'ReplicationController',
]);

describe('rollouts', function () {
  this.timeout(120_000);

  before(async () => {
    await applyPolicy(POLICIES.Mutate, builtinSpec('default', { templates: 'Mutate' }));
    await applyPolicy(POLICIES.Override, builtinSpec('restricted', { templates: 'Mutate' }));
  });

  for (const [templates, policy] of Object.entries(POLICIES)) {
    for (const modes of [
      ['disabled', 'enforce', 'disabled', 'enforce'],
      ['enforce', 'disabled', 'enforce', 'disabled'],
    ] as const) {
      it(`none starts where the mode goes ${modes.join(', ')} (policy ${policy})`, async () => {
        const [first, ...rest] = modes;
        const namespace = await makeNamespace({ 'kube-harden.io/policy': policy });
        await setMode(namespace, first);
        for (const object of WORKLOADS) await create(namespace, object);
        await settled(namespace);
        const before = await rolloutsOf(namespace);
        expect(count(before)).to.deep.equal({ replicaSets: 1, controllerRevisions: 2 });
        expect(hardens(before.templates)).to.equal(templates !== 'Warn' && first === 'enforce');
        let replicas = 1;
        for (const mode of rest) {
          await setMode(namespace, mode);
          replicas += 1;
          await touchAll(namespace, mode, replicas);
          await settled(namespace);
          expect(await rolloutsOf(namespace), `after ${mode}`).to.deep.equal(before);
        }
        const { replicaSets, controllerRevisions } = count(before);
        console.log(
          `      ${replicaSets} ReplicaSet, ${controllerRevisions} ControllerRevisions, before as after`,
        );
      });
    }
  }

  for (const way of WAYS) {
    for (const policy of [POLICIES.Mutate, POLICIES.Override]) {
      it(`none starts by a ${way} apply of the same manifests, hardened by ${policy}`, async () => {
        const namespace = await makeNamespace({
          'kube-harden.io/mode': 'enforce',
          'kube-harden.io/policy': policy,
        });
        await expectSettles(way, namespace, true);
      });

      it(`none starts by a ${way} apply of the same manifests from before ${policy} was enforced`, async () => {
        const namespace = await makeNamespace({ 'kube-harden.io/policy': policy });
        expect((await apply(way, namespace, WORKLOADS)).errors).to.deep.equal([]);
        await settled(namespace);
        const before = await rolloutsOf(namespace);
        const generations = await templatesOf(namespace, ({ metadata }) => metadata.generation);
        await setMode(namespace, 'enforce');
        for (const again of ['second', 'third']) {
          expect((await apply(way, namespace, WORKLOADS)).errors, again).to.deep.equal([]);
          await settled(namespace);
          expect(await rolloutsOf(namespace), again).to.deep.equal(before);
        }
        expect(await templatesOf(namespace, ({ metadata }) => metadata.generation)).to.deep.equal(
          generations,
        );
        expect(hardens(before.templates)).to.equal(false);
      });
    }
  }

  async function expectSettles(way: Way, namespace: string, isHardened: boolean): Promise<void> {
    expect((await apply(way, namespace, WORKLOADS)).errors).to.deep.equal([]);
    await settled(namespace);
    const before = await rolloutsOf(namespace);
    const generations = await templatesOf(namespace, ({ metadata }) => metadata.generation);
    expect(count(before)).to.deep.equal({ replicaSets: 1, controllerRevisions: 2 });
    expect(hardens(before.templates)).to.equal(isHardened);
    for (const again of ['second', 'third']) {
      expect((await apply(way, namespace, WORKLOADS)).errors, again).to.deep.equal([]);
      await settled(namespace);
      expect(await rolloutsOf(namespace), again).to.deep.equal(before);
    }
    expect(await templatesOf(namespace, ({ metadata }) => metadata.generation)).to.deep.equal(generations);
  }
});

function workload(apiVersion: string, kind: string, spec: object = {}): Json {
  const name = kind.toLowerCase();
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          initContainers: [{ name: 'prepare', image: 'registry.example/prepare:1' }],
          containers: [
            {
              name: 'main',
              image: 'registry.example/shop:1.4',
              ports: [{ containerPort: 8080 }],
              securityContext: { capabilities: { drop: ['NET_RAW'], add: ['NET_BIND_SERVICE'] } },
              resources: { limits: { cpu: 2 } },
              volumeMounts: [{ name: 'cache', mountPath: '/var/cache/shop' }],
            },
            {
              name: 'side',
              image: 'registry.example/side:2',
              securityContext: { allowPrivilegeEscalation: true },
            },
          ],
          volumes: [{ name: 'cache', emptyDir: {} }],
        },
      },
      ...spec,
    },
  };
}

function cronJob(): Json {
  const { spec, ...rest } = workload('batch/v1', 'CronJob');
  const template = { ...spec.template, spec: { ...spec.template.spec, restartPolicy: 'Never' } };
  return { ...rest, spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template } } } };
}

async function create(namespace: string, object: Json): Promise<void> {
  const { status, body } = await world().controlPlane.api('POST', collection(object, namespace), object);
  expect(status, JSON.stringify(body)).to.equal(201);
}

/** What people and programs write into an object that has nothing to do with its Pods. */
async function touchAll(namespace: string, value: string, replicas: number): Promise<void> {
  const { controlPlane } = world();
  for (const object of WORKLOADS) {
    const path = `${collection(object, namespace)}/${object.metadata.name}`;
    const expectTaken = async (method: string, body: unknown): Promise<void> => {
      const reply = await controlPlane.api(method, path, body);
      expect(reply.status, JSON.stringify(reply.body)).to.equal(200);
    };
    await expectTaken('PATCH', { metadata: { labels: { touched: value } } });
    await expectTaken('PATCH', { metadata: { annotations: { touched: value } } });
    // Whole, as `kubectl replace` and many operators send it; one that has gone stale is taken without its version.
    const { body } = await controlPlane.api('GET', path);
    const annotations = { ...body.metadata.annotations, touched: 'whole' };
    await expectTaken('PUT', {
      ...body,
      metadata: { ...body.metadata, annotations, resourceVersion: undefined },
    });
    if (SCALED.has(object.kind)) await expectTaken('PATCH', { spec: { replicas } });
  }
}

function count({ replicaSets, controllerRevisions }: Rollouts): {
  replicaSets: number;
  controllerRevisions: number;
} {
  return { replicaSets: replicaSets.length, controllerRevisions: controllerRevisions.length };
}
