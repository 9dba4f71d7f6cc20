import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { KubeApiClient } from '../../src/cluster/apiClient.js';
import { ClusterPreviewAccess } from '../../src/cluster/previewAccess.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { previewRoutes } from '../../src/preview/routes.js';
import { PreviewListener } from '../../src/server/previewListener.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { authority, servingPair } from '../system/support/certificates.js';
import { RawConnection, call, type Call, type Reply } from '../system/support/clients.js';
import { RecordingLogger } from '../system/support/testServers.js';

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: Record<string, unknown> & {
    readonly token?: string;
    readonly user?: string;
    readonly resourceAttributes?: { readonly namespace: string };
  };
}

/** Answers the two reviews over HTTP, and keeps what was asked. */
class ReviewServer {
  readonly asked: Review[] = [];
  /** The namespaces of each user; `''` is all of them. */
  rights: Record<string, readonly string[]> = { jane: ['shop', 'till'], admin: [''], stranger: [] };
  /** Takes the place of the answer. */
  instead: ((res: ServerResponse, review: Review) => void) | undefined;
  private server: Server | undefined;

  /** @returns a client of it */
  async start(): Promise<KubeApiClient> {
    const server = createServer(await servingPair(), (req, res) => void this.answer(req, res));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      {
        name: 'test',
        server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
        caData: Buffer.from(authority.cert).toString('base64'),
        skipTLSVerify: false,
      },
      { name: 'kube-harden' },
    );
    return new KubeApiClient(config);
  }

  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  /** The kinds that were asked since the last call, with the token or the namespace. */
  takeAsked(): string[] {
    return this.asked
      .splice(0)
      .map(({ kind, spec }) => `${kind} ${spec.token ?? spec.resourceAttributes?.namespace}`);
  }

  private async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
    this.asked.push(review);
    if (this.instead) {
      this.instead(res, review);
      return;
    }
    const path = `/apis/${review.apiVersion}/${review.kind.toLowerCase()}s`;
    if (req.method !== 'POST' || req.url !== path) {
      res.writeHead(404).end('{}');
      return;
    }
    const status = review.kind === 'TokenReview' ? this.tokenStatus(review) : this.accessStatus(review);
    res.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ ...review, status }));
  }

  private tokenStatus({ spec: { token = '' } }: Review): object {
    const name = /^token-of-(\w+)/.exec(token)?.[1];
    if (name === undefined || !(name in this.rights))
      return { authenticated: false, error: 'invalid bearer token' };
    const user = {
      username: name,
      uid: `uid-${name}`,
      groups: ['developers', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=1'] },
    };
    return { authenticated: true, user, audiences: ['https://kubernetes.default.svc'] };
  }

  private accessStatus({ spec: { user = '', resourceAttributes } }: Review): object {
    const rights = this.rights[user] ?? [];
    const allowed = rights.includes('') || rights.includes(resourceAttributes?.namespace ?? '');
    return { allowed, ...(!allowed && { reason: 'no RBAC policy matched' }) };
  }
}

const POD =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: web, image: web}]\n';
const IN_TILL = POD.replace('name: web', 'name: web, namespace: till');
const IN_SECRET = POD.replace('name: web', 'name: web, namespace: secret');

/** Words of policies, rules and paths, which nobody without the right may read. */
const TOLD = /restricted|baseline|runAs|api\/policies|securityContext/;

describe('access to the preview in a cluster', () => {
  let reviews: ReviewServer;
  let client: KubeApiClient;
  let listener: PreviewListener;
  let logger: RecordingLogger;
  let now: number;
  let port: number;

  beforeEach(async () => {
    reviews = new ReviewServer();
    client = await reviews.start();
    logger = new RecordingLogger();
    now = 0;
    const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
    const { cert, key } = await servingPair();
    listener = new PreviewListener({
      tls: { cert: Buffer.from(cert), key: Buffer.from(key), begins: 0, expires: Infinity },
      access: new ClusterPreviewAccess({ api: client, logger, clock: () => now }),
      // Says nothing where there is somebody to ask.
      insecure: true,
      loadRoutes: () => Promise.resolve(previewRoutes({ plans, policies: () => BUILTIN_POLICIES })),
      metrics: new Metrics({ version: 'test' }),
      logger,
    });
    await listener.listener.listen({ host: '127.0.0.1', port: 0 });
    ({ port } = listener.listener.address);
  });
  afterEach(() => {
    listener.listener.close();
    client.close();
    reviews.close();
    expect(logger.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });

  const ask = (path: string, user?: string, options: Call = {}): Promise<Reply> =>
    call(port, path, {
      method: options.body === undefined ? 'GET' : 'POST',
      ...options,
      headers: {
        ...(options.body !== undefined && { 'content-type': 'application/yaml' }),
        ...(user !== undefined && { authorization: `Bearer token-of-${user}` }),
      },
    });
  const detailOf = ({ text }: Reply): string => (JSON.parse(text) as { detail: string }).detail;

  it('asks the API server as its own extension servers do, with all that it said of the caller', async () => {
    const reply = await ask('/preview?namespace=shop', 'jane', { body: POD });
    expect(reply.status).to.equal(200);
    expect(reply.text).to.include('"namespace":"shop"');
    expect(reviews.asked).to.deep.equal([
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token: 'token-of-jane' },
      },
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'jane',
          uid: 'uid-jane',
          groups: ['developers', 'system:authenticated'],
          extra: { 'authentication.kubernetes.io/credential-id': ['JTI=1'] },
          resourceAttributes: {
            group: 'kube-harden.io',
            resource: 'previews',
            verb: 'create',
            namespace: 'shop',
          },
        },
      },
    ]);
  });

  describe('a caller who is not known', () => {
    const requests: readonly [method: string, path: string][] = [
      ['POST', '/preview'],
      ['GET', '/preview'],
      ['POST', '/preview?policy=none&nonsense=1'],
      ['GET', '/api/policies'],
      ['GET', '/api/rules?namespace=shop'],
      ['DELETE', '/api/rules'],
      ['GET', '/'],
      ['GET', '/nowhere'],
    ];
    const headers: readonly { it: string; authorization?: string; challenge: string; asks: boolean }[] = [
      { it: 'no token', challenge: 'Bearer realm="kube-harden"', asks: false },
      {
        it: 'an empty token',
        authorization: 'Bearer ',
        challenge: 'Bearer realm="kube-harden"',
        asks: false,
      },
      {
        it: 'two tokens',
        authorization: 'Bearer token-of-jane token-of-admin',
        challenge: 'Bearer realm="kube-harden"',
        asks: false,
      },
      {
        it: 'another scheme',
        authorization: 'Basic dG9rZW4tb2YtamFuZQ==',
        challenge: 'Bearer realm="kube-harden"',
        asks: false,
      },
      {
        it: 'a token that is not valid',
        authorization: 'Bearer forged',
        challenge: 'Bearer realm="kube-harden", error="invalid_token"',
        asks: true,
      },
    ];
    for (const { it: what, authorization, challenge, asks } of headers) {
      it(`with ${what} learns nothing but 401, whatever is asked`, async () => {
        const texts = new Set<string>();
        for (const [method, path] of requests) {
          const reply = await call(port, path, {
            method,
            headers: authorization === undefined ? {} : { authorization },
          });
          expect(reply.status, path).to.equal(401);
          expect(reply.headers['www-authenticate']).to.equal(challenge);
          expect(reply.headers['content-type']).to.equal('application/problem+json');
          expect(reply.headers).not.to.have.property('allow');
          texts.add(reply.text);
        }
        expect([...texts]).to.have.length(1);
        expect(reviews.takeAsked()).to.have.length(asks ? requests.length : 0);
      });
    }
  });

  describe('a body', () => {
    const head = (authorization: string, query = ''): string =>
      `POST /preview${query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/yaml\r\n` +
      `Content-Length: ${POD.length}\r\nAuthorization: ${authorization}\r\nExpect: 100-continue\r\n\r\n`;

    const refused: readonly [who: string, authorization: string, status: string][] = [
      ['a stranger', 'Bearer forged', 'HTTP/1.1 401 '],
      ['a user without the right', 'Bearer token-of-stranger', 'HTTP/1.1 403 '],
    ];
    for (const [who, authorization, status] of refused) {
      it(`is not asked for from ${who}`, async () => {
        const connection = await RawConnection.open(port);
        connection.write(head(authorization));
        expect(await connection.untilClosed()).to.match(new RegExp(`^${status}`));
      });
    }

    it('is asked for once its sender may send it', async () => {
      const connection = await RawConnection.open(port);
      connection.write(head('Bearer token-of-jane', '?namespace=shop'));
      expect(await connection.until(/\r\n\r\n/)).to.equal('HTTP/1.1 100 Continue\r\n\r\n');
      connection.write(POD);
      expect(await connection.until(/"results"/)).to.include('HTTP/1.1 200 OK');
      connection.destroy();
    });
  });

  const authorizations: readonly {
    it: string;
    path: string;
    user: string;
    body?: string;
    status: number;
    /** Of the access reviews. */
    namespaces: readonly string[];
    where?: string;
  }[] = [
    {
      it: 'the namespace of the query',
      path: '/preview?namespace=shop',
      user: 'jane',
      body: POD,
      status: 200,
      namespaces: ['shop'],
    },
    {
      it: 'default where nothing is named',
      path: '/preview',
      user: 'jane',
      body: POD,
      status: 403,
      namespaces: ['default'],
      where: 'namespace "default"',
    },
    {
      it: 'each namespace that an object names',
      path: '/preview?namespace=shop',
      user: 'jane',
      body: `${POD}---\n${IN_TILL}`,
      status: 200,
      namespaces: ['shop', 'till'],
    },
    {
      it: 'all of them before the first is told of',
      path: '/preview?namespace=shop',
      user: 'jane',
      body: `${POD}---\n${IN_SECRET}`,
      status: 403,
      namespaces: ['shop', 'secret'],
      where: 'namespace "secret"',
    },
    {
      it: 'the namespace before the names of the policies',
      path: '/preview?namespace=secret&policy=unknown',
      user: 'jane',
      body: POD,
      status: 403,
      namespaces: ['secret'],
      where: 'namespace "secret"',
    },
    {
      it: 'the namespace of the query for the policies',
      path: '/api/policies?namespace=till',
      user: 'jane',
      status: 200,
      namespaces: ['till'],
    },
    {
      it: 'all namespaces for the policies where none is named',
      path: '/api/policies',
      user: 'jane',
      status: 403,
      namespaces: [''],
      where: 'all namespaces',
    },
    {
      it: 'all namespaces, and who may in all of them',
      path: '/api/rules',
      user: 'admin',
      status: 200,
      namespaces: [''],
    },
    {
      it: 'an empty name as all namespaces',
      path: '/api/policies?namespace=',
      user: 'jane',
      status: 403,
      namespaces: [''],
      where: 'all namespaces',
    },
    {
      it: 'all namespaces for a path that does not exist',
      path: '/nowhere',
      user: 'jane',
      status: 403,
      namespaces: [''],
      where: 'all namespaces',
    },
    {
      it: 'the namespace before a method is refused',
      path: '/preview?namespace=secret',
      user: 'jane',
      status: 403,
      namespaces: ['secret'],
      where: 'namespace "secret"',
    },
    {
      it: 'all namespaces for a path that does not exist, and says so to who may ask',
      path: '/nowhere',
      user: 'admin',
      status: 404,
      namespaces: [''],
    },
    {
      it: 'nothing where the query names two',
      path: '/api/policies?namespace=shop&namespace=secret',
      user: 'jane',
      status: 400,
      namespaces: [],
    },
  ];
  for (const { it: what, path, user, body, status, namespaces, where } of authorizations) {
    it(`asks for ${what}: ${status}`, async () => {
      const reply = await ask(path, user, body === undefined ? {} : { body });
      expect(reply.status).to.equal(status);
      expect(reviews.takeAsked()).to.deep.equal([
        `TokenReview token-of-${user}`,
        ...namespaces.map((namespace) => `SubjectAccessReview ${namespace}`),
      ]);
      if (where === undefined) return;
      const detail = detailOf(reply);
      expect(detail).to.include(`user "${user}" cannot create previews.kube-harden.io in ${where};`);
      expect(detail).to.include('ClusterRole kube-harden-preview');
      expect(reply.text).not.to.match(TOLD);
      expect(reply.headers).not.to.have.property('allow');
    });
  }

  describe('an answer', () => {
    it('is believed for ten seconds, for this token and this namespace only', async () => {
      const shop = '/api/policies?namespace=shop';
      expect((await ask(shop, 'jane')).status).to.equal(200);
      expect(reviews.takeAsked()).to.have.length(2);
      now = 9_999;
      reviews.rights = {};
      expect((await ask(shop, 'jane')).status).to.equal(200);
      expect(reviews.takeAsked()).to.deep.equal([]);
      expect((await ask('/api/policies?namespace=till', 'jane')).status).to.equal(403);
      expect(reviews.takeAsked()).to.deep.equal(['SubjectAccessReview till']);
      expect((await ask(shop, 'jane-of-another-token')).status).to.equal(401);
      reviews.takeAsked();
      now = 10_000;
      expect((await ask(shop, 'jane')).status).to.equal(401);
      expect(reviews.takeAsked()).to.deep.equal(['TokenReview token-of-jane']);
    });

    it('that withdraws the right holds after ten seconds', async () => {
      expect((await ask('/api/rules?namespace=shop', 'jane')).status).to.equal(200);
      reviews.rights = { jane: [] };
      now = 10_000;
      expect((await ask('/api/rules?namespace=shop', 'jane')).status).to.equal(403);
    });

    it('of no is not kept: a right that has just been given holds', async () => {
      expect((await ask('/api/rules?namespace=shop', 'stranger')).status).to.equal(403);
      expect((await ask('/api/rules?namespace=shop', 'newcomer')).status).to.equal(401);
      reviews.rights = { stranger: ['shop'], newcomer: ['shop'] };
      expect((await ask('/api/rules?namespace=shop', 'stranger')).status).to.equal(200);
      expect((await ask('/api/rules?namespace=shop', 'newcomer')).status).to.equal(200);
    });

    it('that is on its way is shared', async () => {
      const replies = await Promise.all(
        Array.from({ length: 10 }, () => ask('/api/rules?namespace=shop', 'jane')),
      );
      expect(replies.map(({ status }) => status)).to.deep.equal(Array.from({ length: 10 }, () => 200));
      expect(reviews.takeAsked()).to.deep.equal(['TokenReview token-of-jane', 'SubjectAccessReview shop']);
    });
  });

  const failures: readonly [what: string, instead: (res: ServerResponse) => void][] = [
    ['cuts the connection', (res) => res.destroy()],
    ['fails', (res) => res.writeHead(500).end('{"kind":"Status","message":"etcd is gone","code":500}')],
    ['refuses us', (res) => res.writeHead(403).end('{"kind":"Status","message":"tokenreviews","code":403}')],
    ['says nothing of use', (res) => res.writeHead(201).end('{"kind":"TokenReview"}')],
    ['says something that is no JSON', (res) => res.writeHead(201).end('<html>')],
  ];
  for (const [what, instead] of failures) {
    it(`lets nobody in while the API server ${what}, says when to come again, and logs it once`, async () => {
      reviews.instead = instead;
      for (const user of ['jane', 'admin']) {
        const reply = await ask('/api/rules?namespace=shop', user);
        expect(reply.status).to.equal(503);
        expect(reply.headers['retry-after']).to.equal('5');
        expect(reply.text).not.to.match(/etcd|tokenreviews/);
      }
      const lines = logger.lines.filter(({ level }) => level === 'warn');
      expect(lines).to.have.length(1);
      expect(lines[0]?.fields).to.include({ resource: 'tokenreviews' }).and.have.property('error');
      reviews.instead = undefined;
      expect((await ask('/api/rules?namespace=shop', 'jane')).status).to.equal(200);
      reviews.instead = (res, { kind }) =>
        kind === 'TokenReview' ? res.destroy() : expect.fail('asked without knowing whom for');
      expect((await ask('/api/rules?namespace=shop', 'admin')).status).to.equal(503);
      expect(logger.lines.filter(({ level }) => level === 'warn')).to.have.length(2);
    });
  }

  it('lets nobody in while only access reviews fail', async () => {
    expect((await ask('/api/rules?namespace=shop', 'jane')).status).to.equal(200);
    reviews.instead = (res) => res.writeHead(500).end('{}');
    expect((await ask('/api/rules?namespace=till', 'jane')).status).to.equal(503);
    // What was found out a moment ago still holds.
    expect((await ask('/api/rules?namespace=shop', 'jane')).status).to.equal(200);
  });

  it('sends callers beyond 64 at a time away, so that a flood of tokens does not pile up', async () => {
    const held: ServerResponse[] = [];
    reviews.instead = (res) => held.push(res);
    const replies = Array.from({ length: 70 }, (_, index) => ask('/api/rules', `nobody${index}`));
    // Nothing is answered while the API server holds the others.
    const early = await Promise.any(replies);
    expect(early).to.include({ status: 503 });
    expect(early.headers['retry-after']).to.equal('1');
    reviews.instead = undefined;
    for (const res of held) res.writeHead(500).end();
    const statuses = (await Promise.all(replies)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 503).length).to.be.at.least(6);
    expect(statuses.every((status) => status === 503 || status === 401)).to.equal(true);
    expect((await ask('/api/rules?namespace=shop', 'jane')).status).to.equal(200);
  });
});
