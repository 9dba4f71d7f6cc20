import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { podReview } from '../../bench/review.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { manyManifests } from '../../preview/support/manyManifests.js';
import { Flood } from './support/flood.js';
import { quantile, rounded } from './support/latencies.js';
import { offer } from './support/load.js';
import { LONG, hardens, print, residentMiB, serve } from './support/serveProcess.js';

const SECONDS = LONG ? 20 : 4;
const ROUNDS = LONG ? 5 : 2;
/** Pods a second in a cluster that starts many, far below what one core answers. */
const PER_SECOND = 200;
const FLOODERS = 30;
/** With a core free for each of server, previews and load. Where other work shares them it is printed, not asserted. */
const GOAL = 1.3;
/** Of its time, what the thread that answers admission may spend on a flood: reading and refusing bodies. */
const SHARE_MAX = 0.5;

describe('22. the preview flooded by one user', function () {
  this.timeout(ROUNDS * (SECONDS + 40) * 2000);
  let server: KubeHarden;
  before(async () => (server = await serve()));
  after(() => server.stop());

  it('leaves admission answering, and takes little of its thread', async () => {
    const body = manyManifests('documents', 1_800_000);
    const quiet: number[] = [];
    const flooded: number[] = [];
    const answers: Record<string, number> = {};
    let spent = 0;
    const review = podReview(2);
    const load = { connections: 10, seconds: SECONDS, perSecond: PER_SECOND };
    await offer(server, review, load);
    for (let round = 0; round < ROUNDS; round++) {
      const began = mainThreadSeconds(server);
      quiet.push(...(await offer(server, review, load)).milliseconds);
      const without = mainThreadSeconds(server) - began;
      const flood = Flood.start(server, body, FLOODERS);
      const { milliseconds, statuses } = await offer(server, review, load);
      flooded.push(...milliseconds);
      expect(Object.keys(statuses), 'admission beside the flood').to.deep.equal(['200']);
      for (const [status, count] of Object.entries(await flood.end()))
        answers[status] = (answers[status] ?? 0) + count;
      spent += mainThreadSeconds(server) - began - 2 * without;
    }
    const [before, beside] = [quiet, flooded].map((times) => quantile(times, 0.99));
    const ratio = (beside ?? NaN) / (before ?? NaN);
    print(
      `${PER_SECOND} reviews a second: p50 ${rounded(quantile(quiet, 0.5))} ms, p99 ${rounded(before ?? NaN)} ms; ` +
        `beside the flood p50 ${rounded(quantile(flooded, 0.5))} ms, p99 ${rounded(beside ?? NaN)} ms: × ${ratio.toFixed(2)} (goal ${GOAL})`,
    );
    print(
      `previews of ${body.length} bytes, ${FLOODERS} at a time: ${JSON.stringify(answers)}; resident at most ${residentMiB(server).most} MiB`,
    );
    expect(Object.keys(answers).every((status) => ['200', '413', '503'].includes(status))).to.equal(true);
    expect(answers['503'], 'refused').to.be.above(0);
    const share = spent / (ROUNDS * SECONDS);
    print(`the flood took ${(100 * share).toFixed(0)} % of the time of the thread that answers admission`);
    expect(share).to.be.below(SHARE_MAX);
    expect(await hardens(server)).to.equal(true);
  });

  it('counts what it answered, and what it refused', async () => {
    expect(await server.metric('kube_harden_preview_responses_total', { code: '503' })).to.be.above(0);
  });
});

/** Processor time of the thread that answers admission; its clock ticks a hundred times a second. */
function mainThreadSeconds({ pid }: KubeHarden): number {
  const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
