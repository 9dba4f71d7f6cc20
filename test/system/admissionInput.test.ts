import { expect } from 'chai';
import { connect } from 'node:net';
import { closeServers, echo, healthyReview, startServers, type TestServers } from './support/testServers.js';
import { RawConnection, call, eventually, pause, post, serves, type Reply } from './support/clients.js';

const JSON_TYPE = { 'content-type': 'application/json' };
/** Longer than an honest client takes over its handshake, or over asking. */
const PROMPT_MS = 200;
const MIB = 1024 * 1024;

function status({ text }: Reply): {
  kind: string;
  status: string;
  reason: string;
  message: string;
  code: number;
} {
  return JSON.parse(text) as ReturnType<typeof status>;
}

describe('admission listener, bad input over TLS', () => {
  let server: TestServers;
  before(async () => (server = await startServers()));
  afterEach(async () => expect(await serves(server.port), 'the next healthy request').to.equal(true));
  after(closeServers);

  for (const path of ['/mutate', '/mutate/enforce', '/mutate/audit']) {
    it(`answers POST ${path} with its entry, whatever the query`, async () => {
      const reply = await post(server.port, healthyReview('u'), {}, `${path}?timeout=5s&x=%zz`);
      expect(reply.status).to.equal(200);
      expect(reply.headers['content-type']).to.equal('application/json');
      expect(reply.text).to.contain(`"entry":"${path.split('/')[2] ?? 'any'}"`);
    });
  }

  for (const path of ['/', '/mutate/', '/mutate/x', '/MUTATE', '/metrics', '/%ff']) {
    it(`answers 404 to POST ${path}`, async () => {
      const reply = await post(server.port, 'ignored', {}, path);
      expect(reply.status).to.be.oneOf(path === '/%ff' ? [404, 400] : [404]);
      expect(status(reply)).to.include({ kind: 'Status', status: 'Failure', code: reply.status });
    });
  }

  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
    it(`answers 405 with Allow to ${method} /mutate`, async () => {
      const reply = await call(server.port, '/mutate', { method });
      expect(reply.status).to.equal(405);
      expect(reply.headers.allow).to.equal('POST');
      if (method !== 'HEAD') expect(status(reply).reason).to.equal('MethodNotAllowed');
    });
  }

  const types: [string | undefined, number][] = [
    ['application/json', 200],
    ['Application/JSON; charset="UTF-8"', 200],
    ['application/json;charset=utf8;', 200],
    [undefined, 415],
    ['text/json', 415],
    ['application/yaml', 415],
    ['application/json; charset=latin1', 415],
    ['application/json; charset=utf-16', 415],
    ['application/json; profile=x', 415],
  ];
  for (const [type, expected] of types) {
    it(`answers ${expected} to Content-Type ${type ?? '(none)'}`, async () => {
      const headers = type === undefined ? {} : { 'content-type': type };
      const reply = await post(server.port, healthyReview('u'), { headers });
      expect(reply.status).to.equal(expected);
      if (expected === 415)
        expect(status(reply).message).to.contain(type === undefined ? 'missing' : 'Content-Type');
    });
  }

  for (const [encoding, expected] of Object.entries({
    gzip: 415,
    br: 415,
    'gzip, identity': 415,
    identity: 200,
  })) {
    it(`answers ${expected} to Content-Encoding ${encoding}`, async () => {
      const headers = { ...JSON_TYPE, 'content-encoding': encoding };
      expect((await post(server.port, healthyReview('u'), { headers })).status).to.equal(expected);
    });
  }

  for (const timeout of ['abc', '-5s', '5', '']) {
    it(`answers 400 to ?timeout=${timeout}`, async () => {
      const reply = await post(server.port, healthyReview('u'), {}, `/mutate?timeout=${timeout}`);
      expect(reply.status).to.equal(400);
      expect(status(reply).message).to.contain('is not a duration');
    });
  }

  it('hands an empty body to the engine', async () => {
    expect((await post(server.port, '')).status).to.equal(400);
  });

  it('takes a body of 20 MiB', async () => {
    const body = healthyReview('large').padEnd(20 * MIB, ' ');
    const reply = await post(server.port, body);
    expect(reply.status).to.equal(200);
    expect(reply.text).to.contain(`"bytes":"${20 * MIB}"`);
    await eventually(() => server.metrics.bodyBytesInFlight.value === 0);
  });

  it('refuses 20 MiB and a byte with 413 by its Content-Length, before it is read, and closes', async () => {
    const connection = await RawConnection.open(server.port);
    connection.write(
      `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${20 * MIB + 1}\r\n\r\n{`,
    );
    expect(await connection.untilClosed()).to.match(/^HTTP\/1.1 413 [^]*connection: close[^]*20 MiB/i);
  });

  it('lets a client that sends all of a too large body read its 413', async () => {
    const reply = await post(server.port, Buffer.alloc(25 * MIB, 0x20));
    expect(reply.status).to.equal(413);
    expect(reply.headers.connection).to.equal('close');
    expect(status(reply).reason).to.equal('RequestEntityTooLarge');
  });

  it('refuses endless chunks with 413, memory bounded', async () => {
    const connection = await RawConnection.open(server.port);
    connection.write(
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 0x20), Buffer.from('\r\n')]);
    let most = 0;
    while (!connection.closed) {
      await connection.push(chunk);
      most = Math.max(most, server.metrics.bodyBytesInFlight.value);
    }
    expect(connection.received).to.match(/^HTTP\/1.1 413 /);
    expect(most).to.be.within(19 * MIB, 20 * MIB);
    await eventually(() => server.metrics.bodyBytesInFlight.value === 0);
  });

  it('asks for the body of an Expect: 100-continue', async () => {
    const connection = await RawConnection.open(server.port);
    const body = healthyReview('expected');
    connection.write(
      `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    expect(await connection.until(/\r\n\r\n/)).to.match(/^HTTP\/1.1 100 Continue/);
    connection.write(body);
    expect(await connection.until(/expected/)).to.contain('HTTP/1.1 200 OK');
    connection.destroy();
  });

  for (const [what, head, expected] of [
    [
      'too large',
      `Content-Type: application/json\r\nContent-Length: ${21 * MIB}\r\nExpect: 100-continue`,
      413,
    ],
    ['of the wrong type', 'Content-Type: text/plain\r\nContent-Length: 5\r\nExpect: 100-continue', 415],
    ['with another expectation', 'Content-Type: application/json\r\nContent-Length: 5\r\nExpect: tea', 417],
  ] as const) {
    it(`refuses a body that is ${what} with ${expected} without asking for it`, async () => {
      const connection = await RawConnection.open(server.port);
      connection.write(`POST /mutate HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
      const received = await connection.untilClosed();
      expect(received)
        .to.match(new RegExp(`^HTTP/1.1 ${expected} `))
        .and.not.contain('100 Continue');
    });
  }

  it('refuses huge headers with 431 and a Status body', async () => {
    const reply = await post(server.port, healthyReview('u'), {
      headers: { ...JSON_TYPE, 'x-huge': 'x'.repeat(20_000) },
    });
    expect(reply.status).to.equal(431);
    expect(status(reply).code).to.equal(431);
  });

  for (const [what, text] of Object.entries({
    'both Content-Length and Transfer-Encoding':
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a bad chunk size':
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n',
    'two Content-Lengths':
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}',
    'no HTTP at all': '\x16\x03\x01 hello\r\n\r\n',
  })) {
    it(`refuses ${what} with 400 and closes`, async () => {
      const connection = await RawConnection.open(server.port);
      connection.write(text);
      expect(await connection.untilClosed()).to.match(/^HTTP\/1.1 400 Bad Request[^]*"kind":"Status"/);
    });
  }

  it('cuts plain HTTP and random bytes on the TLS port', async () => {
    for (const text of ['GET /mutate HTTP/1.1\r\nHost: x\r\n\r\n', 'x'.repeat(500)]) {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
      socket.on('error', () => undefined).resume();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect(server.metrics.refused.handshake.value).to.be.at.least(2);
  });

  it('serves others while a handshake is left half open', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(Buffer.from('160301', 'hex'));
    expect(await serves(server.port)).to.equal(true);
    socket.destroy();
  });

  it('answers pipelined requests in order', async () => {
    const connection = await RawConnection.open(server.port);
    const requests = ['one', 'two', 'three'].map((uid) => {
      const body = healthyReview(uid);
      return `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    });
    connection.write(requests.join(''));
    expect(await connection.until(/three/)).to.match(/"one"[^]*"two"[^]*"three"/);
    connection.destroy();
  });

  it('closes a connection that sends many requests ahead, and answers others meanwhile', async () => {
    const flooder = await RawConnection.open(server.port);
    const protocol = server.metrics.refused.protocol.value;
    const one =
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    flooder.write(one.repeat(5000));
    expect(await serves(server.port)).to.equal(true);
    await flooder.untilClosed();
    expect(server.metrics.refused.protocol.value - protocol).to.equal(1);
    await eventually(() => server.metrics.requestsInFlight.value === 0);
    expect(server.metrics.bodyBytesInFlight.value).to.equal(0);
  });

  for (const [what, one, answer] of [
    [
      'with an expectation',
      'GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n',
      /^HTTP\/1.1 417 [^]*"code":417/,
    ],
    ['without a Host', 'GET / HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 [^]*"code":400/],
  ] as const) {
    it(`counts requests ${what} among those that are sent ahead, and closes the connection of each`, async () => {
      const single = await RawConnection.open(server.port);
      single.write(one);
      expect(await single.untilClosed())
        .to.match(answer)
        .and.match(/\r\nconnection: close\r\n/i);

      const { port, metrics } = await startServers({
        handler: () => ({ status: 200, body: 'x'.repeat(20 * MIB) }),
      });
      const deaf = await RawConnection.open(port);
      deaf.socket.pause();
      deaf.write(requestWith(healthyReview('large')));
      await eventually(() => metrics.bodyBytesInFlight.value > 10 * MIB);
      const before = metrics.refused.protocol.value;
      deaf.write(one.repeat(14));
      await pause(100);
      expect(metrics.bodyBytesInFlight.value).to.be.above(10 * MIB);
      expect(metrics.refused.protocol.value - before).to.equal(14);
      deaf.write(one.repeat(20));
      // Cut at the one too many.
      await eventually(() => metrics.bodyBytesInFlight.value === 0);
      expect(metrics.refused.protocol.value - before).to.be.at.most(17);
    });
  }

  for (const target of ['http://[', '*', 'http://x/mutate']) {
    it(`answers ${target} with a Status, as what nothing is at`, async () => {
      const connection = await RawConnection.open(server.port);
      connection.write(`OPTIONS ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(await connection.until(/\}$/)).to.match(/^HTTP\/1.1 404 [^]*"reason":"NotFound"/);
      connection.destroy();
    });
  }

  it('gives up a body that does not come, with 408, and gives its memory back', async () => {
    const connection = await RawConnection.open(server.port);
    connection.write(
      'POST /mutate?timeout=300ms HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"half":',
    );
    expect(await connection.until(/\}$/)).to.match(/^HTTP\/1.1 408 [^]*"reason":"RequestTimeout"/);
    expect(server.metrics.bodyBytesInFlight.value).to.equal(0);
    await connection.untilClosed();
  });

  it('forgets a client that goes away in the middle of its body', async () => {
    const gone = server.metrics.refused.clientGone.value;
    for (let i = 0; i < 20; i += 1) {
      const connection = await RawConnection.open(server.port);
      connection.write(
        'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"half":',
      );
      await pause(2);
      connection.destroy();
    }
    await eventually(() => server.metrics.requestsInFlight.value === 0);
    expect(server.metrics.refused.clientGone.value - gone).to.be.at.least(1);
    expect(server.metrics.bodyBytesInFlight.value).to.equal(0);
    expect(server.logger.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });
});

function requestWith(body: string): string {
  return `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Keeps the event loop, which the servers have in common with this test. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('admission listener, limits', () => {
  afterEach(closeServers);

  it('answers 503 with Retry-After: 1 past the budget, and serves again when it is free', async () => {
    const { port, metrics } = await startServers({ limits: { bytesInFlight: 1000 } });
    const holding = await RawConnection.open(port);
    holding.write(
      `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 951\r\n\r\n${' '.repeat(950)}`,
    );
    await eventually(() => metrics.bodyBytesInFlight.value === 950);
    const refused = await post(port, healthyReview('over budget'));
    expect(refused.status).to.equal(503);
    expect(refused.headers['retry-after']).to.equal('1');
    expect(status(refused).reason).to.equal('ServiceUnavailable');
    holding.destroy();
    await eventually(() => metrics.bodyBytesInFlight.value === 0);
    expect(await serves(port)).to.equal(true);
  });

  it('answers 503 with Retry-After: 1 to what has waited too long for its decision, keeps its connection, and serves again', async () => {
    const { port, metrics } = await startServers({
      limits: { turnMs: 20, waitMs: 50 },
      handler: (body, entry) => {
        work(30);
        return echo(body, entry);
      },
    });
    const connections = await Promise.all(Array.from({ length: 10 }, () => RawConnection.open(port)));
    for (const connection of connections) connection.write(requestWith(healthyReview('u')));
    const answers = await Promise.all(connections.map((connection) => connection.until(/\}$/)));
    const refused = answers.filter((answer) => answer.startsWith('HTTP/1.1 503 '));
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200 ')).length + refused.length).to.equal(
      10,
    );
    expect(refused).to.not.be.empty;
    for (const answer of refused) {
      expect(answer)
        .to.match(/^retry-after: 1\r$/im)
        .and.match(/^Connection: keep-alive\r$/im);
      expect(answer).to.contain('too many requests are waiting; try again in a second');
    }
    expect(metrics.refused.overBudget.value).to.equal(refused.length);
    expect(await serves(port)).to.equal(true);
    for (const connection of connections) connection.destroy();
  });

  it('closes the connection that has been idle for longest for one too many, not one at work', async () => {
    const { port, metrics } = await startServers({ limits: { connections: 3 } });
    const working = await RawConnection.open(port);
    // So much has come that it is not overdue for seconds.
    const large = ' '.repeat(5 * MIB);
    working.write(
      `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${6 * MIB}\r\n\r\n${large}`,
    );
    await eventually(() => metrics.requestsInFlight.value === 1);
    const [oldest, younger] = [await RawConnection.open(port), await RawConnection.open(port)];
    expect(await serves(port)).to.equal(true);
    await oldest.untilClosed();
    expect([working.closed, younger.closed]).to.deep.equal([false, false]);
    expect(metrics.refused.connections.value).to.equal(1);

    younger.write(
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    const third = await RawConnection.open(port);
    third.write(
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    await eventually(() => metrics.requestsInFlight.value === 3);
    await (await RawConnection.open(port)).untilClosed();
    expect([working.closed, younger.closed, third.closed]).to.deep.equal([false, false, false]);
    expect(metrics.refused.connections.value).to.equal(2);
  });

  it('closes first whose handshake, head or body is most overdue, and only then who is idle', async () => {
    const { port, metrics } = await startServers({ limits: { connections: 3 } });
    const open = async (): Promise<RawConnection> => {
      const connection = await RawConnection.open(port);
      await pause(PROMPT_MS);
      return connection;
    };
    const ask = async (connection: RawConnection): Promise<void> => {
      connection.write(requestWith(healthyReview('u')));
      await connection.until(/\}$/);
    };
    const first = await open();
    await ask(first);
    const shaking = connect(port, '127.0.0.1');
    const shakingEnded = new Promise((resolve) => shaking.on('error', resolve).on('close', resolve));
    await pause(PROMPT_MS);
    const silent = await open();

    const second = await open();
    await shakingEnded;
    expect([first.closed, silent.closed]).to.deep.equal([false, false]);
    await ask(second);
    const third = await open();
    await silent.untilClosed();
    expect([first.closed, second.closed]).to.deep.equal([false, false]);
    await ask(third);
    const slow = await open();
    await first.untilClosed();
    expect([second.closed, third.closed, slow.closed]).to.deep.equal([false, false, false]);

    slow.write(requestWith(healthyReview('u')).slice(0, -1));
    await pause(1000 + PROMPT_MS);
    const fourth = await open();
    await slow.untilClosed();
    expect([second.closed, third.closed, fourth.closed]).to.deep.equal([false, false, false]);
    expect(metrics.refused.connections.value).to.equal(4);

    await ask(fourth);
    third.write('POST /mutate HTTP/1.1\r\nHost: x\r\n');
    await pause(PROMPT_MS);
    const fifth = await open();
    await third.untilClosed();
    expect([second.closed, fourth.closed, fifth.closed]).to.deep.equal([false, false, false]);
  });

  it('closes who is idle before one whose body is large and comes fast', async () => {
    const { port } = await startServers({ limits: { connections: 2 } });
    const large = await RawConnection.open(port);
    const body = healthyReview('u'.repeat(4 * MIB));
    large.write(requestWith(body).slice(0, -1));
    const idle = await RawConnection.open(port);
    await pause(1500);
    expect(await serves(port)).to.equal(true);
    await idle.untilClosed();
    expect(large.closed).to.equal(false);
    large.write(body.slice(-1));
    expect(await large.until(/^HTTP/)).to.match(/^HTTP\/1.1 200 /);
    large.destroy();
  });

  it('closes who does not take an answer before who is idle', async () => {
    const { port } = await startServers({
      limits: { connections: 2, unreadMs: 6000 },
      handler: (body, entry) =>
        body.includes('large') ? { status: 200, body: 'x'.repeat(20 * MIB) } : echo(body, entry),
    });
    const idle = await RawConnection.open(port);
    idle.write(requestWith(healthyReview('u')));
    await idle.until(/\}$/);
    const deaf = await RawConnection.open(port);
    deaf.socket.pause();
    deaf.write(requestWith(healthyReview('large')));
    await pause(2000);
    expect(await serves(port)).to.equal(true);
    deaf.socket.resume();
    expect((await deaf.untilClosed()).length, 'cut in the midst of its answer').to.be.below(20 * MIB);
    expect(idle.closed).to.equal(false);
    idle.destroy();
  });

  it('counts large answers that nobody takes like bodies, and cuts who does not take them', async () => {
    const answer = 'x'.repeat(20 * MIB);
    const { port, metrics } = await startServers({
      limits: { bytesInFlight: 10 * MIB, unreadMs: 600 },
      handler: (body, entry) => (body.includes('large') ? { status: 200, body: answer } : echo(body, entry)),
    });
    const deaf = await RawConnection.open(port);
    deaf.socket.pause();
    deaf.write(requestWith(healthyReview('large')));
    await eventually(() => metrics.bodyBytesInFlight.value > 10 * MIB);
    const refused = await post(port, healthyReview('over budget'));
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([503, '1']);
    await eventually(() => metrics.bodyBytesInFlight.value === 0);
    expect(await serves(port)).to.equal(true);
    deaf.socket.resume();
    expect((await deaf.untilClosed()).length, 'cut in the midst of its answer').to.be.below(answer.length);
  });

  it('cuts who does not take an answer, whatever else they send', async () => {
    const { port, metrics } = await startServers({
      limits: { unreadMs: 600 },
      handler: () => ({ status: 200, body: 'x'.repeat(20 * MIB) }),
    });
    const deaf = await RawConnection.open(port);
    deaf.socket.pause();
    deaf.write(requestWith(healthyReview('large')));
    await eventually(() => metrics.bodyBytesInFlight.value > 10 * MIB);
    // A line break before a request is passed over: it begins none.
    const talking = setInterval(() => deaf.write('\r\n'), 50);
    await eventually(() => metrics.bodyBytesInFlight.value === 0).finally(() => clearInterval(talking));
    deaf.destroy();
  });

  it('cuts who takes an answer so slowly that nobody waits for it', async () => {
    const { port, metrics } = await startServers({
      limits: { unreadMs: 1200 },
      handler: () => ({ status: 200, body: 'x'.repeat(64 * MIB) }),
    });
    const slow = await RawConnection.open(port);
    slow.socket.pause();
    slow.write(requestWith(healthyReview('large')));
    await eventually(() => metrics.bodyBytesInFlight.value > 10 * MIB);
    let taken = 0;
    const reading = setInterval(() => {
      taken += (slow.socket.read(64 * 1024) as Buffer | null)?.length ?? 0;
    }, 50);
    await eventually(() => metrics.bodyBytesInFlight.value === 0).finally(() => clearInterval(reading));
    expect(taken).to.be.above(0);
    slow.destroy();
  });

  it('counts what has arrived, not what was announced', async () => {
    const { port } = await startServers({ limits: { bytesInFlight: 1000 } });
    const announcing = await RawConnection.open(port);
    announcing.write(
      'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n{',
    );
    await pause(20);
    expect(await serves(port)).to.equal(true);
    announcing.destroy();
  });

  it('answers 504 rather than late', async () => {
    const { port, metrics } = await startServers({
      handler: async () => {
        await pause(3000);
        return { status: 200, body: '{}' };
      },
    });
    const before = performance.now();
    const reply = await post(port, healthyReview('u'), {}, '/mutate?timeout=1s');
    expect(performance.now() - before).to.be.below(1500);
    expect(reply.status).to.equal(504);
    expect(status(reply).reason).to.equal('Timeout');
    expect(metrics.refused.late.value).to.equal(1);
  });

  it('answers 504 when the engine has blocked for longer than the timeout', async () => {
    const { port } = await startServers({
      handler: () => {
        const end = performance.now() + 150;
        while (performance.now() < end);
        return { status: 200, body: '{}' };
      },
    });
    const reply = await post(port, healthyReview('u'), {}, '/mutate?timeout=50ms');
    expect(reply.status).to.equal(504);
  });

  for (const [what, handler] of Object.entries({
    throws: () => {
      throw new Error('a bug');
    },
    rejects: () => Promise.reject(new Error('a bug')),
  })) {
    it(`answers 500 and lives when the engine ${what} against its promise`, async () => {
      const { port, logger, metrics } = await startServers({ handler });
      const reply = await post(port, healthyReview('u'));
      expect(reply.status).to.equal(500);
      expect(reply.text).not.to.contain('a bug');
      expect(metrics.uncaughtErrors.value).to.equal(1);
      expect(logger.lines.find(({ level }) => level === 'error')?.fields['error']).to.be.an('error');
      expect((await post(port, healthyReview('u'))).status).to.equal(500);
    });
  }
});
