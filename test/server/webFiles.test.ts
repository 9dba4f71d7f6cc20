import { expect } from 'chai';
import express from 'express';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { request } from 'node:https';
import { ProblemError } from '../../src/preview/problem.js';
import { PreviewListener } from '../../src/server/previewListener.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { authority, servingPair, temporaryFolder } from '../system/support/certificates.js';
import { call, type Call, type Reply } from '../system/support/clients.js';
import { RecordingLogger } from '../system/support/testServers.js';

const PAGE = `<!doctype html><title>the page</title>${' '.repeat(500)}`;
const SCRIPT = 'const it = "runs";\n'.repeat(50);

describe('the files of the preview page', () => {
  const listeners: PreviewListener[] = [];
  let port = 0;

  /** As in a cluster, where nobody is let in without a token. */
  async function listen(pageFolder: URL): Promise<number> {
    const { cert, key } = await servingPair();
    const listener = new PreviewListener({
      tls: { cert: Buffer.from(cert), key: Buffer.from(key), begins: 0, expires: Infinity },
      loadRoutes: () => Promise.resolve(express.Router()),
      access: {
        authenticate: () => Promise.reject(new ProblemError(401, 'send a bearer token')),
        authorize: () => Promise.resolve(),
      },
      insecure: false,
      pageFolder,
      metrics: new Metrics({ version: 'test' }),
      logger: new RecordingLogger(),
    });
    listeners.push(listener);
    await listener.listener.listen({ host: '127.0.0.1', port: 0 });
    return listener.listener.address.port;
  }

  before(async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'index.html'), PAGE);
    writeFileSync(join(folder, 'assets', 'main-ABC.js'), SCRIPT);
    writeFileSync(join(folder, 'secret.txt'), 'not of the page');
    port = await listen(pathToFileURL(`${folder}/`));
  });
  after(() => {
    for (const { listener } of listeners) listener.close();
  });

  const ask = (path: string, options?: Call): Promise<Reply> => call(port, path, options);

  it('are served without a token, where everything else asks for one', async () => {
    const page = await ask('/');
    expect(page.status).to.equal(200);
    expect(page.text).to.equal(PAGE);
    expect(page.headers).to.include({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
    });
    const script = await ask('/assets/main-ABC.js');
    expect(script.text).to.equal(SCRIPT);
    expect(script.headers).to.include({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect((await ask('/?from=a-bookmark')).status).to.equal(200);
    for (const path of [
      '/api/rules',
      '/preview',
      '/assets/other.js',
      '/assets/',
      '/assets/../secret.txt',
      '/secret.txt',
      '/index.html',
    ]) {
      expect((await ask(path)).status, path).to.equal(401);
    }
    expect((await ask('/', { method: 'POST', body: 'x' })).status).to.equal(401);
  });

  it('carry headers that keep the page to itself', async () => {
    for (const path of ['/', '/assets/main-ABC.js']) {
      const { headers } = await ask(path);
      expect(headers['content-security-policy']).to.match(
        /^default-src 'none'; script-src 'self'; style-src 'self';/,
      );
      expect(headers['content-security-policy'])
        .to.include("frame-ancestors 'none'")
        .and.include("base-uri 'none'")
        .and.include("form-action 'none'")
        .and.not.include('unsafe');
      expect(headers).to.include({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    }
  });

  it('answer HEAD, and 304 to who has the file already', async () => {
    const head = await ask('/', { method: 'HEAD' });
    expect(head.text).to.equal('');
    expect(head.headers['content-length']).to.equal(`${PAGE.length}`);
    const etag = head.headers.etag ?? '';
    expect(etag).to.match(/^"[\w-]{22}"$/);
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await ask('/', { headers: { 'if-none-match': tag } });
      expect(again.status, tag).to.equal(304);
      expect(again.text).to.equal('');
      expect(again.headers.etag).to.equal(etag);
    }
    expect((await ask('/', { headers: { 'if-none-match': '"other"' } })).status).to.equal(200);
  });

  for (const [header, isZipped] of [
    ['gzip, deflate, br', true],
    ['br;q=1, GZIP;q=0.5', true],
    ['*', true],
    ['gzip;q=0', false],
    ['gzip;q=0.0, br', false],
    ['br', false],
    ['', false],
  ] as const) {
    it(`are ${isZipped ? 'compressed' : 'sent as they are'} for Accept-Encoding: ${header}`, async () => {
      const { headers, body } = await bytes(port, '/assets/main-ABC.js', header);
      expect(headers['content-encoding']).to.equal(isZipped ? 'gzip' : undefined);
      expect(headers.vary).to.equal('accept-encoding');
      expect(headers.etag?.endsWith('-gzip"')).to.equal(isZipped);
      expect((isZipped ? gunzipSync(body) : body).toString()).to.equal(SCRIPT);
    });
  }

  it('are not there where the page has not been built, and the rest works', async () => {
    const empty = await listen(pathToFileURL(`${temporaryFolder()}/`));
    expect((await call(empty, '/')).status).to.equal(401);
  });
});

function bytes(
  port: number,
  path: string,
  acceptEncoding: string,
): Promise<{ headers: Reply['headers']; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { 'accept-encoding': acceptEncoding };
    const outgoing = request(
      { host: '127.0.0.1', port, path, ca: authority.cert, agent: false, headers },
      (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () => resolve({ headers: res.headers, body: Buffer.concat(chunks) }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
