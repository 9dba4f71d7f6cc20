import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError } from '../../src/cluster/apiError.js';
import { SelfManagedCertificates } from '../../src/cluster/selfManagedCertificates.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { authority, clientPair, temporaryFolder } from '../system/support/certificates.js';
import { eventually, get, outcome, post } from '../system/support/clients.js';
import { RecordingLogger, closeServers, healthyReview, startServers } from '../system/support/testServers.js';
import { CertificateCluster, SECRET_PATH } from './support/certificateCluster.js';
import { handshake } from './support/handshake.js';
import { Leading } from './support/leading.js';

const HOUR = 3_600_000;
const HOST = 'kube-harden.kube-harden.svc';

describe('SelfManagedCertificates', () => {
  let cluster: CertificateCluster;
  let logger: RecordingLogger;
  let metrics: Metrics;
  let opened: SelfManagedCertificates[] = [];
  let leading: AbortController;

  beforeEach(() => {
    cluster = new CertificateCluster();
    logger = new RecordingLogger();
    metrics = new Metrics({ version: 'test' });
    leading = new AbortController();
  });
  afterEach(() => {
    leading.abort();
    for (const one of opened.splice(0)) one.close();
    opened = [];
    closeServers();
  });

  function replica(
    options: Partial<ConstructorParameters<typeof SelfManagedCertificates>[0]> = {},
  ): SelfManagedCertificates {
    const made = new SelfManagedCertificates({
      api: cluster.api,
      stream: cluster.api,
      namespace: 'kube-harden',
      hosts: ['127.0.0.1', '::1', 'Webhook.Example'],
      certificateDurationMs: 90 * 24 * HOUR,
      caDurationMs: 730 * 24 * HOUR,
      logger,
      metrics,
      timings: { readAgainMs: 60_000, backOffMs: 20 },
      ...options,
    });
    opened.push(made);
    return made;
  }

  const lead = (one: SelfManagedCertificates): void => void one.lead(leading.signal);
  const messages = (level: string): string[] =>
    logger.lines.filter((line) => line.level === level).map(({ message }) => message);

  const trusts = (port: number): Promise<string> => handshake(cluster, port);

  it('listens before there is a certificate, says why it is not ready, and serves what the leader makes', async () => {
    const tls = replica();
    const { port, opsUrl } = await startServers({ tls, metrics });
    expect((await get(`${opsUrl}/readyz`)).text).to.equal(
      '[-]certificate failed: no certificate yet: the leader has not made one\nreadyz check failed\n',
    );
    expect((await get(`${opsUrl}/livez`)).status).to.equal(200);
    expect(await outcome(post(port, healthyReview('u')))).to.equal('EPROTO');
    lead(tls);
    await eventually(() => tls.material !== undefined && cluster.bundles.heldByAll.size === 1);
    expect(await trusts(port)).to.equal(cluster.secret.state.leaf?.fingerprint);
    expect((await get(`${opsUrl}/readyz`)).status).to.equal(200);
    expect(cluster.secret.state.leaf?.hosts).to.deep.equal([
      HOST,
      '127.0.0.1',
      '0:0:0:0:0:0:0:1',
      'webhook.example',
    ]);
    const scraped = (await get(`${opsUrl}/metrics`)).text;
    expect(scraped).to.match(/^kube_harden_certificate_renewals_total\{what="leaf",result="ok"\} 1$/m);
    expect(scraped).to.match(/^kube_harden_ca_expiry_timestamp_seconds \d{10}/m);
    expect(scraped).to.match(/^kube_harden_certificate_expiry_timestamp_seconds \d{10}/m);
  });

  it('rotates leaf and authority under the eyes of clients, without one refused handshake', async () => {
    // Renewed every 4 s, the authority every 8 s, which signs after 0.6 s.
    const durations = { certificateDurationMs: 6_000, caDurationMs: 12_000 };
    const tls = replica(durations);
    const follower = replica(durations);
    const { port } = await startServers({ tls: follower, metrics });
    await tls.start();
    lead(tls);
    await eventually(() => follower.material !== undefined && cluster.bundles.heldByAll.size === 1);
    const served = new Set<string>();
    const refused: string[] = [];
    const until = Date.now() + 12_000;
    while (Date.now() < until) {
      const outcome = await trusts(port);
      if (/^[0-9A-F:]+$/.test(outcome)) served.add(outcome);
      else refused.push(outcome);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(refused).to.deep.equal([]);
    expect(served.size).to.be.at.least(3);
    expect(messages('info')).to.include('next certificate authority signs from now on');
  }).timeout(30_000);

  it('gives a replica that starts what is there, and follows through a watch that ends, breaks or is left behind', async () => {
    const first = replica();
    await first.start();
    lead(first);
    await eventually(() => first.material !== undefined);
    const second = replica();
    await second.start();
    expect(second.material).to.deep.equal(first.material);
    for (const error of [undefined, new Error('socket hang up'), new ApiError(410, 'too old', 'Expired')]) {
      const before = second.material;
      await eventually(() => cluster.api.watching === 2);
      cluster.api.endWatches(error);
      cluster.changeSecret({ 'tls.crt': undefined, 'tls.key': undefined });
      // A minute passes before the leader makes another: a user puts one there.
      cluster.changeSecret({ 'tls.crt': before?.cert.toString(), 'tls.key': before?.key.toString() });
      await eventually(() => cluster.api.watching === 2);
      expect(second.material).to.deep.equal(before);
    }
    expect(messages('error')).to.deep.equal([]);
  });

  it('is told of changes at once after every API server was restarted, long after the last change', async () => {
    const tls = replica();
    await tls.start();
    lead(tls);
    await eventually(() => tls.material !== undefined);
    leading.abort();
    cluster.api.restart();
    await eventually(() => cluster.api.watching === 1);
    const asked = cluster.api.requests.length;
    const next = await clientPair('next');
    cluster.changeSecret({ 'tls.crt': next.cert, 'tls.key': next.key });
    await eventually(() => messages('error').length === 1);
    // By the watch, that is without a question.
    expect(cluster.api.requests.slice(asked)).to.deep.equal([]);
  });

  it('takes what it reads where the cluster was set back to an earlier state', async () => {
    const tls = replica({ timings: { readAgainMs: 30, backOffMs: 20 } });
    await tls.start();
    lead(tls);
    await eventually(() => tls.material !== undefined);
    leading.abort();
    for (let change = 0; change < 20; change += 1) cluster.changeSecret({ unrelated: `${change}` });
    const asked = cluster.api.requests.length;
    await eventually(() => cluster.api.requests.length > asked + 1);
    cluster.api.setBack(15);
    cluster.emptySecret();
    await eventually(() => messages('warn').some((message) => message.includes('holds no certificate')));
  });

  it('says once that it cannot be watched, though it can be read', async () => {
    let watches = 0;
    const refused = {
      watch: () => {
        watches += 1;
        return Promise.reject(new ApiError(403, 'secrets is forbidden', 'Forbidden'));
      },
    };
    const tls = replica({ stream: refused, timings: { readAgainMs: 20, backOffMs: 1, longestBackOffMs: 2 } });
    await tls.start();
    await eventually(() => watches > 5);
    expect(messages('warn')).to.deep.equal(['the certificate Secret cannot be followed: trying again']);
  });

  it('reads the Secret again by and by, in case the watch is dead without a sign', async () => {
    const deaf = { watch: () => new Promise<void>(() => undefined) };
    const tls = replica({ stream: deaf, timings: { readAgainMs: 50, backOffMs: 20 } });
    await tls.start();
    expect(tls.material).to.equal(undefined);
    lead(tls);
    await eventually(() => tls.material !== undefined);
  });

  it('keeps what it serves when the Secret breaks, is emptied or goes, and says so once for each', async () => {
    const tls = replica();
    await tls.start();
    lead(tls);
    await eventually(() => tls.material !== undefined);
    leading.abort();
    const { material } = tls;
    cluster.changeSecret({ 'tls.key': (await clientPair('x')).key });
    await eventually(() => messages('error').length === 1);
    expect(logger.lines.find(({ level }) => level === 'error')?.fields['problems']).to.deep.equal([
      'tls.key does not belong to tls.crt',
    ]);
    // Touched, not changed.
    cluster.changeSecret({ unrelated: 'x' });
    cluster.emptySecret();
    await eventually(() => messages('warn').some((message) => message.includes('holds no certificate')));
    expect(messages('error')).to.have.length(1);
    expect(metrics.tlsReloadFailures.value).to.equal(1);
    cluster.api.delete(SECRET_PATH);
    await eventually(() => messages('error').some((message) => message.includes('is missing')));
    expect(tls.material).to.equal(material);
  });

  it('goes on with the old one while the new one is not valid by its clock, says so once, and takes it when it is', async () => {
    const leading = new Leading({ now: Date.now() }, cluster);
    await leading.settle();
    let skew = 0;
    const clock = { now: () => Date.now() + skew, monotonic: () => performance.now() };
    const tls = replica({ clock, timings: { readAgainMs: 20, backOffMs: 20 } });
    await tls.start();
    const { material } = tls;
    leading.skewMs = 365 * 24 * HOUR;
    await leading.settle();
    await eventually(() => messages('warn').length === 1);
    const looks = cluster.api.requests.length;
    await eventually(() => cluster.api.requests.length > looks + 3);
    expect(tls.material).to.equal(material);
    expect(messages('warn')).to.deep.equal([
      'the certificate of the Secret is not valid by this clock: the old one stays in use',
    ]);
    // One that starts has no other, and its clock may be the one that is wrong.
    const late = replica();
    await late.start();
    expect(late.material?.expires).to.be.above(Date.now() + leading.skewMs);
    skew = leading.skewMs;
    await eventually(() => tls.material?.expires === late.material?.expires);
  });

  it('starts without an API server, and says what is missing', async () => {
    cluster.api.intercept = () => {
      throw new Error('connect ECONNREFUSED');
    };
    const tls = replica();
    await tls.start();
    expect(tls.missing).to.equal(
      'the Secret kube-harden/kube-harden-certificates cannot be read: connect ECONNREFUSED',
    );
    cluster.api.intercept = () => undefined;
    cluster.api.delete(SECRET_PATH);
    cluster.api.endWatches(new Error('cut'));
    await eventually(() => tls.missing?.includes('is missing; apply the manifests') === true);
    cluster.emptySecret();
    cluster.api.endWatches();
    lead(tls);
    await eventually(() => tls.material !== undefined);
  });

  it('takes the client CA from its file beside it, and follows that too', async () => {
    const file = join(temporaryFolder(), 'client-ca.crt');
    writeFileSync(file, authority.cert);
    const tls = replica({ clientCaFile: file });
    const { port } = await startServers({ tls, metrics });
    lead(tls);
    await eventually(() => tls.material !== undefined);
    const ca = cluster.secret.data['ca.crt'] ?? '';
    const known = { ...(await clientPair('kube-apiserver')), ca };
    expect(await outcome(post(port, healthyReview('u'), { ca }))).to.match(/^(?!\d)/);
    expect(await outcome(post(port, healthyReview('u'), known))).to.equal('200');
    const reloads = metrics.tlsReloads.value;
    writeFileSync(file, ca);
    await eventually(() => metrics.tlsReloads.value > reloads);
    expect(await outcome(post(port, healthyReview('u'), known))).to.match(/^(?!\d)/);
    expect(tls.clientCa?.toString()).to.equal(ca);
  });
});
