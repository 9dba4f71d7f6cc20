import { expect } from 'chai';
import type { Json } from './controlPlane/apiClient.js';
import {
  changedRules,
  podOf,
  putPolicy,
  sendPod,
  type Container,
  type PodReply,
} from './support/podRequests.js';
import { startInjector, type Injector, type InjectorOptions } from './support/sidecarInjector.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

/** Its image runs as root, and nothing is known of it. */
const SIDECAR = {
  name: 'proxy',
  image: 'registry.example/mesh/proxy:1',
  env: [{ name: 'MESH', value: 'on' }],
};

const INJECTORS: readonly InjectorOptions[] = [
  { name: 'zz-mesh', reinvocationPolicy: 'Never', sidecar: SIDECAR, list: 'containers' },
  { name: 'zz-mesh-again', reinvocationPolicy: 'IfNeeded', sidecar: SIDECAR, list: 'containers' },
  {
    name: 'zz-native',
    reinvocationPolicy: 'IfNeeded',
    sidecar: { ...SIDECAR, restartPolicy: 'Always' },
    list: 'initContainers',
  },
  { name: 'aa-early', reinvocationPolicy: 'IfNeeded', sidecar: SIDECAR, list: 'containers' },
];

const container = (name: string, image: string, more: Json = {}): Json => ({ name, image, ...more });

const PODS: readonly (readonly [what: string, containers: readonly Json[]])[] = [
  ['one unknown image', [container('main', 'registry.example/shop/web:1')]],
  ['nginx', [container('main', 'docker.io/library/nginx:1.29')]],
  ['nginx and redis', [container('main', 'nginx:1.29'), container('cache', 'redis:8')]],
  [
    'nginx, redis and one unknown image',
    [
      container('main', 'nginx:1.29'),
      container('cache', 'redis:8'),
      container('app', 'registry.example/shop/app:1'),
    ],
  ],
  [
    'an author’s own user',
    [
      container('main', 'registry.example/shop/web:1', {
        securityContext: { runAsUser: 1000, runAsNonRoot: true },
      }),
    ],
  ],
  [
    'one that declares itself non-root',
    [container('main', 'registry.example/shop/web:1', { securityContext: { runAsNonRoot: true } })],
  ],
];

const POLICIES = ['default', 'restricted', 'e2e-sidecar'];

function allOf({ spec }: PodReply): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}

function effective(pod: PodReply, name: string, field: string): unknown {
  const own = allOf(pod).find((each) => each.name === name)?.securityContext?.[field];
  return own ?? pod.spec.securityContext?.[field];
}

function duplicates(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

/** As one would send it again: without what the API server has added. */
function asSent({ metadata, spec }: PodReply): Json {
  const { annotations, labels } = metadata;
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'again', annotations, labels }, spec };
}

describe('a sidecar that another webhook injects', function () {
  this.timeout(120_000);
  const injectors = new Map<string, Injector>();

  before(async () => {
    await putPolicy('e2e-sidecar', { rules: { automountServiceAccountToken: { action: 'Default' } } });
    for (const options of INJECTORS) injectors.set(options.name, await startInjector(options));
    // The API server takes new configurations up a moment after they were made.
    for (const { name } of INJECTORS) {
      const namespace = await makeNamespace({ 'e2e-inject': name });
      await eventually(`${name} in force`, async () => {
        const { body } = await sendPod(namespace, podOf('web'));
        return allOf(body).length === 2;
      });
    }
  });
  after(() => Promise.all([...injectors.values()].map((injector) => injector.close())));

  for (const { name: injector, list } of INJECTORS) {
    for (const policy of POLICIES) {
      it(`is hardened like the rest, once: ${injector}, policy ${policy}`, async () => {
        const labels = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy };
        const namespace = await makeNamespace({ ...labels, 'e2e-inject': injector });
        const alone = await makeNamespace(labels);
        for (const [what, containers] of PODS) {
          const { status, body } = await sendPod(namespace, podOf('web', { containers }), { dryRun: true });
          expect(status, `${what}: ${JSON.stringify(body)}`).to.equal(201);
          const proxy = body.spec[list]?.find(({ name }) => name === 'proxy');
          expect(proxy, what).to.not.equal(undefined);

          const is = (field: string): unknown => effective(body, 'proxy', field);
          expect(is('allowPrivilegeEscalation'), what).to.equal(false);
          expect(is('readOnlyRootFilesystem'), what).to.equal(true);
          expect(is('capabilities'), what).to.deep.equal({ drop: ['ALL'] });
          expect(is('seccompProfile'), what).to.deep.equal({ type: 'RuntimeDefault' });
          expect(proxy?.resources, what).to.have.keys(['limits', 'requests']);
          // Without a uid its image's root would be refused by the kubelet, and it would never start.
          expect([is('runAsNonRoot'), is('runAsUser')], what).to.satisfy(
            ([nonRoot, uid]: unknown[]) => nonRoot === true && Number(uid) > 0,
          );

          for (const each of allOf(body)) {
            const { name, env = [], volumeMounts = [] } = each;
            expect(duplicates(env.map((variable) => variable.name)), `${what}, ${name}`).to.deep.equal([]);
            expect(
              duplicates(volumeMounts.map(({ mountPath }) => mountPath)),
              `${what}, ${name}`,
            ).to.deep.equal([]);
          }
          expect(duplicates((body.spec.volumes ?? []).map(({ name }) => name)), what).to.deep.equal([]);
          expect(duplicates(allOf(body).map(({ name }) => name)), what).to.deep.equal([]);
          expect(duplicates(changedRules(body)), what).to.deep.equal([]);

          const again = await sendPod(alone, asSent(body));
          expect(again.status, `${what}: ${JSON.stringify(again.body)}`).to.equal(201);
          expect(again.body.spec, what).to.deep.equal(body.spec);
          expect(again.body.metadata.annotations, what).to.deep.equal(body.metadata.annotations);
        }
      });
    }
  }

  it('keeps the audit annotations of the first pass, and is in the log of the second', async () => {
    const namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce', 'e2e-inject': 'zz-mesh' });
    const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } };
    const hardened = await sendPod(
      await makeNamespace({ 'kube-harden.io/mode': 'enforce' }),
      podOf('web', {
        containers: [container('main', 'registry.example/shop/web:1', { resources })],
      }),
    );
    const { status } = await sendPod(namespace, asSent(hardened.body));
    expect(status).to.equal(201);
    const { annotations = {} } = await world().controlPlane.auditEvent({
      namespace,
      name: 'again',
      verb: 'create',
    });
    // Nothing was left to do for the first pass; what the second one did is not there.
    expect(annotations['enforce.kube-harden.io/mode']).to.equal('enforce');
    expect(annotations['enforce.kube-harden.io/changed'] ?? '').to.equal('');
    const decisions = await eventually('two decisions', () => {
      const found = world()
        .replicas.flatMap((replica) => replica.logs())
        .filter((line) => line.message === 'decision' && line['namespace'] === namespace);
      return found.length === 2 && found;
    });
    expect(decisions.map(({ outcome }) => outcome)).to.have.members(['unchanged', 'patched']);
  });
});
