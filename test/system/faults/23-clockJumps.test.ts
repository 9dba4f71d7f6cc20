import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LeaderElection } from '../../../src/cluster/leaderElection.js';
import { SelfManagedCertificates } from '../../../src/cluster/selfManagedCertificates.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { debianPackage } from '../../e2e/controlPlane/debianPackage.js';
import { CertificateCluster } from '../../cluster/support/certificateCluster.js';
import { handshake } from '../../cluster/support/handshake.js';
import { MemoryApi } from '../../cluster/support/memoryApi.js';
import { pod, requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { authority, writePair } from '../support/certificates.js';
import { RecordingLogger, closeServers, startServers } from '../support/testServers.js';
import { eventually, pause, post } from '../support/clients.js';
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
 * apart, or jump by years: test/cluster/certificateSimulation.test.ts, certificateClocks.test.ts. Here: one real process
 * whose clock jumps, the Lease, and certificates over real TLS.
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
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        // A machine's clock is set; how much time passes is not.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      },
    });
    let answered = 0;
    let isOver = false;
    const failures: unknown[] = [];
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        await hardens(server).then(
          (isHardened) => (isHardened ? (answered += 1) : failures.push('not hardened')),
          (error: unknown) => failures.push(error),
        );
        await pause(2);
      }
    });

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
    isOver = true;
    await Promise.all(clients);
    print(seen.join('; '));
    print(`${answered} requests answered meanwhile, ${failures.length} failed`);
    expect(failures).to.deep.equal([]);
    expect(await server.metric('kube_harden_uncaught_errors_total')).to.equal(0);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
  });

  it('the Lease: whoever leads goes on, nobody leads beside it, whatever its clock or the other one says', async () => {
    const api = new MemoryApi();
    api.put(LEASE, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'kube-harden' },
    });
    const skews = { first: 0, second: 0 };
    const events: string[] = [];
    const replica = (identity: keyof typeof skews): LeaderElection =>
      new LeaderElection({
        api,
        namespace: 'kube-harden',
        identity,
        timings: { leaseMs: 1000, renewDeadlineMs: 600, retryMs: 100 },
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

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-harden/leases/kube-harden';

/** The library that gives a process another clock; unpacked, not installed. Undefined where it cannot be had. */
function fakeTime(): string | undefined {
  try {
    const folder = debianPackage('libfaketime', {
      cacheFolder: join(homedir(), '.cache', 'kube-harden'),
      env: process.env,
      say: print,
    });
    return join(folder, 'usr', 'lib', 'x86_64-linux-gnu', 'faketime', 'libfaketimeMT.so.1');
  } catch {
    return undefined;
  }
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
