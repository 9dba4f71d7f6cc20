import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { expect } from 'chai';
import { CONNECTIONS_MAX } from '../../../src/server/listener.js';
import { podReview } from '../../bench/review.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { patched, responseOf } from '../../admission/support/reviews.js';
import { RawConnection, post } from '../support/clients.js';
import { rawHead, rawRequest } from './support/rawRequest.js';
import { manyContainers } from './support/manyContainers.js';
import { hardens, print, residentMiB, serve } from './support/serveProcess.js';

const MIB = 1024 * 1024;
/** Of the 768 that manifests/base gives the pod, what is not for the thread of large previews. */
const POD_MEMORY_MIB = 512;
/** The budget for bodies in flight takes 6 of the largest. */
const AT_ONCE = 24;
const ENDLESS = 40;
const TOO_MANY = 200;
/** What a body may have, what of a refused one is read and thrown away, and what lies in the kernel's buffers. */
const SENT_MAX = (20 + 32) * MIB + bufferBytes('rmem') + bufferBytes('wmem');
/** Connections that stay open after an answer. */
const KEPT = 150;
/** Node.js takes a quarter of a container's memory for the heap, twice that on 64 bits: less than in the pod. */
const AS_IN_THE_POD = { NODE_OPTIONS: '--max-old-space-size=256' };

describe('4. large bodies', () => {
  let server: KubeHarden;
  before(async () => (server = await serve({ env: AS_IN_THE_POD })));
  afterEach(async () => {
    expect(await hardens(server), 'the next request').to.equal(true);
    const { now, most } = residentMiB(server);
    print(`resident ${now} MiB, at most ${most} of ${POD_MEMORY_MIB} MiB so far`);
    expect(most).to.be.below(POD_MEMORY_MIB);
    expect(await server.metric('kube_harden_body_bytes_in_flight')).to.equal(0);
  });
  after(() => server.stop());

  it('of 20 MiB are answered, hardened', async () => {
    const { object, review } = largeReview(20 * MIB);
    const reply = await post(server.admissionPort, review, {}, '/mutate?timeout=30s');
    expect(reply.status).to.equal(200);
    const { operations } = responseOf({ body: reply.text });
    expect(patched(object, operations).spec).to.have.nested.property('securityContext.runAsNonRoot', true);
    print(`${review.length} bytes answered with ${operations.length} operations`);
  });

  it('of 21 MiB are refused by their head', async () => {
    const connection = await RawConnection.open(server.admissionPort);
    connection.write(`${rawHead(`Content-Length: ${21 * MIB}`)}{`);
    expect(await connection.untilClosed()).to.match(/^HTTP\/1.1 413 [^]*connection: close[^]*20 MiB/i);
    print(`413 after ${connection.socket.bytesWritten} bytes on the wire, handshake included`);
    const whole = await post(server.admissionPort, Buffer.alloc(21 * MIB, 0x20));
    expect([whole.status, whole.headers.connection]).to.deep.equal([413, 'close']);
  });

  it('that never end are refused', async () => {
    const taken = await Promise.all(Array.from({ length: ENDLESS }, () => endless(server.admissionPort)));
    const refused = taken.filter(({ status }) => status === '413').length;
    const busy = taken.filter(({ status }) => status === '503').length;
    const most = Math.max(...taken.map(({ sent }) => sent));
    print(
      `${ENDLESS} at once: ${refused} got 413, ${busy} got 503; at most ${(most / MIB).toFixed(1)} MiB were sent`,
    );
    expect(refused + busy).to.equal(ENDLESS);
    expect(most).to.be.below(SENT_MAX);
    expect(refused).to.be.above(0);
  });

  it('that are more than the budget get 503 with Retry-After, and the others their answer', async () => {
    const { review } = largeReview(20 * MIB);
    const replies = await Promise.all(
      Array.from({ length: AT_ONCE }, () => post(server.admissionPort, review, {}, '/mutate?timeout=30s')),
    );
    const answered = replies.filter(({ status }) => status === 200);
    const busy = replies.filter(({ status }) => status === 503);
    print(`${AT_ONCE} of 20 MiB at once: ${answered.length} answered, ${busy.length} got 503`);
    expect(answered.length + busy.length).to.equal(AT_ONCE);
    expect(answered).to.not.be.empty;
    for (const { headers } of busy) expect(headers['retry-after']).to.equal('1');
  });
});

describe('4. more connections than there is room for', () => {
  it('cost those their place that are idle for longest, and no more memory than the pod has', async function () {
    this.timeout(180_000);
    const server = await serve({ env: AS_IN_THE_POD });
    const connections: RawConnection[] = [];
    for (let opened = 0; opened < CONNECTIONS_MAX + TOO_MANY; opened += 1)
      connections.push(await askedOnce(server.admissionPort));
    const review = rawRequest(podReview(68), '/mutate?timeout=30s');
    // The server has closed those before it takes the next, and the client hears of it a moment later.
    const isClosed = (): boolean => connections.filter(({ closed }) => closed).length >= TOO_MANY;
    for (let waits = 0; waits < 100 && !isClosed(); waits += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const open = connections.filter(({ closed }) => !closed);
    for (const connection of open) connection.write(review);
    await Promise.all(open.map((connection) => connection.until(/\}$/)));
    const statuses = open.map(({ received }) => received.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
    const answered = statuses.filter((status) => status === '200').length;
    const busy = statuses.filter((status) => status === '503').length;
    const closed = await server.metric('kube_harden_refused_requests_total', { reason: 'connections' });
    const { most } = residentMiB(server);
    print(
      `${connections.length} connections: ${closed} closed to make room; ${Math.round(review.length / 1000)} KB on each of ${open.length} at once: ` +
        `${answered} answered, ${busy} got 503; resident at most ${most} of ${POD_MEMORY_MIB} MiB`,
    );
    expect(closed).to.equal(TOO_MANY);
    expect(open).to.have.length(CONNECTIONS_MAX);
    expect(answered + busy).to.equal(CONNECTIONS_MAX);
    expect(most).to.be.below(POD_MEMORY_MIB);
    for (const connection of connections) connection.destroy();
    expect(await hardens(server), 'the next request').to.equal(true);
    await server.stop();
  });
});

describe('4. large answers', () => {
  it('leave little memory with their connections', async function () {
    this.timeout(60_000);
    const server = await serve({ env: AS_IN_THE_POD });
    const review = manyContainers(1000);
    const ask = async (agent: Agent): Promise<number> => {
      const { status, text } = await post(server.admissionPort, review, { agent });
      expect(status).to.equal(200);
      return text.length;
    };
    const agents = Array.from({ length: KEPT }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const [first] = agents;
    if (first === undefined) throw new Error('no connection');
    for (let asked = 0; asked < 60; asked += 1) await ask(first);
    const { now: before } = residentMiB(server);
    let bytes = 0;
    for (const agent of agents) bytes = await ask(agent);
    const { now } = residentMiB(server);
    print(`${KEPT} connections, an answer of ${bytes} bytes on each: ${before} to ${now} MiB resident`);
    expect(now - before).to.be.below((KEPT * bytes) / 2 / MIB);
    for (const agent of agents) agent.destroy();
    await server.stop();
  });
});

/** A Pod with an environment that fills the review to this many bytes, written as Go's encoder writes `<`. */
function largeReview(bytes: number): { object: { spec: object }; review: string } {
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'large', namespace: 'shop' },
    spec: { containers: [{ name: 'web', image: 'web:1', env: [{ name: 'LARGE', value: '@' }] }] },
  };
  const request = {
    uid: 'large',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    operation: 'CREATE',
    namespace: 'shop',
    object,
  };
  const text = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  const escaped = '\\u003c';
  const review = text.replace('@', escaped.repeat(Math.floor((bytes - text.length + 1) / escaped.length)));
  return { object, review };
}

/** Idle, as an API server's connections are; one that never asked anything is closed after seconds. */
async function askedOnce(port: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  connection.write(rawRequest(podReview(2), '/mutate?timeout=30s'));
  await connection.until(/\}$/);
  connection.received = '';
  return connection;
}

/** The most that the kernel keeps for one side of a connection. */
function bufferBytes(side: 'rmem' | 'wmem'): number {
  return Number(readFileSync(`/proc/sys/net/ipv4/tcp_${side}`, 'utf8').split(/\s+/)[2]);
}

/** Chunks until the server has had enough. */
async function endless(port: number): Promise<{ status: string; sent: number }> {
  const connection = await RawConnection.open(port);
  connection.write(rawHead('Transfer-Encoding: chunked', '/mutate?timeout=30s'));
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 0x20), Buffer.from('\r\n')]);
  let sent = 0;
  while (!connection.closed && connection.received === '') {
    await connection.push(chunk);
    sent += 0x10000;
  }
  const [, status = 'closed'] = /^HTTP\/1.1 (\d+)/.exec(await connection.untilClosed()) ?? [];
  return { status, sent };
}
