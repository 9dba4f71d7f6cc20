import { expect } from 'chai';
import { callReplica, hardens } from './support/admissionCall.js';
import { changedBy, createPod } from './support/createPod.js';
import type { KubeHarden } from './support/kubeHarden.js';
import { EFFECT_MS, eventually, pause } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const ENFORCE = { 'kube-harden.io/mode': 'enforce' };
const OPT_OUT = { 'kube-harden.io/readOnlyRootFilesystem': 'disabled' };
/** The longest back-off of a watch is 2 s; after it comes a list. */
const RECOVERY_MS = 5000;
/** One that starts meanwhile follows the Secret with certificates too, whose longest back-off is 10 s. */
const FIRST_SYNC_MS = 12_000;
/** From here on the error line is due; it is looked for every second. */
const STALE_MS = 15_000;
const ETCD_AWAY_MS = 10_000;
const DOOR_CLOSED_MS = 5000;
/** src/cluster/selfManagedCertificates.ts, its longest back-off. */
const LONGEST_BACK_OFF_MS = 10_000;

const WATCHED = ['namespaces', 'limitranges', 'resourcequotas', 'hardeningpolicies'] as const;
const NO_CONNECTION = /no connection to the API server for (\d+) s/;

describe('replicas whose API server is away', function () {
  this.timeout(120_000);
  /** Known to every replica from before the faults. */
  let cached: string;
  /** The same, for pods that are created: its ServiceAccount is there. */
  let lived: string;

  before(async () => (lived = await makeNamespace(ENFORCE)));
  beforeEach(async () => {
    cached = await bareNamespace(ENFORCE);
    for (const replica of world().replicas)
      for (const namespace of [cached, lived]) await untilSaid(replica, namespace, { readOnlyRoot: true });
  });
  afterEach(async () => {
    await world().controlPlane.startMissing();
    await world().restore();
  });

  it('connect again at once when their watches are cut, and hear of what has changed', async () => {
    const { apiDoor, replicas } = world();
    const errors = await Promise.all(replicas.map((replica) => sumOf(replica, 'watch_errors_total')));
    expect(apiDoor.cut()).to.be.at.least(WATCHED.length * replicas.length);
    await takesEffect(cached);
    for (const [index, replica] of replicas.entries()) {
      await eventually(
        'counted',
        async () => (await sumOf(replica, 'watch_errors_total')) > (errors[index] ?? 0),
      );
      expect(await replica.ready()).to.deep.equal({ status: 200, text: 'ok' });
    }
  });

  it('decide from what they know while they cannot reach it, and fail what they cannot know', async () => {
    const { apiDoor, controlPlane, replicas } = world();
    const unlabelled = await makeNamespace();
    for (const replica of replicas) await untilKnown(replica, unlabelled);
    const began = performance.now();
    apiDoor.setBackends([]);
    apiDoor.cut();
    const unknown = await makeNamespace(ENFORCE);
    await label(unlabelled, ENFORCE);
    await label(cached, OPT_OUT);

    // Through the real API server, which itself is well and selects by the labels as they are now.
    const known = await createPod(controlPlane, lived);
    expect(known.status).to.equal(201);
    expect(changedBy(known)).to.include('readOnlyRootFilesystem');
    await eventually(
      'the API server selecting by the label',
      async () => (await createPod(controlPlane, unlabelled)).status === 500,
    );
    for (const [namespace, reason] of [
      [unknown, 'not known'],
      [unlabelled, 'its labels are stale'],
    ] as const) {
      const { status, body } = await createPod(controlPlane, namespace);
      expect(status, reason).to.equal(500);
      expect(body.message, reason).to.include('failed calling webhook "enforce.kube-harden.io"');
      expect(body.message, reason).to.include(`namespace "${namespace}" could not be looked up`);
    }
    for (const replica of replicas) {
      await decidesFromCache(replica, cached);
      expect((await callReplica(replica, unlabelled)).status, 'stale').to.equal(500);
    }
    for (const replica of replicas) {
      await eventually('readiness names every watch', async () => {
        const { status, text } = await replica.ready(true);
        return status === 200 && WATCHED.every((resource) => sinceOf(text, resource) !== undefined);
      });
    }
    await pause(Math.max(0, began + DOOR_CLOSED_MS - performance.now()));
    apiDoor.setBackends([{ port: controlPlane.port }]);
    await recover('the door closed for 5 s', replicas);
    for (const namespace of [unknown, unlabelled])
      for (const replica of replicas) expect(hardens(await callReplica(replica, namespace))).to.equal(true);
    for (const replica of replicas) await untilSaid(replica, cached, { readOnlyRoot: false });
    await takesEffect(unknown);
  });

  it('list again where history has been compacted (410), and decide rightly from then on', async () => {
    const { apiDoor, controlPlane, replicas } = world();
    const lists = await Promise.all(replicas.map((replica) => listsOf(replica)));
    apiDoor.setBackends([]);
    apiDoor.cut();
    const fresh = await bareNamespace(ENFORCE);
    await label(cached, OPT_OUT);
    await controlPlane.compactEtcd();
    await controlPlane.stopApiServer('SIGTERM');
    for (const replica of replicas) await decidesFromCache(replica, cached);
    await controlPlane.startApiServer();
    apiDoor.setBackends([{ port: controlPlane.port }]);
    await recover('restarted by SIGTERM, with its history compacted', replicas);
    for (const [index, replica] of replicas.entries()) {
      await eventually('listed again', async () => (await listsOf(replica)) > (lists[index] ?? 0));
      await untilSaid(replica, cached, { readOnlyRoot: false });
      expect(hardens(await callReplica(replica, fresh))).to.equal(true);
    }
    await takesEffect(fresh);
  });

  it('follow the certificates by one watch from then on too', async () => {
    const since = new Date();
    await pause(LONGEST_BACK_OFF_MS + 2000);
    // A watch that ends at once, for a version that is too old or not there yet, would be begun again after that.
    const ended = world().controlPlane.auditEvents({
      user: 'system:serviceaccount:kube-harden:kube-harden',
      verb: 'watch',
      resource: 'secrets',
      since,
    });
    expect(ended.map(({ requestURI }) => requestURI)).to.deep.equal([]);
  });

  it('say when their watches are stale, once, and when they work again; one that starts meanwhile waits', async () => {
    const { controlPlane, replicas } = world();
    const linesBefore = replicas.map((replica) => replica.logs().length);
    const contact = await Promise.all(replicas.map((replica) => lastContact(replica)));
    await controlPlane.stopApiServer('SIGKILL');
    const died = performance.now();
    for (const replica of replicas) await decidesFromCache(replica, cached);

    const late = await world().startReplica({ waitReady: false });
    const { status, text } = await late.ready();
    expect(status).to.equal(503);
    for (const resource of WATCHED)
      expect(text).to.match(new RegExp(`\\[-\\]watch-${resource} failed: not read yet`));
    expect(text).to.match(/\[-\]certificate failed: no certificate yet: .*cannot be read/);

    await pause(Math.max(0, died + STALE_MS + 2500 - performance.now()));
    for (const [index, replica] of replicas.entries()) {
      await decidesFromCache(replica, cached);
      expect(
        told(replica, linesBefore[index], 'watch is stale: decisions go on from what is known'),
      ).to.deep.equal([...WATCHED].sort());
      const { status: ready, text: verbose } = await replica.ready(true);
      expect(ready).to.equal(200);
      for (const resource of WATCHED)
        expect(sinceOf(verbose, resource), verbose).to.be.within(14, 1 + seconds(died));
      expect(await lastContact(replica)).to.be.closeTo(contact[index] ?? 0, 3);
    }
    expect((await late.ready()).status).to.equal(503);

    await controlPlane.startApiServer();
    await recover('down for 17 s after SIGKILL', replicas);
    for (const [index, replica] of replicas.entries()) {
      expect(told(replica, linesBefore[index], 'watch works again')).to.deep.equal([...WATCHED].sort());
      expect(await lastContact(replica)).to.be.greaterThan((contact[index] ?? 0) + STALE_MS / 1000);
      expect(await sumOf(replica, 'watch_errors_total')).to.be.at.least(WATCHED.length);
    }
    await late.becomesReady(FIRST_SYNC_MS);
    expect(hardens(await callReplica(late, cached))).to.equal(true);
    await takesEffect(cached);
  });

  it('stand the loss of etcd for 10 s as well', async () => {
    const { controlPlane, replicas } = world();
    await controlPlane.stopEtcd();
    const died = performance.now();
    while (performance.now() - died < ETCD_AWAY_MS) {
      await Promise.all(replicas.map((replica) => decidesFromCache(replica, cached)));
      await pause(500);
    }
    await controlPlane.startEtcd();
    const back = performance.now();
    await eventually(
      'the API server ready',
      async () => (await controlPlane.api('GET', '/readyz')).status === 200,
      30_000,
    );
    console.log(`      the API server is ready ${seconds(back).toFixed(1)} s after etcd`);
    await recover('etcd away for 10 s', replicas);
    await takesEffect(cached);
    expect((await createPod(controlPlane, lived)).status).to.equal(201);
  });
});

/** Known namespaces are hardened, unknown ones fail, and readiness does not: all replicas would be out at once. */
async function decidesFromCache(replica: KubeHarden, cached: string): Promise<void> {
  expect(hardens(await callReplica(replica, cached)), 'a known namespace').to.equal(true);
  const unknown = await callReplica(replica, 'never-seen');
  expect(unknown.status, unknown.text).to.equal(500);
  expect(unknown.text).to.include('namespace \\"never-seen\\" could not be looked up');
  expect(await replica.ready()).to.deep.equal({ status: 200, text: 'ok' });
}

/** Nobody does anything: every watch of these replicas has a connection again. */
async function recover(what: string, replicas: readonly KubeHarden[]): Promise<void> {
  const began = performance.now();
  await eventually(
    'all watches connected',
    async () => {
      const replies = await Promise.all(replicas.map((replica) => replica.ready(true)));
      return replies.every(({ status, text }) => status === 200 && !NO_CONNECTION.test(text));
    },
    RECOVERY_MS,
  );
  console.log(`      ${what}: all watches again ${seconds(began).toFixed(1)} s after its return`);
}

/** A rule's opt-out, in every replica, within the time that the issue allows. */
async function takesEffect(namespace: string): Promise<void> {
  await label(namespace, OPT_OUT);
  const began = performance.now();
  await Promise.all(
    world().replicas.map((replica) => untilSaid(replica, namespace, { readOnlyRoot: false }, EFFECT_MS)),
  );
  console.log(`      a label took effect within ${Math.round(performance.now() - began)} ms`);
}

async function untilSaid(
  replica: KubeHarden,
  namespace: string,
  { readOnlyRoot }: { readonly readOnlyRoot: boolean },
  timeoutMs?: number,
): Promise<void> {
  await eventually(
    `${replica.name} ${readOnlyRoot ? 'sets' : 'leaves'} readOnlyRootFilesystem in ${namespace}`,
    async () => {
      const reply = await callReplica(replica, namespace);
      const patch = Buffer.from(reply.response?.patch ?? '', 'base64').toString();
      return hardens(reply) && patch.includes('readOnlyRootFilesystem') === readOnlyRoot;
    },
    timeoutMs,
  );
}

/** By the watch: asked by the entry that its labels select, or without one, nothing is looked up. */
async function untilKnown(replica: KubeHarden, namespace: string): Promise<void> {
  await eventually(`${replica.name} knows ${namespace}`, async () => {
    const { status, text } = await callReplica(replica, namespace);
    return status === 200 || text;
  });
}

/** Without its ServiceAccount: after a restart the controller that makes it takes its time. */
async function bareNamespace(labels: Readonly<Record<string, string>>): Promise<string> {
  const { status, body } = await world().controlPlane.api<{ metadata: { name: string } }>(
    'POST',
    '/api/v1/namespaces',
    { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'e2e-fault-', labels } },
  );
  expect(status, JSON.stringify(body)).to.equal(201);
  return body.metadata.name;
}

async function label(namespace: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}`;
  const { status, body } = await world().controlPlane.api('PATCH', path, { metadata: { labels } });
  expect(status, JSON.stringify(body)).to.equal(200);
}

/** For how many seconds /readyz?verbose says that a watch has had no connection; undefined where it says nothing. */
function sinceOf(verbose: string, resource: string): number | undefined {
  const line = verbose.split('\n').find((text) => text.startsWith(`[+]watch-${resource} ok`)) ?? '';
  const found = NO_CONNECTION.exec(line)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The resources of which a message was logged, sorted: each once, or it is named twice. */
function told(replica: KubeHarden, from: number | undefined, message: string): unknown[] {
  return replica
    .logs()
    .slice(from)
    .filter((line) => line.message === message)
    .map((line) => line['resource'])
    .sort();
}

function sumOf(replica: KubeHarden, metric: string): Promise<number> {
  return replica.metric(`kube_harden_${metric}`);
}

function listsOf(replica: KubeHarden): Promise<number> {
  return replica.metric('kube_harden_watch_restarts_total', { resource: 'namespaces' });
}

function lastContact(replica: KubeHarden): Promise<number> {
  return replica.metric('kube_harden_watch_last_contact_timestamp_seconds', { resource: 'namespaces' });
}

function seconds(began: number): number {
  return (performance.now() - began) / 1000;
}
