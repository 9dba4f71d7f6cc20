import { expect } from 'chai';
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Router } from 'express';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import type { PreviewAccess } from '../../src/preview/access.js';
import { previewRoutes } from '../../src/preview/routes.js';
import { manyManifests } from '../preview/support/manyManifests.js';
import { RawConnection, call, eventually, get, pause, post } from './support/clients.js';
import { closeServers, healthyReview, startServers } from './support/testServers.js';

describe('ops listener', () => {
  afterEach(closeServers);

  it('answers livez and readyz as kube-apiserver does, each check named', async () => {
    const sick: { reason?: string } = {};
    const { opsUrl } = await startServers({
      checks: [{ name: 'policies', check: () => ({ ok: sick.reason === undefined, detail: sick.reason }) }],
    });
    expect((await get(`${opsUrl}/livez`)).text).to.equal('ok');
    expect((await get(`${opsUrl}/readyz`)).text).to.equal('ok');
    expect((await get(`${opsUrl}/readyz?verbose`)).text).to.equal(
      '[+]policies ok\n[+]listeners ok\n[+]certificate ok\n[+]shutdown ok\nreadyz check passed\n',
    );
    sick.reason = 'none has loaded';
    const plain = await get(`${opsUrl}/readyz`);
    expect(plain.status).to.equal(503);
    expect(plain.text).to.equal('[-]policies failed: none has loaded\nreadyz check failed\n');
    expect((await get(`${opsUrl}/readyz?verbose=1`)).text).to.contain('[+]certificate ok\n');
    expect((await get(`${opsUrl}/livez`)).status).to.equal(200);
  });

  it('answers HEAD, 404 and 405', async () => {
    const { opsUrl } = await startServers();
    expect(await get(`${opsUrl}/livez`, 'HEAD')).to.include({ status: 200, text: '' });
    const missing = await get(`${opsUrl}/healthy`);
    expect(missing.status).to.equal(404);
    expect(missing.headers['content-type']).to.equal('application/problem+json');
    const wrong = await get(`${opsUrl}/livez`, 'DELETE');
    expect(wrong.status).to.equal(405);
    expect(wrong.headers.allow).to.equal('GET, HEAD');
  });

  for (const [what, one, code] of [
    ['with an expectation', 'GET /livez HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n', 417],
    ['without a Host', 'GET /livez HTTP/1.1\r\n\r\n', 400],
  ] as const) {
    it(`counts requests ${what} among those that are sent ahead`, async () => {
      const { addresses, metrics, opsUrl } = await startServers();
      const { port } = new URL(`http://${addresses.ops}`);
      const single = connect(Number(port), '127.0.0.1');
      let answered = '';
      single.on('data', (chunk: Buffer) => (answered += chunk.toString()));
      single.write(one);
      await once(single, 'close');
      expect(answered).to.match(new RegExp(`^HTTP/1.1 ${code} [^]*application/problem\\+json`));
      const before = metrics.refused.protocol.value;
      const deaf = connect(Number(port), '127.0.0.1').on('error', () => undefined);
      deaf.pause();
      deaf.write(one.repeat(20_000));
      await eventually(() => metrics.refused.protocol.value > before);
      deaf.resume();
      await once(deaf, 'close');
      expect(metrics.refused.protocol.value - before).to.be.below(100);
      expect((await get(`${opsUrl}/livez`)).text).to.equal('ok');
    });
  }

  for (const target of ['http://[', '*']) {
    it(`answers ${target} with a problem document`, async () => {
      const { addresses } = await startServers();
      const client = connect(Number(new URL(`http://${addresses.ops}`).port), '127.0.0.1');
      let answered = '';
      client.on('data', (chunk: Buffer) => (answered += chunk.toString()));
      client.write(`OPTIONS ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await once(client, 'close');
      expect(answered).to.match(/^HTTP\/1.1 404 [^]*there is no such path here/);
    });
  }

  it('shows what was counted, and the process', async () => {
    const { opsUrl, port } = await startServers();
    await post(port, healthyReview('u'));
    await post(port, 'x', { headers: { 'content-type': 'text/plain' } });
    await call(port, '/nowhere');
    const { text, headers } = await get(`${opsUrl}/metrics`);
    expect(headers['content-type']).to.contain('text/plain; version=0.0.4');
    for (const line of [
      'kube_harden_responses_total{code="200"} 1',
      'kube_harden_responses_total{code="415"} 1',
      'kube_harden_responses_total{code="404"} 1',
      'kube_harden_refused_requests_total{reason="content"} 1',
      'kube_harden_refused_requests_total{reason="address"} 1',
      'kube_harden_request_duration_seconds_count 2',
      'kube_harden_request_duration_seconds_bucket{le="+Inf"} 2',
      'kube_harden_requests_in_flight 0',
      `kube_harden_build_info{version="test",node="${process.version}"} 1`,
    ]) {
      expect(text.split('\n')).to.include(line);
    }
    expect(text)
      .to.match(/^process_resident_memory_bytes \d+/m)
      .and.match(/^nodejs_eventloop_lag_seconds /m);
    // A second scrape shows the same numbers, not their sum.
    expect((await get(`${opsUrl}/metrics`)).text).to.contain('kube_harden_responses_total{code="404"} 1\n');
  });
});

describe('preview listener', () => {
  afterEach(closeServers);

  it('answers loopback, with problem documents for what is wrong', async () => {
    const { servers, logger } = await startServers();
    const port = servers.preview?.listener.address.port ?? 0;
    const headers = { 'content-type': 'application/yaml' };
    const good = await call(port, '/preview?namespace=shop', { method: 'POST', body: 'kind: Pod', headers });
    expect(good.text).to.equal('{"echoed":"kind: Pod"}');
    const cases: [string, string, string | undefined, number, RegExp][] = [
      ['GET', '/openapi.json', undefined, 404, /there is no \/openapi.json here; there are \/preview/],
      ['GET', '/preview', undefined, 405, /GET is not understood at \/preview; send POST/],
      ['POST', '/preview', 'x'.repeat(2000), 413, /larger than 1000 bytes/],
      ['GET', '/api/rules', undefined, 500, /the log says why/],
    ];
    for (const [method, path, body, status, detail] of cases) {
      const reply = await call(port, path, { method, headers, ...(body === undefined ? {} : { body }) });
      expect(reply.status, path).to.equal(status);
      expect(reply.headers['content-type']).to.equal('application/problem+json');
      const problem = JSON.parse(reply.text) as Record<string, unknown>;
      expect(problem).to.include({ type: 'about:blank', status });
      expect(problem['detail']).to.match(detail);
      expect(problem['title']).to.be.a('string');
    }
    expect(String(logger.lines.find(({ level }) => level === 'error')?.fields['error'])).to.contain('a bug');
  });

  it('answers all of many that come at once, beside some that never shake hands and some that go away', async () => {
    const { servers } = await startServers();
    const port = servers.preview?.listener.address.port ?? 0;
    const idle = Array.from({ length: 10 }, () => connect(port, '127.0.0.1'));
    const gone = Array.from({ length: 10 }, () => {
      const socket = connect(port, '127.0.0.1', () => socket.resetAndDestroy());
      return socket.on('error', () => undefined);
    });
    const headers = { 'content-type': 'application/yaml' };
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        call(port, '/preview', { method: 'POST', body: `kind: Pod${index}`, headers }),
      ),
    );
    expect(replies.map(({ text }) => text)).to.deep.equal(
      Array.from({ length: 40 }, (_, index) => `{"echoed":"kind: Pod${index}"}`),
    );
    expect(gone.every(({ destroyed }) => destroyed)).to.equal(true);
    for (const socket of idle) socket.destroy();
    // And the next, when all is quiet again.
    const { status } = await call(port, '/preview', { method: 'POST', body: 'kind: Pod', headers });
    expect(status).to.equal(200);
  });

  describe('with the routes of the preview', () => {
    const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
    const loadPreviewRoutes = (): Promise<Router> =>
      Promise.resolve(previewRoutes({ plans, policies: () => plans.policies }));
    const headers = { 'content-type': 'application/yaml' };
    /** As many as there are places for previews, each too large to be made without one. */
    const PLACES = 16;
    const large = manyManifests('documents', 20_000);
    const head = `POST /preview HTTP/1.1\r\nHost: x\r\nContent-Type: application/yaml\r\nContent-Length: ${large.length}\r\n\r\n`;
    const previews = async (port: number): Promise<number> =>
      (await call(port, '/preview', { method: 'POST', body: large, headers })).status;

    it('keeps no place for who goes away while they are looked up', async () => {
      let lookedUp = 0;
      const previewAccess: PreviewAccess = {
        authenticate: async () => {
          lookedUp += 1;
          await pause(50);
          return { username: 'jane', groups: [], extra: {} };
        },
        authorize: () => Promise.resolve(),
      };
      const { servers } = await startServers({ loadPreviewRoutes, previewAccess });
      const port = servers.preview?.listener.address.port ?? 0;
      expect(await previews(port)).to.equal(200);
      const leaving = await Promise.all(Array.from({ length: PLACES }, () => RawConnection.open(port)));
      for (const connection of leaving) connection.write(head);
      await eventually(() => lookedUp === PLACES + 1);
      for (const connection of leaving) connection.destroy();
      await pause(100);
      expect(await previews(port)).to.equal(200);
    });

    it('takes it as it is where a client goes away in the middle of a large answer', async () => {
      const { servers, logger, metrics } = await startServers({ loadPreviewRoutes });
      const port = servers.preview?.listener.address.port ?? 0;
      const body = manyManifests('documents', 1_000_000);
      const connection = await RawConnection.open(port);
      connection.write(head.replace(`${large.length}`, `${body.length}`) + body);
      // What the kernel takes meanwhile is less than the answer: the rest waits for a reader.
      connection.socket.pause();
      await eventually(() => connection.socket.readableLength > 0);
      await pause(200);
      connection.destroy();
      expect(await previews(port)).to.equal(200);
      expect(logger.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
      expect(metrics.uncaughtErrors.value).to.equal(0);
    });

    it('keeps no place for requests behind another one of a connection that is closed', async () => {
      const { servers } = await startServers({ loadPreviewRoutes });
      const port = servers.preview?.listener.address.port ?? 0;
      expect(await previews(port)).to.equal(200);
      for (let left = 0; left < 4; left += 1) {
        const connection = await RawConnection.open(port);
        connection.write(`${head}${large}`.repeat(PLACES / 2));
        connection.destroy();
        // The last one's body does not end.
        const half = await RawConnection.open(port);
        half.write(`${head}${large}`.repeat(PLACES / 2 - 1) + head);
        await pause(20);
        half.destroy();
      }
      await pause(100);
      expect(await previews(port)).to.equal(200);
    });
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

  it('refuses peers other than loopback with the reason, unless --preview-insecure', async function () {
    if (outside === undefined) return this.skip();
    const reach = { host: outside, rejectUnauthorized: false, method: 'POST', body: 'kind: Pod' };
    const closed = await startServers({ preview: { host: '0.0.0.0', port: 0 } });
    const refused = await call(closed.servers.preview?.listener.address.port ?? 0, '/preview', reach);
    expect(refused.status).to.equal(403);
    expect(refused.headers['content-type']).to.equal('application/problem+json');
    expect(refused.text).to.contain('--preview-insecure');
    expect(closed.metrics.refused.peer.value).to.equal(1);
    const open = await startServers({ preview: { host: '0.0.0.0', port: 0 }, previewInsecure: true });
    const answered = await call(open.servers.preview?.listener.address.port ?? 0, '/preview', reach);
    expect(answered.status).to.equal(200);
  });

  it('is not there when it is turned off', async () => {
    const { servers, addresses } = await startServers({ preview: undefined });
    expect(servers.preview).to.equal(undefined);
    expect(addresses).not.to.have.property('preview');
  });
});
