import { expect } from 'chai';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { readCertificateSecret } from '../../src/cluster/certificateSecret.js';
import { failureTexts, PodLoad } from './support/podLoad.js';
import { closeWorld, namespaceIn, startOwnWorld } from './support/ownWorld.js';
import { TrustProbe } from './support/trustProbe.js';
import { eventually } from './support/wait.js';
import type { World } from './support/world.js';

/** Both rotations within a minute, and still seconds of margin for a machine under load. */
const LIVES = ['--certificate-duration', '15s', '--ca-duration', '40s'];
const AT_LEAST = 2000;
/** Twice of what mending was seen to take on two busy cores. */
const TIME_LEFT_MS = 10_000;
const SECRET = '/api/v1/namespaces/kube-harden/secrets/kube-harden-certificates';

describe('self-managed certificates that live for seconds, while pods are created without pause', function () {
  this.timeout(150_000);
  let own: World;
  let namespace: string;
  let failed = false;

  before(async () => {
    own = await startOwnWorld(3, LIVES);
    namespace = await namespaceIn(own.controlPlane, { 'kube-harden.io/mode': 'enforce' });
  });
  afterEach(function () {
    failed ||= this.currentTest?.state === 'failed';
  });
  after(() => closeWorld(own, { failed }));

  it('rotate, the leaf and then the authority: no creation fails, and the old authority is trusted no longer at last', async () => {
    const { controlPlane } = own;
    const probe = new TrustProbe(controlPlane, () => own.replicas).start();
    const load = await PodLoad.start({ controlPlane, namespace, perSecond: 60, connections: 12 });
    const began = performance.now();
    const connected = own.forwarder.connections();
    const first = await eventually('a trusted authority', () => probe.bundles[0]?.[0]);
    await eventually('another leaf of the first authority', () => probe.leaves.size > 1, 30_000);
    const leavesBefore = probe.leaves.size;
    await eventually('both authorities trusted', () => probe.bundles[0]?.length === 2, 60_000);
    await eventually('the first authority gone', () => isGone(probe, first), 60_000);
    await eventually(`${AT_LEAST} creations`, () => load.total >= AT_LEAST, 60_000);
    await load.stop();
    await probe.stop();
    console.log(
      `      ${load.total} creations in ${seconds(began)} s, ${load.failures.length} failed; ` +
        `${probe.leaves.size} leaves of ${probe.authorities.size} authorities in ${probe.handshakes} handshakes, ` +
        `${probe.refused.length} refused; the API server connected ${own.forwarder.connections() - connected} times`,
    );
    expect(failureTexts(load.failures)).to.equal('');
    expect(probe.refused).to.deep.equal([]);
    expect(leavesBefore).to.be.greaterThan(1);
    expect(probe.leaves.size).to.be.greaterThan(leavesBefore);
    expect(probe.authorities.size).to.be.at.least(2);
    // It verifies anew whenever a caBundle changes: once for the second authority, once without the first.
    expect(own.forwarder.connections() - connected).to.be.at.least(2);
    // Reloaded, not restarted: each replica served several.
    for (const replica of own.replicas)
      expect(await replica.metric('kube_harden_tls_reloads_total')).to.be.at.least(2);
  });

  for (const { what, data, told } of [
    {
      what: 'loses the key of its authority',
      data: { 'ca.key': null },
      told: 'the certificate Secret is broken in part: the certificate itself is in use',
    },
    {
      what: 'is emptied by a user',
      data: null,
      told: 'the certificate Secret holds no certificate: the old one stays in use',
    },
    {
      what: 'is filled with garbage by a user',
      data: Object.fromEntries(
        ['tls.crt', 'tls.key', 'ca.crt', 'ca.key', 'next-ca.crt', 'next-ca.key', 'old-ca.crt'].map((key) => [
          key,
          Buffer.from('garbage').toString('base64'),
        ]),
      ),
      told: 'the certificate Secret is broken: what was in use stays in use',
    },
  ]) {
    it(`are mended by the leader when the Secret ${what}: replicas serve the old one until then, no creation fails`, async () => {
      const { controlPlane } = own;
      const probe = new TrustProbe(controlPlane, () => own.replicas).start();
      const load = await PodLoad.start({ controlPlane, namespace, perSecond: 40, connections: 8 });
      // Of real certificates there are weeks left: a new authority is not trusted sooner for one that is about to end.
      const before = await eventually(
        'a leaf with time left',
        () => [...probe.leaves].find(([, expires]) => expires - Date.now() >= TIME_LEFT_MS)?.[0],
        20_000,
      );
      const linesBefore = own.replicas.map((replica) => toldTimes(replica.logs(), told));
      const began = performance.now();
      const { status } = await controlPlane.api('PATCH', SECRET, { data });
      expect(status).to.equal(200);
      await eventually('every replica has told', () =>
        own.replicas.every((replica, index) => toldTimes(replica.logs(), told) > (linesBefore[index] ?? 0)),
      );
      await eventually(
        'a whole Secret, served by every replica, trusted by the configuration',
        async () => {
          const { body } = await controlPlane.api<ApiObject>('GET', SECRET);
          const { state, material, problems, authorities } = readCertificateSecret(body);
          const trusted = authorities.map(({ fingerprint }) => fingerprint);
          const serving = new Set(own.replicas.map(({ name }) => probe.serving.get(name)));
          return (
            problems.length === 0 &&
            material !== undefined &&
            state.ca?.canSign === true &&
            serving.size === 1 &&
            !serving.has(before) &&
            probe.bundles.every((bundle) => trusted.every((fingerprint) => bundle.includes(fingerprint)))
          );
        },
        30_000,
      );
      const mended = seconds(began);
      await load.stop();
      await probe.stop();
      console.log(
        `      mended in ${mended} s; ${load.total} creations, ${load.failures.length} failed; ` +
          `${probe.handshakes} handshakes, ${probe.refused.length} refused`,
      );
      expect(failureTexts(load.failures)).to.equal('');
      expect(probe.refused).to.deep.equal([]);
    });
  }
});

function isGone({ bundles }: TrustProbe, authority: string): boolean {
  return bundles.length > 0 && bundles.every((held) => held.length > 0 && !held.includes(authority));
}

function toldTimes(lines: readonly { readonly message: string }[], text: string): number {
  return lines.filter(({ message }) => message === text).length;
}

function seconds(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}
