import { expect } from 'chai';
import { CertificateAuthority, validFor } from '../../src/server/certificateAuthority.js';
import { KubeHarden } from './support/kubeHarden.js';
import { eachOf, label, podOf, sendPod } from './support/podRequests.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

/*
 * Replicas' watches are faster than the next request nearly always, so what is done when they are not is seen on a
 * replica that cannot watch namespaces at all: its ServiceAccount may only get them.
 */
const NAME = 'e2e-blind';
const TIMES = 30;
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

describe('a replica that does not see namespaces change', function () {
  this.timeout(120_000);
  let replica: KubeHarden;

  before(async () => {
    const { controlPlane } = world();
    const authority = await CertificateAuthority.create('e2e blind', validFor(1));
    const home = await makeNamespace();
    const rules = [
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
      { apiGroups: [''], resources: ['limitranges', 'resourcequotas'], verbs: ['list', 'watch'] },
      { apiGroups: ['kube-harden.io'], resources: ['hardeningpolicies'], verbs: ['list', 'watch'] },
    ];
    const metadata = { name: NAME };
    await made('POST', `/api/v1/namespaces/${home}/serviceaccounts`, { metadata });
    await made('POST', `${RBAC}/clusterroles`, { metadata, rules });
    await made('POST', `${RBAC}/clusterrolebindings`, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: home }],
    });
    replica = await KubeHarden.start({
      name: NAME,
      folder: controlPlane.folder,
      kubeconfig: await controlPlane.serviceAccountKubeconfig(home, NAME),
      certificates: authority,
      waitReady: false,
    });
    await eventually('all that it may watch', async () => {
      const { text } = await replica.ready(true);
      return ['limitranges', 'resourcequotas', 'hardeningpolicies'].every((resource) =>
        text.includes(`[+]watch-${resource} ok`),
      );
    });
    const entry = (mode: string) => ({
      name: `${mode}.blind.example`,
      clientConfig: {
        url: `https://127.0.0.1:${replica.admissionPort}/mutate/${mode}`,
        caBundle: Buffer.from(authority.cert).toString('base64'),
      },
      namespaceSelector: { matchLabels: { 'kube-harden.io/mode': mode, [NAME]: 'yes' } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Fail',
    });
    // Before ours by its name: what it leaves undone, the others would do.
    await made('POST', CONFIGURATIONS, {
      metadata: { name: `aa-${NAME}` },
      webhooks: ['enforce', 'audit'].map(entry),
    });
  });

  after(async () => {
    const { controlPlane } = world();
    await controlPlane.api('DELETE', `${CONFIGURATIONS}/aa-${NAME}`);
    await controlPlane.api('DELETE', `${RBAC}/clusterrolebindings/${NAME}`);
    await controlPlane.api('DELETE', `${RBAC}/clusterroles/${NAME}`);
    await replica.stop();
  });

  async function made(method: string, path: string, body: unknown): Promise<void> {
    const reply = await world().controlPlane.api(method, path, body);
    if (reply.status !== 201) throw new Error(`not made: ${JSON.stringify(reply.body)}`);
  }

  const lookups = (reason: string): Promise<number> =>
    replica.metric('kube_harden_namespace_lookups_total', { reason, result: 'ok' });

  /** What this replica made of a pod, as the API server logged it. */
  async function told(namespace: string, name: string): Promise<Record<string, string>> {
    await sendPod(namespace, podOf(name));
    const { annotations = {} } = await world().controlPlane.auditEvent({ namespace, name, verb: 'create' });
    const ours = Object.entries(annotations).filter(([key]) => key.includes('.blind.example/'));
    return Object.fromEntries(ours.map(([key, value]) => [key.replace('.blind.example/', ' '), value]));
  }

  it(`looks a new namespace up, once, and hardens the first pod: ${TIMES} times of ${TIMES}`, async () => {
    const before = await lookups('unknown');
    const answers = await eachOf([...Array(TIMES).keys()], 4, async () => {
      const namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce', [NAME]: 'yes' });
      const first = await told(namespace, 'first');
      await told(namespace, 'second');
      return first;
    });
    for (const answer of answers) {
      expect(answer['enforce mode']).to.equal('enforce');
      expect(answer['enforce changed']).to.match(/^runAsNonRoot,runAsUser,capabilities,/);
    }
    expect((await lookups('unknown')) - before).to.equal(TIMES);
  });

  it(`does as the label says that the API server has, ${TIMES} flips in a row`, async () => {
    const namespace = await makeNamespace({ 'kube-harden.io/mode': 'audit', [NAME]: 'yes' });
    await sendPod(namespace, podOf('known'));
    const before = await lookups('stale');
    for (let index = 0; index < TIMES; index++) {
      const mode = index % 2 === 0 ? 'enforce' : 'audit';
      await label(namespace, { 'kube-harden.io/mode': mode });
      let tries = 0;
      // The API server's own cache may be behind as well: then it calls by the other entry.
      const answer = await eventually(`a call as ${mode}`, async () => {
        const found = await told(namespace, `flip-${index}-${(tries += 1)}`);
        return Object.keys(found).some((key) => key.startsWith(`${mode} `)) && found;
      });
      expect(answer, `flip ${index}`).to.include({ [`${mode} mode`]: mode });
    }
    expect((await lookups('stale')) - before).to.equal(TIMES);
  });
});
