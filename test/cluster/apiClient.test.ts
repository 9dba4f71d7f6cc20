import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { KubeApiClient } from '../../src/cluster/apiClient.js';
import { ApiError } from '../../src/cluster/apiError.js';
import { authority, servingPair } from '../system/support/certificates.js';

/** Without what was said: it may be half a Secret, and errors are logged. */
const NO_OBJECT = 'the API server answered 200 with something that is no object';

describe('KubeApiClient', () => {
  let server: Server;
  let api: KubeApiClient;
  let answer: (req: IncomingMessage, res: ServerResponse, body: string) => void;
  let connections: number;

  before(async () => {
    server = createServer(await servingPair(), (req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => (body += chunk.toString()));
      req.on('end', () => answer(req, res, body));
    });
    server.on('secureConnection', () => (connections += 1));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    connections = 0;
    api = new KubeApiClient(configFor((server.address() as AddressInfo).port));
  });
  afterEach(() => {
    api.close();
    server.closeAllConnections();
  });
  after(() => server.close());

  function configFor(port: number, path = ''): KubeConfig {
    const config = new KubeConfig();
    const caData = Buffer.from(authority.cert).toString('base64');
    config.loadFromClusterAndUser(
      { name: 'test', server: `https://127.0.0.1:${port}${path}`, caData, skipTLSVerify: false },
      { name: 'test', token: 'a-token' },
    );
    return config;
  }

  async function failure(asked: Promise<unknown>): Promise<Error> {
    return asked.then(
      () => new Error('it was answered'),
      (error: unknown) => error as Error,
    );
  }

  it('sends method, path below the server, query, credentials and a JSON body, and gives the JSON answer', async () => {
    const seen: unknown[] = [];
    answer = (req, res, body) => {
      const { authorization, accept, 'content-type': type } = req.headers;
      seen.push([req.method, req.url, authorization, accept, type, body]);
      res.end('{"kind":"Namespace","metadata":{"name":"shop"}}');
    };
    const below = new KubeApiClient(configFor((server.address() as AddressInfo).port, '/k8s/'));
    const got = await below.request('PATCH', '/api/v1/namespaces/shop', {
      query: { limit: 5, continue: 'a&b=c' },
      body: { text: 'ü' },
      contentType: 'application/merge-patch+json',
    });
    below.close();
    expect(got).to.deep.equal({ kind: 'Namespace', metadata: { name: 'shop' } });
    expect(seen).to.deep.equal([
      [
        'PATCH',
        '/k8s/api/v1/namespaces/shop?limit=5&continue=a%26b%3Dc',
        'Bearer a-token',
        'application/json',
        'application/merge-patch+json',
        '{"text":"ü"}',
      ],
    ]);
  });

  it('asks again and again over one connection', async () => {
    answer = (_req, res) => res.end('{}');
    for (let i = 0; i < 5; i += 1) await api.request('GET', '/version');
    expect(connections).to.equal(1);
  });

  const errors: [name: string, code: number, body: string, message: string, reason: string | undefined][] = [
    ['a Status', 403, '{"kind":"Status","reason":"Forbidden","message":"no"}', 'no', 'Forbidden'],
    ['a page', 502, '<html>bad gateway</html>', '<html>bad gateway</html>', undefined],
    ['nothing', 500, '', 'the API server answered 500', undefined],
    ['no JSON with 200', 200, 'hello', NO_OBJECT, undefined],
    ['no object with 200', 200, '[1]', NO_OBJECT, undefined],
    ['half a Secret with 200', 200, '{"kind":"Secret","data":{"tls.key":"c2Vj', NO_OBJECT, undefined],
  ];
  for (const [name, code, body, message, reason] of errors) {
    it(`throws an ApiError for ${name} (${code})`, async () => {
      answer = (_req, res) => res.writeHead(code).end(body);
      const error = await failure(api.request('GET', '/version'));
      expect(error).to.be.instanceOf(ApiError);
      expect(error).to.include({ status: code, message, reason, code: 'ApiError' });
    });
  }

  it('sends a request once more where its kept connections had been closed, however many are', async () => {
    answer = (_req, res) => setTimeout(() => res.end('{"n":1}'), 20);
    await Promise.all([1, 2, 3].map(() => api.request('GET', '/a')));
    expect(connections).to.equal(3);
    // From here on every connection of before is reset when it is used; a new one is not.
    let resets = 0;
    const old = new Set<unknown>();
    answer = (req, res) => {
      if (connections === 3 || old.has(req.socket)) {
        old.add(req.socket);
        resets += 1;
        req.socket.destroy();
        return;
      }
      res.end('{"n":2}');
    };
    expect(await api.request('GET', '/a')).to.deep.equal({ n: 2 });
    expect(resets).to.equal(1);
    expect(connections).to.equal(4);
  });

  it('does not send a request again that failed on a new connection', async () => {
    let asked = 0;
    answer = (req) => {
      asked += 1;
      req.socket.destroy();
    };
    const error = await failure(api.request('GET', '/a'));
    expect(error).to.have.property('code', 'ECONNRESET');
    expect(asked).to.equal(1);
  });

  for (const [name, slow] of [
    ['does not answer', () => undefined],
    ['stops within its answer', (res: ServerResponse) => res.writeHead(200).write('{"a":')],
  ] as const) {
    it(`gives up after its time on a server that ${name}, and says so`, async () => {
      answer = (_req, res) => void slow(res);
      const error = await failure(api.request('GET', '/a', { timeoutMs: 40 }));
      expect(error.message).to.equal('no answer from the API server within 40 ms');
    });
  }

  it('rejects an answer that is cut short', async () => {
    answer = (_req, res) => {
      res.writeHead(200, { 'content-length': '100' }).write('{"a":1}');
      setTimeout(() => res.destroy(), 10);
    };
    expect(await failure(api.request('GET', '/a'))).to.have.property('code', 'ECONNRESET');
  });

  it('rejects with the system error where nobody listens', async () => {
    const nobody = new KubeApiClient(configFor(1));
    expect(await failure(nobody.request('GET', '/a'))).to.have.property('code', 'ECONNREFUSED');
    nobody.close();
  });

  it('rejects a server whose certificate its CA did not sign', async () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      {
        name: 'test',
        server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
        skipTLSVerify: false,
      },
      { name: 'test', token: 'a-token' },
    );
    let asked = false;
    answer = (_req, res) => {
      asked = true;
      res.end('{}');
    };
    const stranger = new KubeApiClient(config);
    expect(await failure(stranger.request('GET', '/a'))).to.have.property('code');
    expect(asked).to.equal(false);
    stranger.close();
  });
});
