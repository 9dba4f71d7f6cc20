import { readFileSync, readdirSync } from 'node:fs';
import { Agent } from 'node:https';
import { cpus, setPriority } from 'node:os';
import { expect } from 'chai';
import { podReview } from '../../bench/review.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { manyManifests } from '../../preview/support/manyManifests.js';
import { pause, post } from '../support/clients.js';
import { separate, twoCores, type Cores } from './support/cores.js';
import { Flood, type FloodPlan } from './support/flood.js';
import { quantile, rounded } from './support/latencies.js';
import { offer } from './support/load.js';
import { LONG, hardens, print, residentMiB, serve } from './support/serveProcess.js';

const SECONDS = LONG ? 20 : 5;
const ROUNDS = LONG ? 5 : 1;
/** Pods a second in a cluster that starts many, far below what one core answers. */
const PER_SECOND = 200;
const FLOODERS = 30;
/** Previews on each connection that is kept. Node.js 20 cut them after some dozens (src/admission/pollPhase.ts). */
const KEPT = 150;
/** Where the thread that answers admission has a core that it shares with its own load alone. */
const GOAL = 1.3;
/** As `nice`, of the process that is flooded instead: the least that a flood can be in the way. */
const NICENESS = 19;
/** Of its time, what the thread that answers admission may spend on a flood: reading and refusing bodies. */
const SHARE_MAX = 0.5;

describe('22. the preview flooded by one user', function () {
  this.timeout(ROUNDS * (SECONDS + 40) * 5000);
  const body = manyManifests('documents', 1_800_000);
  const review = podReview(2);
  const load = { connections: 10, seconds: SECONDS, perSecond: PER_SECOND };
  let server: KubeHarden;
  before(async () => {
    server = await serve();
    await offer(server, review, load);
  });
  after(() => server.stop());

  it('leaves admission answering, and takes little of its thread', async () => {
    const quiet = new Measured();
    const beside = new Measured();
    const floor = new Measured();
    const other = await serve();
    niceAll(other, NICENESS);
    for (let round = 0; round < ROUNDS; round++) {
      await quiet.during(server, () => quiet.offer(server, review, load));
      await beside.during(server, () =>
        beside.flooded(server, body, () => beside.offer(server, review, load)),
      );
      await floor.flooded(other, body, () => floor.offer(server, review, load));
    }
    await other.stop();
    const ratio = (of: Measured): string => `× ${(of.p99 / quiet.p99).toFixed(2)}`;
    print(`${PER_SECOND} reviews a second: ${quiet.text}`);
    print(
      `beside the flood, with ${cpus().length} cores for all: ${beside.text}: ${ratio(beside)}; ` +
        `floor, the same flood of another process, at nice ${NICENESS}: ${floor.text}: ${ratio(floor)}`,
    );
    print(
      `previews of ${body.length} bytes, ${FLOODERS} at a time: ${JSON.stringify(beside.previews)}; ` +
        `resident at most ${residentMiB(server).most} MiB`,
    );
    const known = ['200', '413', '503'];
    expect(Object.keys(beside.previews).every((status) => known.includes(status))).to.equal(true);
    expect(beside.previews['503'], 'refused').to.be.above(0);
    const share = shareOf(beside, quiet);
    print(`the flood took ${(100 * share).toFixed(0)} % of the time of the thread that answers admission`);
    expect(share).to.be.below(SHARE_MAX);
    expect(await hardens(server)).to.equal(true);
  });

  it('is not felt where that thread has a core to run on', async function () {
    const cores = twoCores();
    if (cores === undefined) this.skip();
    // One for the thread and the load that is measured; one for the flood, the previews, and collecting their garbage.
    const [own, others] = cores;
    const quiet = new Measured();
    const beside = new Measured();
    const beginning = new Measured();
    // What another process is in the way with, on that other core.
    const floor = new Measured();
    const other = await serve();
    niceAll(other, NICENESS);
    await separate(server, own, others);
    for (let round = 0; round < ROUNDS; round++) {
      await quiet.during(server, () => quiet.offer(server, review, load, own));
      await beside.during(server, () =>
        beside.flooded(
          server,
          body,
          async () => {
            // Threads that the flood has started.
            await separate(server, own, others);
            await beside.offer(server, review, load, own);
          },
          others,
        ),
      );
      await beginning.during(server, () =>
        Promise.all([
          beginning.offer(server, review, load, own),
          pause(1500).then(() =>
            beginning.fromItsStart(server, body, () => pause((SECONDS - 0.5) * 1000), others),
          ),
        ]),
      );
      await floor.flooded(
        other,
        body,
        async () => {
          await separate(other, others, others);
          await floor.offer(server, review, load, own);
        },
        others,
      );
    }
    await other.stop();
    const ratio = (of: Measured): string => `× ${(of.p99 / quiet.p99).toFixed(2)}`;
    print(
      `${PER_SECOND} reviews a second: ${quiet.text}; beside the flood on another core: ${beside.text}: ` +
        `${ratio(beside)} (goal ${GOAL}); from before its ${FLOODERS} handshakes on: ${beginning.text}: ` +
        `${ratio(beginning)}; floor, the same flood of another process there, at nice ${NICENESS}: ${floor.text}: ` +
        `${ratio(floor)}; previews ${JSON.stringify(beside.previews)}`,
    );
    expect(beside.previews['503'], 'refused').to.be.above(0);
    // The ratio is to be read, not to fail where others take time of these two cores; what the thread does is asserted.
    expect(shareOf(beside, quiet)).to.be.below(SHARE_MAX);
    expect(shareOf(beginning, quiet)).to.be.below(SHARE_MAX);
  });

  it('answers one after the other on a connection that is kept, however large', async () => {
    const body = manyManifests('documents', 20_000);
    const ask = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const headers = { 'content-type': 'application/yaml' };
      for (let asked = 0; asked < KEPT; asked += 1) {
        const { status } = await post(server.previewPort ?? 0, body, { agent, headers }, '/preview');
        expect(status).to.equal(200);
      }
      agent.destroy();
    };
    await Promise.all([ask(), ask()]);
    print(`${2 * KEPT} previews on 2 connections, none of them cut`);
  });

  it('counts what it answered, and what it refused', async () => {
    expect(await server.metric('kube_harden_preview_responses_total', { code: '503' })).to.be.above(0);
  });
});

/** What was seen of admission in several rounds, and of the flood meanwhile. */
class Measured {
  /** Processor time of the thread that answers admission, and the time in which it was counted. */
  threadSeconds = 0;
  seconds = 0;
  /** How many answers the flood got, by status. */
  readonly previews: Record<string, number> = {};
  readonly #milliseconds: number[] = [];

  get p99(): number {
    return quantile(this.#milliseconds, 0.99);
  }

  get text(): string {
    return `p50 ${rounded(quantile(this.#milliseconds, 0.5))} ms, p99 ${rounded(this.p99)} ms`;
  }

  /** Counts the processor time of the thread that answers admission while something is done. */
  async during(server: KubeHarden, work: () => Promise<unknown>): Promise<void> {
    const [began, at] = [mainThreadSeconds(server), performance.now()];
    await work();
    this.threadSeconds += mainThreadSeconds(server) - began;
    this.seconds += (performance.now() - at) / 1000;
  }

  async offer(
    server: KubeHarden,
    review: string,
    load: { connections: number; seconds: number; perSecond: number },
    cores?: Cores,
  ): Promise<void> {
    const { milliseconds, statuses } = await offer(server, review, load, cores);
    expect(Object.keys(statuses), 'admission').to.deep.equal(['200']);
    this.#milliseconds.push(...milliseconds);
  }

  /** Does something while a server's preview is flooded, from when the flood is refused until it is done. */
  async flooded(server: KubeHarden, body: string, work: () => Promise<void>, cores?: Cores): Promise<void> {
    await this.#beside(server, body, 'once refused', (flood) => flood.refused().then(work), cores);
  }

  /** The same, from when the process of the flood starts, its handshakes among it. */
  async fromItsStart(
    server: KubeHarden,
    body: string,
    work: () => Promise<void>,
    cores?: Cores,
  ): Promise<void> {
    await this.#beside(server, body, 'at once', work, cores);
  }

  async #beside(
    server: KubeHarden,
    body: string,
    behind: FloodPlan['behind'],
    work: (flood: Flood) => Promise<void>,
    cores?: Cores,
  ): Promise<void> {
    const flood = Flood.start(server, body, { flooders: FLOODERS, behind }, cores);
    await work(flood);
    for (const [status, count] of Object.entries(await flood.end()))
      this.previews[status] = (this.previews[status] ?? 0) + count;
  }
}

/** Of the time of the thread that answers admission, what a flood took, from its start to its end. */
function shareOf(beside: Measured, quiet: Measured): number {
  return (beside.threadSeconds - quiet.threadSeconds) / beside.seconds;
}

function niceAll({ pid }: KubeHarden, niceness: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), niceness);
}

/** Processor time of the thread that answers admission; its clock ticks a hundred times a second. */
function mainThreadSeconds({ pid }: KubeHarden): number {
  const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
