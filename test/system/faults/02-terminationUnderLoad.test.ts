import { expect } from 'chai';
import { Agent } from 'node:https';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { podReview } from '../../bench/review.js';
import { post } from '../support/clients.js';
import { print, serve } from './support/serveProcess.js';

const CLIENTS = 16;
const REQUESTS_AT_LEAST = 5000;
/** So many of them before the signal comes. */
const BEFORE = 2000;
const GRACE_SECONDS = 15;

describe('2. SIGTERM under load', () => {
  it('fails readiness first, loses no request, says Connection: close, and exits 0 in time', async function () {
    this.timeout(120_000);
    const args = ['--shutdown-delay-duration', '4s', '--shutdown-grace-period', `${GRACE_SECONDS}s`];
    const [leaving, staying] = [await serve({ args }), await serve({ args })];
    const load = new ReplicasLoad([leaving, staying]);
    const clients = Array.from({ length: CLIENTS }, () => load.run());
    await load.until(BEFORE);

    const signalled = performance.now();
    leaving.signal('SIGTERM');
    const readiness = await readinessAfter(leaving);
    // The listener is still there for whoever has not heard of it.
    const late = await post(leaving.admissionPort, podReview(2));
    load.withdraw(leaving);
    const exit = await leaving.exited;
    const exitSeconds = (performance.now() - signalled) / 1000;
    await load.until(Math.max(REQUESTS_AT_LEAST, load.answered + 500));
    load.stop();
    await Promise.all(clients);

    print(
      `${load.answered} requests, ${load.failures.length} failed; ${load.closing} answers said Connection: close; ` +
        `exit ${String(exit.code)} after ${exitSeconds.toFixed(1)} s of ${GRACE_SECONDS} s`,
    );
    expect(readiness).to.equal('[-]shutdown failed: shutting down\nreadyz check failed\n');
    expect([late.status, late.headers.connection]).to.deep.equal([200, 'close']);
    expect(load.failures).to.deep.equal([]);
    expect(load.kept, 'answers of the drain that keep their connection').to.equal(0);
    expect(load.closing).to.be.above(0);
    expect(exit).to.deep.equal({ code: 0, signal: null });
    expect(exitSeconds).to.be.below(GRACE_SECONDS);
    await staying.stop();
  });
});

/** What /readyz says once it fails. */
async function readinessAfter(server: KubeHarden): Promise<string> {
  for (;;) {
    const { status, text } = await server.ready();
    if (status !== 200) return text;
  }
}

/**
 * Clients that behave as Go's: a connection is kept and used again; one that is told `Connection: close` is left, and
 * the next goes to a replica that is ready; nothing is sent a second time, since a POST is not.
 */
class ReplicasLoad {
  answered = 0;
  /** Answers with `Connection: close`. */
  closing = 0;
  /** Answers without it, of a replica that had failed its readiness when the request was sent. */
  kept = 0;
  readonly failures: string[] = [];
  private readonly review = podReview(2);
  private readonly withdrawn = new Set<KubeHarden>();
  private stopped = false;
  private turn = 0;

  constructor(private readonly replicas: readonly KubeHarden[]) {}

  async run(): Promise<void> {
    while (!this.stopped) await this.useConnection(this.next());
  }

  /** New connections no longer go there, as with an endpoint that is not ready. */
  withdraw(replica: KubeHarden): void {
    this.withdrawn.add(replica);
  }

  stop(): void {
    this.stopped = true;
  }

  async until(answered: number): Promise<void> {
    while (this.answered < answered && this.failures.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  private next(): KubeHarden {
    const ready = this.replicas.filter((replica) => !this.withdrawn.has(replica));
    this.turn += 1;
    const chosen = ready[this.turn % ready.length];
    if (chosen === undefined) throw new Error('no replica is ready');
    return chosen;
  }

  private async useConnection(replica: KubeHarden): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (let closed = false; !closed && !this.stopped;) {
        const isDraining = this.withdrawn.has(replica);
        const reply = await post(replica.admissionPort, this.review, { agent });
        closed = reply.headers.connection === 'close';
        if (closed) this.closing += 1;
        else if (isDraining) this.kept += 1;
        if (reply.status === 200) this.answered += 1;
        else this.failures.push(String(reply.status));
      }
    } catch (error) {
      this.failures.push(String((error as NodeJS.ErrnoException).code ?? error));
    } finally {
      agent.destroy();
    }
  }
}
