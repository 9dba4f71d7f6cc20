import { expect } from 'chai';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import type { PemPair } from '../../../src/server/certificateAuthority.js';
import { podReview } from '../../bench/review.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { authority, servingPair, writePair } from '../support/certificates.js';
import { RawConnection, eventually, outcome, pause, post } from '../support/clients.js';
import { LONG, hardens, print, runFolder, serve } from './support/serveProcess.js';

/** Half of them keep their connection, half shake hands for every request. */
const CLIENTS = 8;
const ROUNDS = LONG ? 50 : 3;
/** Between the two files of a pair: longer than a look at them takes. */
const BETWEEN_MS = 100;
/** Two looks, a second apart: files that are still broken then are not just being written. */
const BROKEN_MS = 10_000;

describe('11. certificate files that change under load', function () {
  this.timeout(LONG ? 300_000 : 60_000);
  let server: KubeHarden;
  let load: SteadyLoad;
  let folder: string;
  let certFile: string;
  let keyFile: string;
  before(async () => {
    folder = runFolder.file('changing');
    mkdirSync(folder);
    [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    writePair(certFile, keyFile, await servingPair());
    server = await serve({ args: ['--tls-cert-file', certFile, '--tls-private-key-file', keyFile] });
  });
  beforeEach(() => {
    load = new SteadyLoad(server);
  });
  afterEach(async () => {
    await load.stop();
    expect(await hardens(server)).to.equal(true);
    expect(await server.metric('kube_harden_uncaught_errors_total')).to.equal(0);
  });
  after(() => server.stop());

  const failures = (): Promise<number> => server.metric('kube_harden_tls_reload_failures_total');

  /** Ways to write a pair, each ending with it in use. */
  const ways: Record<string, (pair: PemPair) => Promise<void>> = {
    'atomically, each renamed': (pair) => {
      writePair(`${certFile}.new`, `${keyFile}.new`, pair);
      renameSync(`${certFile}.new`, certFile);
      renameSync(`${keyFile}.new`, keyFile);
      return Promise.resolve();
    },
    'key first': async ({ cert, key }) => {
      writeFileSync(keyFile, key);
      await pause(BETWEEN_MS);
      writeFileSync(certFile, cert);
    },
    'certificate first': async ({ cert, key }) => {
      writeFileSync(certFile, cert);
      await pause(BETWEEN_MS);
      writeFileSync(keyFile, key);
    },
    'byte by byte': async ({ cert, key }) => {
      truncateSync(certFile);
      truncateSync(keyFile);
      for (const [file, text] of [
        [certFile, cert],
        [keyFile, key],
      ] as const) {
        for (let at = 0; at < text.length; at += 150) {
          writeFileSync(file, text.slice(at, at + 150), { flag: 'a' });
          await pause(5);
        }
      }
    },
    'removed first': async (pair) => {
      rmSync(certFile);
      rmSync(keyFile);
      await pause(BETWEEN_MS);
      writePair(certFile, keyFile, pair);
    },
  };
  for (const [what, write] of Object.entries(ways)) {
    it(`${what}: the new pair is served, and no request fails`, async () => {
      const broken = await failures();
      for (let round = 0; round < ROUNDS; round += 1) {
        const pair = await servingPair();
        const before = await fingerprint(server);
        await write(pair);
        await eventually(async () => (await fingerprint(server)) !== before);
      }
      await load.stop();
      print(`${ROUNDS} pairs; ${load.answered} requests, ${load.failures.length} failed`);
      expect(load.failures).to.deep.equal([]);
      expect(load.answered).to.be.above(CLIENTS);
      expect(await failures(), 'what is being written is not broken').to.equal(broken);
    });
  }

  /** Pairs that cannot be served, and what stays of the old one. */
  const broken: Record<string, () => Promise<void>> = {
    'a key of another pair': async () => writeFileSync(keyFile, (await servingPair()).key),
    'a certificate that is cut short': async () => {
      const pair = await servingPair();
      writePair(certFile, keyFile, { ...pair, cert: pair.cert.slice(0, 200) });
    },
    'the two exchanged': async () => {
      const { cert, key } = await servingPair();
      writePair(certFile, keyFile, { cert: key, key: cert });
    },
    'both empty': () => {
      writePair(certFile, keyFile, { cert: '', key: '' });
      return Promise.resolve();
    },
    'both removed': () => {
      rmSync(certFile);
      rmSync(keyFile);
      return Promise.resolve();
    },
  };
  it(`${Object.keys(broken).join(', ')}: the old pair stays in use, and the alarm's metric tells`, async function () {
    this.timeout(Object.keys(broken).length * BROKEN_MS);
    for (const [what, write] of Object.entries(broken)) {
      const [counted, before] = [await failures(), await fingerprint(server)];
      await write();
      await eventually(async () => (await failures()) > counted);
      expect(await fingerprint(server), what).to.equal(before);
      expect(await failures(), `${what}: counted once`).to.equal(counted + 1);
      expect((await server.ready()).status, what).to.equal(200);
      writePair(certFile, keyFile, await servingPair());
      await eventually(async () => (await fingerprint(server)) !== before);
    }
    await load.stop();
    print(
      `${Object.keys(broken).length} broken pairs, each counted once; ` +
        `${load.answered} requests, ${load.failures.length} failed`,
    );
    expect(load.failures).to.deep.equal([]);
  });

  it('as a kubelet swaps a mounted Secret: both files in one step', async () => {
    const mounted = runFolder.file('mounted');
    const version = async (name: string): Promise<void> => {
      mkdirSync(join(mounted, name), { recursive: true });
      writePair(join(mounted, name, 'tls.crt'), join(mounted, name, 'tls.key'), await servingPair());
      symlinkSync(name, join(mounted, '..data_tmp'));
      renameSync(join(mounted, '..data_tmp'), join(mounted, '..data'));
    };
    await version('..1');
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(mounted, file));
    const files = [
      '--tls-cert-file',
      join(mounted, 'tls.crt'),
      '--tls-private-key-file',
      join(mounted, 'tls.key'),
    ];
    const pod = await serve({ args: files });
    const swapped = new SteadyLoad(pod);
    for (let round = 2; round < 2 + ROUNDS; round += 1) {
      const before = await fingerprint(pod);
      await version(`..${round}`);
      rmSync(join(mounted, `..${round - 1}`), { recursive: true });
      await eventually(async () => (await fingerprint(pod)) !== before);
    }
    await swapped.stop();
    print(`${ROUNDS} swaps; ${swapped.answered} requests, ${swapped.failures.length} failed`);
    expect(swapped.failures).to.deep.equal([]);
    expect(await pod.metric('kube_harden_tls_reload_failures_total')).to.equal(0);
    expect(await pod.stop()).to.deep.equal({ code: 0, signal: null });
  });

  it('the end of the certificate shows days before, in readiness and in the metric; when it has come, readiness fails', async () => {
    const replaced = async (pair: PemPair): Promise<void> => {
      const before = await fingerprint(server);
      writePair(certFile, keyFile, pair);
      await eventually(async () => (await fingerprint(server)) !== before);
    };
    await replaced(await servingPair(3));
    const { status, text } = await server.ready(true);
    expect([status, /\[\+\]certificate ok.*/.exec(text)?.[0]]).to.satisfy(
      ([code, line]: [number, string]) => code === 200 && /expires on [-\d]+, in 2 days$/.test(line),
    );
    const daysLeft =
      ((await server.metric('kube_harden_certificate_expiry_timestamp_seconds')) - Date.now() / 1000) /
      86_400;
    expect(daysLeft).to.be.within(2.9, 3);

    await load.stop();
    const now = Date.now();
    await replaced(
      await authority.issue({
        commonName: 'kube-harden',
        hosts: ['127.0.0.1'],
        usage: 'server',
        notBefore: new Date(now - 20_000),
        notAfter: new Date(now - 10_000),
      }),
    );
    const expired = await server.ready();
    print(`3 days before: "${/certificate ok.*/.exec(text)?.[0] ?? ''}"; after: ${expired.status}`);
    expect(expired.status).to.equal(503);
    expect(expired.text).to.match(/^\[-\]certificate failed: expired on /);
    await replaced(await servingPair());
    expect((await server.ready()).status).to.equal(200);
  });
});

/** Of the certificate that a new connection is shown, one that nobody would trust included. */
async function fingerprint({ admissionPort }: KubeHarden): Promise<string> {
  const connection = await RawConnection.open(admissionPort, { rejectUnauthorized: false });
  const { fingerprint256 } = connection.socket.getPeerCertificate();
  connection.destroy();
  return fingerprint256;
}

/** Clients of a replica, from now until they are stopped. */
class SteadyLoad {
  answered = 0;
  readonly failures: string[] = [];
  private stopped = false;
  private readonly clients: readonly Promise<void>[];

  constructor(private readonly server: KubeHarden) {
    this.clients = Array.from({ length: CLIENTS }, (_, client) => this.run(client % 2 === 0));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.clients);
  }

  private async run(keeps: boolean): Promise<void> {
    const agent = new Agent({ keepAlive: keeps, maxSockets: 1 });
    const review = podReview(2);
    while (!this.stopped) {
      const result = await outcome(post(this.server.admissionPort, review, { agent }));
      if (result === '200') this.answered += 1;
      else this.failures.push(result);
      // Leaves the machine to the tests beside it: what counts is that some are always on their way.
      await pause(2);
    }
    agent.destroy();
  }
}
