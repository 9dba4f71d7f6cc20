import { expect } from 'chai';
import type { Json } from './controlPlane/apiClient.js';
import { collection } from './support/corpusSamples.js';
import { applyPolicy, builtinSpec } from './support/hardeningPolicies.js';
import { makeNode, removeNode } from './support/nodes.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const CHANGED = 'kube-harden.io/changed';
const MUTATING = 'default-mutate';

/** No built-in image profile knows it, and it says nothing of security: what there is afterwards is ours. */
const POD_SPEC = { containers: [{ name: 'main', image: 'registry.example/shop:1.4' }] };
const ONCE = { ...POD_SPEC, restartPolicy: 'Never' };

interface Workload {
  readonly title: string;
  readonly object: Json;
  /** Who sends the Pods: their controlling owner. */
  readonly owner: string;
  /** Its volume outlives the Pod, so the uid stays the image's (StatefulUnknownImage). */
  readonly keepsUid?: boolean;
}

const WORKLOADS: readonly Workload[] = [
  { title: 'a Deployment', object: workload('apps/v1', 'Deployment'), owner: 'ReplicaSet' },
  { title: 'a ReplicaSet of no Deployment', object: workload('apps/v1', 'ReplicaSet'), owner: 'ReplicaSet' },
  {
    title: 'a ReplicationController',
    object: workload('v1', 'ReplicationController', { selector: { app: 'replicationcontroller' } }),
    owner: 'ReplicationController',
  },
  {
    title: 'a StatefulSet',
    object: workload('apps/v1', 'StatefulSet', { serviceName: 'db' }),
    owner: 'StatefulSet',
  },
  {
    title: 'a StatefulSet with a claim',
    object: {
      ...workload('apps/v1', 'StatefulSet', {
        serviceName: 'db',
        selector: { matchLabels: { app: 'claiming' } },
        template: {
          metadata: { labels: { app: 'claiming' } },
          spec: {
            containers: [
              { ...POD_SPEC.containers[0], volumeMounts: [{ name: 'data', mountPath: '/var/lib/db' }] },
            ],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      }),
      metadata: { name: 'claiming' },
    },
    owner: 'StatefulSet',
    keepsUid: true,
  },
  { title: 'a DaemonSet', object: daemonSet(), owner: 'DaemonSet' },
  { title: 'a Job', object: job(), owner: 'Job' },
];

/** What every rule of the policy `default` sets on such a Pod. */
const HARDENED_POD = {
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    fsGroup: 65532,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  },
};
const HARDENED_CONTAINER = {
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
  },
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
};

describe('what controllers make', () => {
  let node: string;

  before(async () => {
    node = await makeNode();
    await applyPolicy(MUTATING, builtinSpec('default', { templates: 'Mutate' }));
  });
  after(() => removeNode(node));

  for (const templates of ['Warn', 'Mutate'] as const) {
    describe(`under templates: ${templates}`, () => {
      const labels = {
        'kube-harden.io/mode': 'enforce',
        'kube-harden.io/policy': templates === 'Warn' ? 'default' : MUTATING,
      };

      for (const { title, object, owner, keepsUid = false } of WORKLOADS) {
        it(`${title} gives hardened Pods`, async () => {
          const namespace = await makeNamespace(labels);
          const stored = await create(namespace, object);
          const pod = await podOf(namespace, String(object.spec.template.metadata.labels.app));
          expect(pod.metadata.ownerReferences.map((reference: Json) => reference.kind)).to.deep.equal([
            owner,
          ]);
          expectHardened(pod.spec, { keepsUid });
          expectTemplate(stored, pod, templates, keepsUid);
        });
      }

      it('a CronJob that is due gives hardened Pods', async () => {
        const namespace = await makeNamespace(labels);
        const stored = await create(namespace, cronJob());
        await makeDue(namespace, 'cronjob');
        const pod = await podOf(namespace, 'cronjob');
        expect(pod.metadata.ownerReferences[0].name).to.match(/^cronjob-\d+$/);
        expectHardened(pod.spec);
        expectTemplate(stored.spec.jobTemplate, pod, templates);
        // Or it would give one each minute until the end of the run.
        const suspended = { spec: { suspend: true } };
        await world().controlPlane.api('PATCH', cronJobPath(namespace, 'cronjob'), suspended);
      });

      it('a Job that kubectl makes of a CronJob gives hardened Pods', async () => {
        const namespace = await makeNamespace(labels);
        await create(namespace, cronJob());
        const { controlPlane } = world();
        await controlPlane.kubectlOutput([
          'create',
          'job',
          '-n',
          namespace,
          'by-hand',
          '--from=cronjob/cronjob',
        ]);
        const pod = await podOf(namespace, 'cronjob');
        expect(pod.metadata.ownerReferences[0].name).to.equal('by-hand');
        expectHardened(pod.spec);
      });
    });
  }

  describe('of a ReplicaSet, pod after pod', () => {
    const labels = { 'kube-harden.io/mode': 'enforce' };
    const deployment = (replicas: number): Json => workload('apps/v1', 'Deployment', { replicas });

    it('is decided twice by a replica, and remembered from then on', async () => {
      const namespace = await makeNamespace(labels);
      const before = await remembered();
      await create(namespace, deployment(12));
      const pods = await podsOf(namespace, 12);
      for (const { spec } of pods) expectHardened(spec);
      expect(new Set(pods.map(withoutNames)).size).to.equal(1);
      const made = 2 * world().replicas.length;
      expect((await remembered()) - before).to.be.within(12 - made, 11);
    });

    it('is decided anew when the namespace has another label', async () => {
      const namespace = await makeNamespace(labels);
      await create(namespace, deployment(12));
      const first = new Set((await podsOf(namespace, 12)).map(({ metadata }) => metadata.uid));
      const { controlPlane } = world();
      const optOut = { metadata: { labels: { 'kube-harden.io/seccompProfile': 'disabled' } } };
      await controlPlane.api('PATCH', `/api/v1/namespaces/${namespace}`, optOut);
      // What the contract gives a label to take effect.
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const path = `${collection(deployment(24), namespace)}/deployment`;
      await controlPlane.api('PATCH', path, { spec: { replicas: 24 } });
      for (const { metadata, spec } of await podsOf(namespace, 24)) {
        const { seccompProfile } = spec.securityContext;
        const isFirst = first.has(metadata.uid);
        expect(seccompProfile?.type, metadata.name).to.equal(isFirst ? 'RuntimeDefault' : undefined);
      }
    });
  });
});

async function remembered(): Promise<number> {
  const counts = await Promise.all(
    world().replicas.map((replica) => replica.metric('kube_harden_remembered_decisions_total')),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function podsOf(namespace: string, count: number): Promise<Json[]> {
  return eventually(`${count} Pods`, async () => {
    const { body } = await world().controlPlane.api('GET', `/api/v1/namespaces/${namespace}/pods`);
    return body.items.length === count ? (body.items as Json[]) : undefined;
  });
}

/** A Pod's spec, but for the letters that the ServiceAccount plugin gives to its volume. */
function withoutNames({ spec }: Json): string {
  return JSON.stringify(spec).replaceAll(/kube-api-access-\w+/g, 'kube-api-access');
}

function workload(apiVersion: string, kind: string, spec: object = {}): Json {
  const name = kind.toLowerCase();
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: POD_SPEC },
      ...spec,
    },
  };
}

function daemonSet(): Json {
  // The node of this test is never ready.
  const spec = { ...POD_SPEC, tolerations: [{ operator: 'Exists' }] };
  const template = { metadata: { labels: { app: 'daemonset' } }, spec };
  return workload('apps/v1', 'DaemonSet', { replicas: undefined, template });
}

function job(): Json {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'job' },
    spec: { template: { metadata: { labels: { app: 'job' } }, spec: ONCE } },
  };
}

function cronJob(): Json {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'cronjob' },
    spec: {
      schedule: '* * * * *',
      suspend: true,
      jobTemplate: { spec: { template: { metadata: { labels: { app: 'cronjob' } }, spec: ONCE } } },
    },
  };
}

function cronJobPath(namespace: string, name: string): string {
  return `/apis/batch/v1/namespaces/${namespace}/cronjobs/${name}`;
}

/** A run that was missed is made up for at once: nobody waits for the minute. */
async function makeDue(namespace: string, name: string): Promise<void> {
  const { controlPlane } = world();
  const path = cronJobPath(namespace, name);
  const lastScheduleTime = new Date(Date.now() - 120_000).toISOString().replace(/\.\d+Z$/, 'Z');
  expect(
    (await controlPlane.api('PATCH', `${path}/status`, { status: { lastScheduleTime } })).status,
  ).to.equal(200);
  expect((await controlPlane.api('PATCH', path, { spec: { suspend: false } })).status).to.equal(200);
}

async function create(namespace: string, object: Json): Promise<Json> {
  const { status, body } = await world().controlPlane.api('POST', collection(object, namespace), object);
  expect(status, JSON.stringify(body)).to.equal(201);
  return body;
}

function podOf(namespace: string, app: string): Promise<Json> {
  return eventually(`a Pod of ${app}`, async () => {
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`;
    const { body } = await world().controlPlane.api('GET', path);
    return body.items[0];
  });
}

function expectHardened(spec: Json, { keepsUid = false } = {}): void {
  const { runAsNonRoot, runAsUser, runAsGroup, fsGroup, fsGroupChangePolicy, ...rest } =
    HARDENED_POD.securityContext;
  const uid = { runAsNonRoot, runAsUser, runAsGroup, fsGroup, fsGroupChangePolicy };
  expect(spec.securityContext).to.deep.equal(keepsUid ? rest : { ...rest, ...uid });
  const { securityContext, resources, volumeMounts } = spec.containers[0];
  const { capabilities, ...always } = HARDENED_CONTAINER.securityContext;
  // One that may start as root keeps the capabilities by which it becomes another user.
  expect(securityContext).to.deep.equal(keepsUid ? always : { ...always, capabilities });
  expect(resources).to.deep.equal(HARDENED_CONTAINER.resources);
  const atTmp = volumeMounts.find(({ mountPath }: Json) => mountPath === '/tmp');
  const volume = spec.volumes.find(({ name }: Json) => name === atTmp?.name);
  expect(volume?.emptyDir).to.deep.equal({ sizeLimit: '1Gi' });
}

/** Warn leaves the template to its author; Mutate writes into it, and then there is nothing left to do on the Pod. */
function expectTemplate(holder: Json, pod: Json, templates: 'Warn' | 'Mutate', keepsUid = false): void {
  const { spec } = holder.spec.template;
  if (templates === 'Mutate') expectHardened(spec, { keepsUid });
  else {
    expect(spec.securityContext).to.deep.equal({});
    expect(spec.containers[0].securityContext).to.equal(undefined);
  }
  expect(pod.metadata.annotations?.[CHANGED] === undefined).to.equal(templates === 'Mutate');
}
