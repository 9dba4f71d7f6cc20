import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { isRecord } from '../../../src/hardening/locate.js';
import { LeaderElection } from '../../../src/cluster/leaderElection.js';
import { SelfManagedCertificates } from '../../../src/cluster/selfManagedCertificates.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { debianPackage } from '../../e2e/controlPlane/debianPackage.js';
import { CertificateCluster } from '../../cluster/support/certificateCluster.js';
import { handshake } from '../../cluster/support/handshake.js';
import { MemoryApi } from '../../cluster/support/memoryApi.js';
import { pod, requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { authority, writePair } from '../support/certificates.js';
import { RecordingLogger, closeServers, startServers } from '../support/testServers.js';
import { eventually, pause, post, type Call } from '../support/clients.js';
import { NAMESPACES, namespaceObject } from './support/clusterProcess.js';
import { LEASE_PATH, leaderApiServer, putLease } from './support/leaderApiServer.js';
import { hardens, print, runFolder, serve } from './support/serveProcess.js';

const DAY = 24 * 60 * 60 * 1000;
/** As libfaketime reads them, and in milliseconds. */
const JUMPS = [
  ['forward a year', '+365d', 365 * DAY],
  ['back to now', '+0d', 0],
  ['back a day', '-1d', -DAY],
  ['forward to now', '+0d', 0],
] as const;

/*
 * Exceptions at every clock: test/policy/planBook.test.ts; years of certificates with leaders whose clocks are minutes
 * apart, or jump by years: test/cluster/certificateSimulation.test.ts, certificateClocks.test.ts. Here: real processes
 * whose clock jumps, with certificates as files and as the leader that makes its own; then, within this process, what
 * takes two clocks: the Lease and certificates over real TLS.
 */
describe('23. clocks that jump', () => {
  it('a real process: readiness follows the certificate, exceptions end and come back, no request is lost', async function () {
    this.timeout(120_000);
    const library = fakeTime();
    if (library === undefined) {
      print("Debian's libfaketime cannot be had here: the real process is not tried");
      this.skip();
    }
    const clock = runFolder.write('clock', '+0d\n');
    const [certFile, keyFile] = [runFolder.file('jumping.crt'), runFolder.file('jumping.key')];
    const now = Date.now();
    writePair(
      certFile,
      keyFile,
      await authority.issue({
        commonName: 'kube-harden',
        hosts: ['127.0.0.1'],
        usage: 'server',
        notBefore: new Date(now - 10 * DAY),
        notAfter: new Date(now + 30 * DAY),
      }),
    );
    const policies = runFolder.write('jumping.yaml', policyWith(new Date(now + 10 * DAY)));
    const server = await serve({
      args: ['--tls-cert-file', certFile, '--tls-private-key-file', keyFile, '--policy-file', policies],
      env: clockOf(library, clock),
    });
    const clients = new Clients(server);
    const seen: string[] = [];
    expect(await stateOf(server)).to.deep.equal({ ready: true, excepted: true });
    for (const [what, setting, offset] of JUMPS) {
      writeFileSync(clock, `${setting}\n`);
      await pause(1500);
      const state = await stateOf(server);
      seen.push(
        `${what}: ${state.ready ? 'ready' : 'not ready'}, ${state.excepted ? 'excepted' : 'not excepted'}`,
      );
      expect(state, what).to.deep.equal({ ready: offset <= 30 * DAY, excepted: offset <= 10 * DAY });
    }
    await clients.stop();
    print(seen.join('; '));
    print(`${clients.answered} requests answered meanwhile, ${clients.failures.length} failed`);
    expect(clients.failures).to.deep.equal([]);
    expect(await server.metric('kube_harden_uncaught_errors_total')).to.equal(0);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
  });

  it('a real process that leads: it keeps the Lease, and makes a certificate that is valid by its clock after each jump', async function () {
    this.timeout(180_000);
    const library = fakeTime();
    if (library === undefined) {
      print("Debian's libfaketime cannot be had here: the real leader is not tried");
      this.skip();
    }
    const { server, cluster } = await leaderApiServer();
    server.put(NAMESPACES, namespaceObject('shop'));
    // Its authority is a month old, as a cluster's is: it is valid at each of the clocks, the certificates are not.
    const clock = runFolder.write('leader-clock', '-30d\n');
    const replica = await KubeHarden.start({
      name: 'jumping-leader',
      folder: runFolder,
      kubeconfig: runFolder.write('jumping-leader.kubeconfig', JSON.stringify(server.kubeconfig)),
      args: ['--log-decisions', 'denied', '--shutdown-delay-duration', '0s'],
      env: clockOf(library, clock),
    });
    await eventually(() => leaseOf(cluster).holder !== '');
    const first = leaseOf(cluster);
    expect(first.holder).to.match(/^jumping-leader_/);
    let leaf = await servedBy(replica);
    expect(isValidAt(leaf, Date.now() - 30 * DAY)).to.equal(true);
    // They are asked for nothing: whether it is trusted is looked at below, by the clock that made it.
    const clients = new Clients(replica, { rejectUnauthorized: false });

    const seen: string[] = [];
    let made = 1;
    for (const [what, setting, offset] of JUMPS) {
      const wasValid = isValidAt(leaf, Date.now() + offset);
      const before = leaf.fingerprint256;
      const set = performance.now();
      writeFileSync(clock, `${setting}\n`);
      // A leader looks every ten seconds.
      await eventually(async () => isValidAt((leaf = await servedBy(replica)), Date.now() + offset));
      const seconds = ((performance.now() - set) / 1000).toFixed(1);
      await eventually(() => Math.abs(leaseOf(cluster).renewed - (Date.now() + offset)) < 5000);
      expect(isTrusted(cluster, leaf), what).to.equal(true);
      expect(leaf.fingerprint256 === before, what).to.equal(wasValid);
      if (!wasValid) made += 1;
      const { holder, transitions } = leaseOf(cluster);
      expect({ holder, transitions }, what).to.deep.equal({
        holder: first.holder,
        transitions: first.transitions,
      });
      expect(await replica.metric('kube_harden_leader'), what).to.equal(1);
      expect((await replica.ready()).status, what).to.equal(200);
      seen.push(`${what}: ${wasValid ? 'the same certificate' : `another after ${seconds} s`}`);
    }
    // A year ahead it has expired; back from there, and back a day, it has not begun.
    expect(made).to.equal(4);
    await clients.stop();
    const renewals = 'kube_harden_certificate_renewals_total';
    print(seen.join('; '));
    print(
      `the Lease was kept, by the same leader all the time; ${made} certificates of one authority; ` +
        `${clients.answered} requests answered meanwhile, ${clients.failures.length} failed`,
    );
    expect(clients.failures).to.deep.equal([]);
    expect(await replica.metric(renewals, { what: 'leaf', result: 'ok' })).to.equal(made);
    expect(await replica.metric(renewals, { what: 'ca', result: 'ok' })).to.equal(1);
    expect(await replica.metric(renewals, { result: 'failed' })).to.equal(0);
    expect(await replica.metric('kube_harden_uncaught_errors_total')).to.equal(0);
    const told = replica.logs().map(({ message }) => message);
    expect(told.filter((message) => message === 'leads now')).to.have.length(1);
    expect(told).to.not.include('leads no longer');
    expect(await replica.stop()).to.deep.equal({ code: 0, signal: null });
    expect(leaseOf(cluster).holder).to.equal('');
    server.close();
  });

  it('the Lease: whoever leads goes on, nobody leads beside it, whatever its clock or the other one says', async () => {
    const api = new MemoryApi();
    putLease(api);
    const skews = { first: 0, second: 0 };
    const events: string[] = [];
    const replica = (identity: keyof typeof skews): LeaderElection =>
      new LeaderElection({
        api,
        namespace: 'kube-harden',
        identity,
        timings: { leaseMs: 2000, renewDeadlineMs: 1500, retryMs: 100 },
        logger: new RecordingLogger(),
        onStartedLeading: () => {
          events.push(`${identity} leads`);
        },
        onStoppedLeading: () => {
          events.push(`${identity} leads no longer`);
        },
        clock: { now: () => Date.now() + skews[identity], monotonic: () => performance.now() },
      });
    const [first, second] = [replica('first'), replica('second')];
    first.start();
    await eventually(() => first.isLeader);
    second.start();
    let looks = 0;
    for (const [, , offset] of JUMPS) {
      for (const who of ['first', 'second'] as const) {
        skews[who] = offset;
        for (let look = 0; look < 10; look += 1) {
          await pause(20);
          looks += 1;
          expect([first.isLeader, second.isLeader]).to.deep.equal([true, false]);
        }
      }
    }
    skews.second = 365 * DAY;
    await first.stop();
    await eventually(() => second.isLeader);
    await second.stop();
    print(
      `${2 * JUMPS.length} jumps, ${looks} looks: one leader, the same; then: ${events.slice(1).join(', ')}`,
    );
    expect(events).to.deep.equal([
      'first leads',
      'first leads no longer',
      'second leads',
      'second leads no longer',
    ]);
  });

  it("self-managed certificates: the leader's clock jumps a year, the other replica's calls go on; set right, it mends its own", async () => {
    const cluster = new CertificateCluster();
    let skew = 0;
    const opened: SelfManagedCertificates[] = [];
    const replica = async (now: () => number): Promise<number> => {
      const metrics = new Metrics({ version: 'test' });
      const tls = new SelfManagedCertificates({
        api: cluster.api,
        stream: cluster.api,
        namespace: 'kube-harden',
        hosts: [],
        // A new authority is trusted for six seconds before it signs.
        certificateDurationMs: 60_000,
        caDurationMs: 120_000,
        logger: new RecordingLogger(),
        metrics,
        clock: { now, monotonic: () => performance.now() },
        timings: { readAgainMs: 200 },
      });
      opened.push(tls);
      await tls.start();
      return (await startServers({ tls, metrics })).port;
    };
    const leader = await replica(() => Date.now() + skew);
    const other = await replica(() => Date.now());
    const leading = new AbortController();
    void opened[0]?.lead(leading.signal);
    const isTrusted = async (port: number): Promise<boolean> =>
      /^[0-9A-F:]+$/.test(await handshake(cluster, port));
    await eventually(() => isTrusted(leader));
    await eventually(() => isTrusted(other));

    let answered = 0;
    let isOver = false;
    const refused: string[] = [];
    const clients = Array.from({ length: 2 }, async () => {
      while (!isOver) {
        const outcome = await handshake(cluster, other);
        if (/^[0-9A-F:]+$/.test(outcome)) answered += 1;
        else refused.push(outcome);
        await pause(5);
      }
    });
    skew = 365 * DAY;
    await eventually(async () => !(await isTrusted(leader)));
    const why = await handshake(cluster, leader);
    await pause(1000);
    skew = 0;
    const set = performance.now();
    await eventually(() => isTrusted(leader));
    const seconds = ((performance.now() - set) / 1000).toFixed(1);
    isOver = true;
    await Promise.all(clients);
    leading.abort();
    for (const tls of opened) tls.close();
    closeServers();
    print(
      `the leader was trusted again after ${seconds} s; the other: ${answered} handshakes, ${refused.length} refused`,
    );
    expect(why).to.equal('certificate is not yet valid');
    expect(refused).to.deep.equal([]);
  });
});

/** The library that gives a process another clock: the machine's own, else unpacked and not installed; undefined where it cannot be had. */
function fakeTime(): string | undefined {
  const installed = libraryUnder('/');
  if (installed !== undefined) return installed;
  try {
    const folder = debianPackage('libfaketime', {
      cacheFolder: join(homedir(), '.cache', 'kube-harden'),
      env: process.env,
      say: print,
    });
    return libraryUnder(folder);
  } catch {
    return undefined;
  }
}

/** Each of Debian's architectures has a folder of its own in `/usr/lib`. Node.js has threads: it takes the one for these. */
function libraryUnder(root: string): string | undefined {
  const folder = join(root, 'usr', 'lib');
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .map((architecture) => join(folder, architecture, 'faketime', 'libfaketimeMT.so.1'))
    .find((file) => existsSync(file));
}

/** Of a process whose clock a file sets, as libfaketime reads it. */
function clockOf(library: string, file: string): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // A machine's clock is set; how much time passes is not.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

/** Four that ask without pause until they are stopped. */
class Clients {
  answered = 0;
  readonly failures: unknown[] = [];
  private isOver = false;
  private readonly running: readonly Promise<void>[];

  constructor(
    private readonly server: KubeHarden,
    private readonly options: Call = {},
  ) {
    this.running = Array.from({ length: 4 }, () => this.run());
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.running);
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      await hardens(this.server, this.options).then(
        (isHardened) => (isHardened ? (this.answered += 1) : this.failures.push('not hardened')),
        (error: unknown) => this.failures.push(error),
      );
      await pause(2);
    }
  }
}

/** What the Lease says of its holder. */
function leaseOf({ api }: CertificateCluster): { holder: string; renewed: number; transitions: unknown } {
  const { spec } = api.get(LEASE_PATH);
  const { holderIdentity, renewTime, leaseTransitions } = isRecord(spec) ? spec : {};
  return {
    holder: typeof holderIdentity === 'string' ? holderIdentity : '',
    renewed: Date.parse(String(renewTime)),
    transitions: leaseTransitions,
  };
}

/** The certificate of a new connection, whether or not it is trusted. */
function servedBy({ admissionPort }: KubeHarden): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: admissionPort, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(certificate);
      socket.destroy();
    });
  });
}

function isValidAt({ validFrom, validTo }: X509Certificate, time: number): boolean {
  return Date.parse(validFrom) <= time && time < Date.parse(validTo);
}

/** Signed by an authority that every entry of the webhook configuration holds. */
function isTrusted({ bundles }: CertificateCluster, certificate: X509Certificate): boolean {
  return bundles.authorities.some(
    ({ pem, fingerprint }) =>
      bundles.heldByAll.has(fingerprint) && certificate.verify(new X509Certificate(pem).publicKey),
  );
}

/** By the default policy containers called `old` may write to their file system until then. */
function policyWith(expires: Date): string {
  return [
    'apiVersion: kube-harden.io/v1alpha1',
    'kind: HardeningPolicy',
    'metadata: {name: default}',
    'spec:',
    '  rules: {privileged: {action: Deny}}',
    '  exceptions:',
    '    - name: old',
    '      reason: until it is replaced',
    `      expires: "${expires.toISOString().slice(0, 10)}"`,
    '      match: {namespaces: ["shop"], containers: ["old"]}',
    '      rules: [privileged]',
    '',
  ].join('\n');
}

async function stateOf(server: KubeHarden): Promise<{ ready: boolean; excepted: boolean }> {
  const privileged = [{ name: 'old', image: 'old:1', securityContext: { privileged: true } }];
  const { text } = await post(server.admissionPort, reviewOf(requestOf(pod({ containers: privileged }))));
  const { status } = await server.ready();
  return { ready: status === 200, excepted: responseOf({ body: text }).allowed };
}
