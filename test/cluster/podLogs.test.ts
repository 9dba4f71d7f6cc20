import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError } from '../../src/cluster/apiError.js';
import { KubeApiClient } from '../../src/cluster/apiClient.js';
import { LogTail } from '../../src/cluster/logTail.js';
import { readPodLog } from '../../src/cluster/podLogs.js';

const MIB = 1024 * 1024;
const NAME = { namespace: 'shop', pod: 'web-0', container: 'app', previous: false };

describe('the end of a log', () => {
  const tailOf = (chunks: readonly string[], lines = 3, lineBytes = 20): ReturnType<LogTail['end']> => {
    const tail = new LogTail({ lines, lineBytes });
    for (const chunk of chunks) tail.push(Buffer.from(chunk));
    return tail.end();
  };

  const TABLE: readonly (readonly [
    what: string,
    chunks: readonly string[],
    lines: readonly string[],
    cut: boolean,
  ])[] = [
    ['nothing', [], [], false],
    ['a line without its end', ['one'], ['one'], false],
    ['lines in pieces', ['on', 'e\nt', 'wo\n'], ['one', 'two'], false],
    ['an empty line', ['one\n\ntwo\n'], ['one', '', 'two'], false],
    ['lines of another system', ['one\r\ntwo\r\n'], ['one', 'two'], false],
    ['more lines than are kept', ['1\n2\n3\n4\n5\n'], ['3', '4', '5'], true],
    ['a line as long as is kept', ['0123456789abcdefghij\n'], ['0123456789abcdefghij'], false],
    [
      'a longer line, of which whole words are kept',
      ['start of a long line and its end\n'],
      ['start of  ...  its end'],
      true,
    ],
    ['a longer line without words', ['x'.repeat(50)], [' ... '], true],
    [
      'a longer line in pieces',
      ['start of a ', 'long line ', 'and its end'],
      ['start of  ...  its end'],
      true,
    ],
    ['a character that stands on two pieces', ['ä'.repeat(10)], ['ä'.repeat(10)], false],
  ];
  for (const [what, chunks, lines, cut] of TABLE) {
    it(`is kept of ${what}`, () => {
      expect(tailOf(chunks)).to.deep.equal({ lines, cut });
    });
  }
});

describe('readPodLog', function () {
  this.timeout(60_000);
  let server: Server;
  let api: KubeApiClient;
  let answer: (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;
  const asked: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      answer(request, response, new URL(request.url ?? '', 'http://x').searchParams);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    asked.length = 0;
    const config = new KubeConfig();
    const { port } = server.address() as AddressInfo;
    config.loadFromClusterAndUser(
      { name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'test', token: 'a-token' },
    );
    api = new KubeApiClient(config, { headers: { 'Impersonate-User': 'jane' } });
  });
  afterEach(() => {
    api.close();
    server.closeAllConnections();
  });
  after(() => server.close());

  /** Writes text again and again, as long as somebody reads; resolves with how much it was. */
  async function pour(response: ServerResponse, text: string, bytes: number): Promise<number> {
    const chunk = Buffer.from(text);
    let written = 0;
    while (written < bytes && !response.destroyed) {
      written += chunk.length;
      if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    response.end();
    return written;
  }

  /** By how much memory grows while something is done, at most. */
  async function memoryOf(work: () => Promise<unknown>): Promise<number> {
    const used = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;
    globalThis.gc?.();
    const before = used();
    let most = before;
    const timer = setInterval(() => (most = Math.max(most, used())), 5);
    await work();
    clearInterval(timer);
    return most - before;
  }

  it('asks as who it is for the last lines of that container, and gives them', async () => {
    let headers: IncomingMessage['headers'] = {};
    answer = (request, response) => {
      headers = request.headers;
      response.writeHead(200, { 'content-type': 'text/plain' }).end('one\ntwo\n');
    };
    expect(await readPodLog(api, { ...NAME, previous: true })).to.deep.equal({
      lines: ['one', 'two'],
      cut: false,
    });
    expect(asked).to.deep.equal([
      '/api/v1/namespaces/shop/pods/web-0/log?container=app&tailLines=200&limitBytes=4194304&previous=true',
    ]);
    expect(headers).to.include({
      authorization: 'Bearer a-token',
      'impersonate-user': 'jane',
      'user-agent': 'kube-harden',
    });
  });

  it('stops at its bound where a server pours out 1 GiB, whatever was asked for, in little memory', async () => {
    const poured: Promise<number>[] = [];
    answer = (_request, response) =>
      void poured.push(pour(response, `${'line '.repeat(20)}\n`.repeat(600), 1024 * MIB));
    const memory = await memoryOf(async () => {
      const { lines, cut } = await readPodLog(api, NAME);
      expect([lines.length, cut]).to.deep.equal([10, true]);
    });
    const sizes = await Promise.all(poured);
    console.log(
      `      poured ${sizes.map((size) => Math.round(size / MIB)).join(' and ')} MiB, memory grew by ${Math.round(memory / MIB)} MiB`,
    );
    expect(Math.max(...sizes)).to.be.below(32 * MIB);
    expect(memory).to.be.below(64 * MIB);
  });

  it('keeps beginning and end of lines of 64 KiB', async () => {
    const line = `open /data/x ${'filler '.repeat(9362)} Read-only file system`;
    answer = (_request, response) => void pour(response, `${line}\n`, 40 * line.length);
    const { lines, cut } = await readPodLog(api, NAME);
    expect([lines.length, cut]).to.deep.equal([40, true]);
    for (const each of lines) {
      expect(each).to.match(/^open \/data\/x .* Read-only file system$/);
      expect(each.length).to.be.below(2100);
    }
  });

  it('asks again for fewer lines where the bytes ran out before the end', async () => {
    // As the kubelet does it: the limit counts from where the last lines begin.
    const lines = Array.from({ length: 200 }, (_, index) => `${index} ${'x '.repeat(30_000)}`);
    answer = (_request, response, query) => {
      const text = lines.slice(-Number(query.get('tailLines'))).join('\n');
      response.end(text.slice(0, Number(query.get('limitBytes'))));
    };
    const log = await readPodLog(api, NAME);
    expect(log.cut).to.equal(true);
    expect(log.lines.map((line) => line.split(' ')[0])).to.deep.equal([
      '190',
      '191',
      '192',
      '193',
      '194',
      '195',
      '196',
      '197',
      '198',
      '199',
    ]);
    expect(asked).to.have.length(2);
  });

  const never = (): void => undefined;
  const stops = (_request: IncomingMessage, response: ServerResponse): void => void response.write('one\n');
  for (const [what, does] of [
    ['does not answer', never],
    ['stops within its answer', stops],
  ] as const) {
    it(`gives up after its time on a server that ${what}, and says so`, async () => {
      answer = does;
      const error = await readPodLog(api, NAME, 100).catch((reason: unknown) => reason);
      expect(error).to.include({
        code: 'Unreachable',
        message: 'no answer from the API server within 100 ms',
      });
    });
  }

  it('throws what the API server says', async () => {
    answer = (_request, response) =>
      response
        .writeHead(403)
        .end(JSON.stringify({ kind: 'Status', reason: 'Forbidden', message: 'no rights' }));
    const error = await readPodLog(api, NAME).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ApiError).and.to.include({ status: 403, message: 'no rights' });
  });

  it('rejects an answer that is cut short', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('one\n');
      setTimeout(() => response.destroy(), 20);
    };
    const error = await readPodLog(api, NAME).catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'ECONNRESET');
  });
});
