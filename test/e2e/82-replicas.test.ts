import { expect } from 'chai';
import { CertificateAuthority, validFor } from '../../src/server/certificateAuthority.js';
import { readFileSync } from 'node:fs';
import { callReplica, hardens } from './support/admissionCall.js';
import { changedBy, createPod } from './support/createPod.js';
import type { KubeHarden } from './support/kubeHarden.js';
import { leaseHolder, untilLed } from './support/leadership.js';
import { failureTexts, PodLoad, type LoadFailure } from './support/podLoad.js';
import type { Exit } from './support/ownedProcess.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const LOAD = { perSecond: 120, connections: 16 };
/** What a leader that ends in good order leaves: the others ask every 2 to 4.4 s. */
const HANDED_OVER_MS = 6000;
/** What one that vanishes leaves: its lease of 15 s, seen up to 4.4 s late, and tried for up to 4.4 s after its end. */
const TAKEN_OVER_MS = 27_000;
const REPLICAS = 3;

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';

interface Policy {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

describe('replicas that come and go, under load', function () {
  this.timeout(90_000);
  let namespace: string;
  let load: PodLoad;

  before(async () => {
    namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
  });
  beforeEach(async () => {
    const { controlPlane } = world();
    while (world().replicas.length < REPLICAS) await world().startReplica();
    // The API server connects anew, to all that there are now.
    world().forwarder.cut();
    load = await PodLoad.start({ controlPlane, namespace, ...LOAD });
  });
  afterEach(() => load.stop());
  after(() => world().restore());

  it('a leader that is drained by SIGTERM loses no request, and another leads within seconds', async () => {
    const leader = await untilLed(world(), TAKEN_OVER_MS);
    await isBusy(leader);
    const exit = await world().stopReplica(leader);
    const began = performance.now();
    expect(exit).to.deep.equal({ code: 0, signal: null });
    const next = await untilLed(world(), HANDED_OVER_MS);
    const ledAfter = seconds(began);
    await load.reaches(100);
    await load.stop();
    report(`drained; ${next.name} leads ${ledAfter} s later`, load);
    expect(failureTexts(load.failures)).to.equal('');
    expect(leader.logs().filter(({ message }) => message.startsWith('request cut'))).to.deep.equal([]);
    await writesStatus('drained');
  });

  it('replicas that are rolled (a new one first, then an old one drained) lose no request', async () => {
    const olds = world().replicas;
    await isBusy(known(olds[0]));
    const drained: Promise<Exit>[] = [];
    for (const old of olds) {
      // As a Deployment does with maxUnavailable 0: those that are ending are not waited for.
      await world().startReplica();
      drained.push(world().stopReplica(old));
    }
    for (const exit of await Promise.all(drained)) expect(exit).to.deep.equal({ code: 0, signal: null });
    expect(world().replicas).to.have.length(olds.length);
    await load.reaches(100);
    await load.stop();
    report('all rolled', load);
    expect(failureTexts(load.failures)).to.equal('');
  });

  it('a leader that is killed loses at most the requests in flight, each with an error, and another leads when its lease has ended', async () => {
    const leader = await untilLed(world(), TAKEN_OVER_MS);
    const { forwarder, endpoints } = world();
    await isBusy(leader);
    // The Service forgets it at once: what is lost besides is the Service's, not ours.
    endpoints.pause();
    forwarder.remove(leader.admissionPort);
    const began = performance.now();
    const { inFlight, sent } = load;
    expect(await leader.kill()).to.deep.equal({ code: null, signal: 'SIGKILL' });
    const died = performance.now();
    // A process dies a moment after the signal: what was sent within it was in flight too.
    const atMost = inFlight + load.sent - sent;
    await world().stopReplica(leader);
    await endpoints.resume();
    await load.reaches(200);
    await load.stop();
    report(`killed with ${atMost} in flight`, load);
    expect(load.failures.length).to.be.at.most(atMost);
    expectClear(load.failures, began, died);
    const next = await untilLed(world(), TAKEN_OVER_MS);
    console.log(`      ${next.name} leads ${seconds(began)} s after the kill`);
    await writesStatus('killed');
  });

  it('a replica that is killed before the Service knows fails what it is sent until then, each with an error', async () => {
    const replica = known(world().replicas[0]);
    await isBusy(replica);
    const began = performance.now();
    await world().stopReplica(replica, 'SIGKILL');
    const forgotten = performance.now();
    await load.reaches(200);
    await load.stop();
    report(`killed, known to the Service ${Math.round(forgotten - began)} ms later`, load);
    expectClear(load.failures, began, forgotten);
  });
});

describe('a replica that wants the API server to show its certificate', function () {
  const [allowed, other] = ['kube-apiserver-webhook-client', 'kubelet'] as const;
  let authority: CertificateAuthority;
  let bundle: string;
  let namespace: string;
  let replica: KubeHarden;

  before(async () => {
    const { controlPlane, endpoints, forwarder } = world();
    authority = await CertificateAuthority.create('e2e other clients', validFor(1));
    bundle = controlPlane.folder.write(
      'client-cas.crt',
      readFileSync(controlPlane.webhookClientCaFile, 'utf8') + authority.cert,
    );
    namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
    replica = await strict(controlPlane.webhookClientName);
    endpoints.pause();
    forwarder.setBackends([{ port: replica.admissionPort }]);
    forwarder.cut();
  });
  after(() => world().restore());

  it('answers the API server', async () => {
    const reply = await createPod(world().controlPlane, namespace);
    expect(reply.status).to.equal(201);
    expect(changedBy(reply)).to.be.a('string');
    expect(await replica.metric('kube_harden_responses_total', { code: '200' })).to.be.greaterThan(0);
  });

  it('answers an allowed name of the given authorities', async () => {
    const client = await authority.issue({ commonName: allowed, hosts: [], usage: 'client', ...validFor(1) });
    expect(hardens(await callReplica(replica, namespace, { client }))).to.equal(true);
  });

  for (const { what, issue, reason } of [
    { what: 'without a certificate', issue: () => Promise.resolve(undefined), reason: 'handshake' },
    {
      what: 'with a certificate of the same authority in another name',
      issue: () => authority.issue({ commonName: other, hosts: [], usage: 'client', ...validFor(1) }),
      reason: 'clientName',
    },
    {
      what: 'with the allowed name from another authority',
      issue: async () => {
        const stranger = await CertificateAuthority.create('stranger', validFor(1));
        return stranger.issue({ commonName: allowed, hosts: [], usage: 'client', ...validFor(1) });
      },
      reason: 'handshake',
    },
  ]) {
    it(`refuses a call ${what} before it is read, and counts it`, async () => {
      const client = await issue();
      const refused = () => replica.metric('kube_harden_refused_requests_total', { reason });
      const before = await refused();
      const outcome = await callReplica(replica, namespace, client === undefined ? {} : { client }).catch(
        (error: unknown) => error,
      );
      expect(outcome).to.be.instanceOf(Error);
      await eventually(`counted as ${reason}`, async () => (await refused()) === before + 1);
    });
  }

  it('still answers probes and scrapes, which have no certificate', async () => {
    expect(await replica.ready()).to.deep.equal({ status: 200, text: 'ok' });
    expect((await fetch(`${replica.opsUrl}/livez`)).status).to.equal(200);
    expect(await replica.metric('kube_harden_build_info')).to.equal(1);
  });

  it('fails the creation with an error, never lets it pass, where the API server is not an allowed name', async () => {
    const { forwarder } = world();
    const stern = await strict('somebody-else');
    forwarder.setBackends([{ port: stern.admissionPort }]);
    forwarder.cut();
    const { status, body } = await createPod(world().controlPlane, namespace);
    expect(status).to.equal(500);
    expect(body.message).to.include('failed calling webhook "enforce.kube-harden.io"');
    expect((await stern.log('client certificate of another name refused', 5000))['names']).to.deep.equal([
      allowed,
    ]);
  });

  function strict(name: string): Promise<KubeHarden> {
    return world().startReplica({ args: ['--client-ca-file', bundle, '--client-allowed-names', name] });
  }
});

/** What is drained or killed is in use: dozens of the load's requests come to it before it goes. */
async function isBusy(replica: KubeHarden): Promise<void> {
  const answers = () => replica.metric('kube_harden_responses_total', { code: '200' });
  const before = await answers();
  await eventually(`${replica.name} is called`, async () => (await answers()) > before + 20, 20_000);
}

/** A policy of its own, of which the leader tells that it is accepted. */
async function writesStatus(name: string): Promise<void> {
  const { controlPlane } = world();
  const { status } = await controlPlane.api('POST', POLICIES, {
    apiVersion: 'kube-harden.io/v1alpha1',
    kind: 'HardeningPolicy',
    metadata: { name: `leader-${name}` },
    spec: { rules: { runAsNonRoot: { action: 'Warn' } } },
  });
  expect(status).to.equal(201);
  await eventually('the leader writes the status of a policy', async () => {
    const { body } = await controlPlane.api<Policy>('GET', `${POLICIES}/leader-${name}`);
    return (
      body.status?.observedGeneration === 1 &&
      body.status.conditions?.some(({ type, status: is }) => type === 'Accepted' && is === 'True')
    );
  });
  expect(await leaseHolder(controlPlane)).not.to.equal('');
}

/** What fails fails by the webhook and says so; nothing before the kill, nothing that was sent when it was over. */
function expectClear(failures: readonly LoadFailure[], killed: number, over: number): void {
  for (const { status, message, began, ended } of failures) {
    expect(status, message).to.equal(500);
    expect(message).to.include('failed calling webhook "enforce.kube-harden.io"');
    expect(ended).to.be.greaterThan(killed);
    expect(began).to.be.lessThan(over);
  }
}

function known(replica: KubeHarden | undefined): KubeHarden {
  if (replica === undefined) throw new Error('no replica runs');
  return replica;
}

function report(what: string, { total, sent, failures }: PodLoad): void {
  expect(total, 'each has an answer').to.equal(sent);
  console.log(`      ${what}: ${total} creations, ${failures.length} failed`);
  for (const { status, message } of failures.slice(0, 3)) console.log(`        ${status} ${message}`);
}

function seconds(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}
