import { expect } from 'chai';
import { podReview } from '../../bench/review.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { pause, post } from '../support/clients.js';
import { bound } from './support/bound.js';
import { quantile, rounded } from './support/latencies.js';
import { offer, type Offered } from './support/load.js';
import { manyContainers } from './support/manyContainers.js';
import { LONG, print, residentMiB, serve } from './support/serveProcess.js';

/**
 * A review of 68 containers, 138 KB: with small ones TLS costs the client what it costs the server, and no client on
 * one core can offer three times what a server on the other answers.
 */
const LARGE = podReview(68);
/** A thousand containers that say nothing: 28 KB, and a decision takes long. Those that wait are soon more than may wait. */
const SLOW = manyContainers(1000);
/** As many as the budget for bodies has room for: that others are refused is another test's. */
const CONNECTIONS = 900;
/** How long a request may wait for its decision. */
const WAIT_SECONDS = 1.5;
/** Times the peak. The rest finds no connection, where a machine is so fast that those refused are not enough. */
const ARRIVE_MIN = 2.5;
const SECONDS = LONG ? 20 : 6;
/** More, since those that are sent in the last WAIT_SECONDS are neither answered nor refused when it ends. */
const SLOW_SECONDS = LONG ? 20 : 10;
/** Where the machine was slower before the load than under it, three times what was measured is not three times the peak. */
const TRIES = 3;
/** Half of it before and half after what it is compared with: a machine's speed drifts by a third within a minute. */
const PEAK_SECONDS = LONG ? 20 : 4;
/** Of the peak. Bodies that are read and not answered when the time is over are a tenth of the short variant's work. */
const GOODPUT = 0.9;
/** Of the 768 of the manifests, what is not for the thread of large previews. */
const MEMORY_MIB = 512;
/** `timeoutSeconds` of the webhook in the manifests. */
const TIMEOUT_MS = 5000;
/** The shortest `timeoutSeconds` of a probe in the manifests. */
const PROBE_MS = 3000;

describe('6. three times the load that can be answered', function () {
  this.timeout(180_000);

  it('leaves most of the goodput, bounds the waiting, refuses the rest with Retry-After, and is over soon', async () => {
    const { over, peak } = await overload(LARGE, SECONDS);
    // A fast machine comes to all that are on their way within the time that they may wait.
    const waits = CONNECTIONS / rate(over);
    print(`all ${CONNECTIONS} take ${waits.toFixed(2)} s; who has waited for ${WAIT_SECONDS} s is refused`);
    if (waits > 1.2 * WAIT_SECONDS) expect(over.statuses['503'], 'refused').to.be.above(0);
    expect(rate(over) / peak).to.be.at.most(1.5);
  });

  it('arrives whole where decisions take long, and does no worse', async () => {
    const { over, peak } = await overload(SLOW, SLOW_SECONDS);
    const { 200: answered = 0, 503: refused = 0 } = over.statuses;
    const arrived = over.sent / over.seconds / Math.max(peak, rate(over));
    print(`of three times the peak ${arrived.toFixed(2)} arrived`);
    expect(refused, 'refused').to.be.above(answered);
    expect(arrived).to.be.at.least(ARRIVE_MIN);
  });
});

interface Overload {
  readonly over: Offered;
  /** Answers a second before it. */
  readonly peak: number;
}

/** Offers three times what a server answers at most: again where that turns out to have been more than was measured before. */
async function overload(review: string, seconds: number): Promise<Overload> {
  let most = 0;
  for (let tried = 1; ; tried++) {
    const measured = await overloadOnce(review, seconds, most);
    most = Math.max(most, measured.peak, rate(measured.over));
    if (tried === TRIES || measured.perSecond >= ARRIVE_MIN * rate(measured.over)) return measured;
    print(`it answered more under that load than before it: once more, with three times as much`);
  }
}

/**
 * Judges what a server made of three times what it answers at most.
 *
 * @param known answers a second that this machine has given already
 */
async function overloadOnce(
  review: string,
  seconds: number,
  known: number,
): Promise<Overload & { readonly perSecond: number }> {
  const server = await serve();
  await offer(server, review, { connections: 8, seconds: 2 });
  const most = { connections: 8, seconds: PEAK_SECONDS / 2 };
  const before = await offer(server, review, most);

  const perSecond = 3 * Math.max(known, rate(before));
  const load = { connections: CONNECTIONS, seconds, perSecond };
  const probes = new Probes(server);
  const over = await offer(server, review, load);
  const probed = await probes.end();
  const ended = performance.now();
  const after = await post(server.admissionPort, podReview(2), {}, '/mutate?timeout=10s');
  const recovered = performance.now() - ended;
  // What is still on its way when the load ends is answered first.
  await pause(1000);
  const later = await offer(server, review, most);

  const peaks = [rate(before), rate(later)];
  const peak = (rate(before) + rate(later)) / 2;
  const share = rate(over) / peak;
  const { 200: answered = 0, 503: refused = 0, ...others } = over.statuses;
  print(
    `peak ${peaks.map(rounded).join('/s before, ')}/s after, p99 ${rounded(quantile(before.milliseconds, 0.99))} ms ` +
      `(8 connections, ${review.length} bytes)`,
  );
  print(
    `three times that for ${seconds} s on ${CONNECTIONS} connections: ${answered} answered, ${refused} got 503; ` +
      `goodput ${share.toFixed(2)} of the peak (goal ${GOODPUT.toFixed(2)}), p99 ${rounded(quantile(over.sentMilliseconds, 0.99))} ms`,
  );
  print(
    `${probed.length} probes meanwhile, answered within ${rounded(Math.max(...probed))} ms; ` +
      `resident at most ${residentMiB(server).most} MiB`,
  );
  print(`the next request after it: ${after.status} within ${rounded(recovered)} ms`);
  expect(others, 'other answers').to.deep.equal({});
  expect([over.lost, over.withoutRetryAfter]).to.deep.equal([0, 0]);
  expect(after.status).to.equal(200);
  expect(residentMiB(server).most).to.be.below(MEMORY_MIB);
  expect(Math.max(...probed)).to.be.below(PROBE_MS);
  expect(await server.metric('kube_harden_refused_requests_total', { reason: 'late' })).to.equal(0);
  // Time that others take from this machine must not fail the test: what collapses is near 0, and waits for ever.
  expect(share).to.be.above(bound(GOODPUT, 0.3));
  expect(quantile(over.sentMilliseconds, 0.99)).to.be.below(TIMEOUT_MS);
  // The longer it lasts, the longer what is offered waits for a connection: that is not the server's.
  if (!LONG) expect(quantile(over.milliseconds, 0.99)).to.be.below(10_000);
  expect(recovered).to.be.below(bound(2000, 10_000));
  await server.stop();
  return { over, peak: rate(before), perSecond };
}

/** Asks as a kubelet does, each time on a new connection, whether the process lives and is ready. */
class Probes {
  readonly #milliseconds: number[] = [];
  readonly #asking: Promise<void>;
  #ends = false;

  constructor(private readonly server: KubeHarden) {
    this.#asking = this.#ask();
  }

  /** How long each answer took. @throws where one was not 200 */
  async end(): Promise<readonly number[]> {
    this.#ends = true;
    await this.#asking;
    return this.#milliseconds;
  }

  async #ask(): Promise<void> {
    while (!this.#ends) {
      for (const path of ['/livez', '/readyz']) {
        const began = performance.now();
        const { status } = await fetch(`${this.server.opsUrl}${path}`, { headers: { connection: 'close' } });
        expect(status, path).to.equal(200);
        this.#milliseconds.push(performance.now() - began);
      }
      await pause(200);
    }
  }
}

function rate({ statuses, seconds }: Offered): number {
  return (statuses['200'] ?? 0) / seconds;
}
