import { expect } from 'chai';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { podReview } from '../../bench/review.js';
import { pause, post, type Reply } from '../support/clients.js';
import { BUDGET, HeldBodies } from './support/heldBodies.js';
import { quantile, rounded } from './support/latencies.js';
import { hardens, print, residentMiB, serve } from './support/serveProcess.js';

/*
 * Whole bodies of 20 MiB that are more than the budget: 04-largeBodies.test.ts. Through a real kube-apiserver, where the
 * user notices nothing: test/e2e/92-overload.test.ts. Here: the usual small review while the budget is used up.
 */

const REFUSED = 200;
/** Of them at a time: they are done long before the bodies that are held have waited for their `timeout`. */
const AT_ONCE = 10;
const CLIENTS = 40;
/** Less than the review that comes on top. */
const LEFT = 1024;

describe('5. bodies in flight beyond the budget', () => {
  let server: KubeHarden;
  before(async () => (server = await serve()));
  after(async () => expect(await server.stop()).to.deep.equal({ code: 0, signal: null }));

  it('get 503 with Retry-After: 1; whoever comes again as told is answered once there is room', async () => {
    const review = podReview(2);
    expect(review.length).to.be.above(LEFT);
    const send = (): Promise<Reply> => post(server.admissionPort, review);
    const held = await HeldBodies.hold(server, BUDGET - LEFT);

    for (let sent = 0; sent < REFUSED; sent += AT_ONCE) {
      for (const { status, headers, text } of await Promise.all(Array.from({ length: AT_ONCE }, send))) {
        expect([status, headers['retry-after']]).to.deep.equal([503, '1']);
        expect(JSON.parse(text)).to.include({ kind: 'Status', reason: 'ServiceUnavailable', code: 503 });
      }
    }
    expect(await refused(server)).to.equal(REFUSED);
    expect((await server.ready()).status, 'readiness while it is busy').to.equal(200);

    let attempts = 0;
    const took: number[] = [];
    const clients = Array.from({ length: CLIENTS }, async () => {
      const began = performance.now();
      for (;;) {
        attempts += 1;
        const { status, headers } = await send();
        if (status === 200) break;
        expect(status).to.equal(503);
        await pause(Number(headers['retry-after']) * 1000);
      }
      took.push(performance.now() - began);
    });
    await pause(500);
    held.release();
    await Promise.all(clients);
    print(
      `${REFUSED + attempts - CLIENTS} reviews of ${review.length} bytes got 503 with Retry-After: 1 beside ${BUDGET - LEFT} bytes in flight; ` +
        `${CLIENTS} of ${CLIENTS} clients that came again were answered within ${rounded(quantile(took, 1))} ms; ${residentMiB(server).now} MiB resident`,
    );
    expect(await refused(server)).to.equal(REFUSED + attempts - CLIENTS);
    expect(await server.metric('kube_harden_body_bytes_in_flight')).to.equal(0);
    expect(await hardens(server), 'the next request').to.equal(true);
  });
});

function refused(server: KubeHarden): Promise<number> {
  return server.metric('kube_harden_refused_requests_total', { reason: 'overBudget' });
}
