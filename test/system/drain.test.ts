import { expect } from 'chai';
import { Agent } from 'node:https';
import type { AdmissionHandler } from '../../src/admission/handler.js';
import { RawConnection, eventually, get, outcome, pause, post, serves } from './support/clients.js';
import { closeServers, echo, healthyReview, startServers } from './support/testServers.js';

const SOON = { delayMs: 0, graceMs: 5000 };

describe('connections', () => {
  afterEach(closeServers);

  it('are kept alive, and say for how long', async () => {
    const { port } = await startServers();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await post(port, healthyReview('a'), { agent });
    const socket = Object.values(agent.freeSockets)[0]?.[0];
    const second = await post(port, healthyReview('b'), { agent });
    expect(first.headers['keep-alive']).to.equal('timeout=120');
    expect(second.headers.connection).to.equal('keep-alive');
    expect(Object.values(agent.freeSockets)[0]?.[0]).to.equal(socket);
    agent.destroy();
  });

  it('outlast a refusal that has no unread body', async () => {
    const { port } = await startServers();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await post(port, '', { agent }, '/nowhere')).headers.connection).to.equal('keep-alive');
    expect(await serves(port, { agent })).to.equal(true);
    agent.destroy();
  });
});

describe('draining', () => {
  afterEach(closeServers);

  it('fails readiness first, goes on answering for the delay, then stops accepting', async () => {
    const { servers, port, opsUrl } = await startServers();
    const stopped = servers.stop({ delayMs: 1500, graceMs: 5000 });
    const ready = await get(`${opsUrl}/readyz`);
    expect(ready.status).to.equal(503);
    expect(ready.text).to.equal('[-]shutdown failed: shutting down\nreadyz check failed\n');
    expect((await get(`${opsUrl}/livez`)).status).to.equal(200);
    const accepted = await post(port, healthyReview('during the delay'));
    expect(accepted.status).to.equal(200);
    expect(accepted.headers.connection).to.equal('close');
    await stopped;
    expect(await outcome(post(port, healthyReview('after')))).to.equal('ECONNREFUSED');
  });

  it('answers what is in flight, with Connection: close', async () => {
    const slow: AdmissionHandler = async (body, entry) => {
      await pause(300);
      return echo(body, entry);
    };
    const { servers, port } = await startServers({ handler: slow });
    const inFlight = post(port, healthyReview('in flight'));
    await pause(100);
    const stopped = servers.stop(SOON);
    const reply = await inFlight;
    expect(reply.status).to.equal(200);
    expect(reply.headers.connection).to.equal('close');
    await stopped;
  });

  it('lets a busy connection have its answer, and closes an idle one within a second and a bit', async () => {
    const { servers, port } = await startServers();
    const idle = await RawConnection.open(port);
    const before = performance.now();
    await servers.stop(SOON);
    expect(performance.now() - before).to.be.within(500, 2000);
    await idle.untilClosed();
  });

  it('ends at once where nothing is open', async () => {
    const { servers } = await startServers();
    const before = performance.now();
    await servers.stop(SOON);
    expect(performance.now() - before).to.be.below(200);
  });

  it('cuts a request whose body never ends at the deadline, and logs it', async () => {
    const { servers, port, logger, metrics } = await startServers();
    const endless = await RawConnection.open(port);
    endless.write(
      'POST /mutate?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    );
    await eventually(() => metrics.requestsInFlight.value === 1);
    const before = performance.now();
    await servers.stop({ delayMs: 0, graceMs: 3000 });
    expect(performance.now() - before).to.be.within(2400, 3000);
    await endless.untilClosed();
    const line = logger.lines.find(({ message }) => message === 'request cut at the shutdown deadline');
    expect(line?.fields).to.include({
      listener: 'admission',
      path: '/mutate?timeout=30s',
      bodyComplete: false,
    });
    expect(metrics.refused.drained.value).to.equal(1);
  });

  it('loses no request of clients that keep their connections, as an API server does', async () => {
    const { servers, port } = await startServers();
    const codes = new Map<string, number>();
    const clients = Array.from({ length: 8 }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (;;) {
        const code = await outcome(post(port, healthyReview('u'), { agent }));
        codes.set(code, (codes.get(code) ?? 0) + 1);
        if (code !== '200') break;
      }
      agent.destroy();
    });
    await eventually(() => (codes.get('200') ?? 0) > 100);
    await servers.stop(SOON);
    await Promise.all(clients);
    // ECONNREFUSED is the next connection finding no listener: the client goes to another replica.
    expect([...codes.keys()].sort()).to.deep.equal(['200', 'ECONNREFUSED']);
  });
});
