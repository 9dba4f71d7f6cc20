import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError } from '../../src/cluster/apiError.js';
import { KubeWatchStream } from '../../src/cluster/watchStream.js';
import { authority, servingPair } from '../system/support/certificates.js';
import { eventually } from '../system/support/clients.js';

const PATH = '/api/v1/namespaces';

describe('KubeWatchStream', () => {
  let server: Server;
  let answer: (req: IncomingMessage, res: ServerResponse) => void;

  before(async () => {
    server = createServer(await servingPair(), (req, res) => answer(req, res));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  function stream(): KubeWatchStream {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [
        {
          name: 'test',
          server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
          caData: Buffer.from(authority.cert).toString('base64'),
          skipTLSVerify: false,
        },
      ],
      users: [{ name: 'test', token: 'a-token' }],
      contexts: [{ name: 'test', cluster: 'test', user: 'test' }],
      currentContext: 'test',
    });
    return new KubeWatchStream(config);
  }

  /** The events as `TYPE name`, and how the stream ended. */
  async function follow(
    onEvent: (line: string) => void = () => undefined,
    signal = new AbortController().signal,
  ): Promise<{ events: string[]; error: unknown }> {
    const events: string[] = [];
    const error = await stream()
      .watch(
        PATH,
        { resourceVersion: '7', allowWatchBookmarks: true },
        (type, { metadata }) => {
          const line = `${type} ${metadata?.name ?? '-'}`;
          events.push(line);
          onEvent(line);
        },
        signal,
      )
      .catch((caught: unknown) => caught);
    return { events, error };
  }

  const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
  const named = (name: string): object => ({ metadata: { name } });

  it('hands on events with the credentials and the query given, until the server ends the stream', async () => {
    let asked = '';
    answer = (req, res) => {
      asked = `${req.url ?? ''} ${req.headers.authorization ?? ''}`;
      res.write(line('ADDED', named('a')));
      res.write(line('BOOKMARK', {}));
      res.end(line('MODIFIED', named('b')));
    };
    expect(await follow()).to.deep.equal({
      events: ['ADDED a', 'BOOKMARK -', 'MODIFIED b'],
      error: undefined,
    });
    expect(asked).to.equal(`${PATH}?watch=true&resourceVersion=7&allowWatchBookmarks=true Bearer a-token`);
  });

  it('ends with ApiError 410 on an ERROR event that says the resourceVersion is too old', async () => {
    answer = (_req, res) => {
      const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      res.end(line('ADDED', named('a')) + line('ERROR', gone) + line('ADDED', named('b')));
    };
    const { events, error } = await follow();
    expect(events).to.deep.equal(['ADDED a']);
    expect(error).to.be.instanceOf(ApiError);
    expect(error).to.include({ status: 410, reason: 'Expired', message: 'too old resource version' });
  });

  it('rejects with the HTTP status of a refusal', async () => {
    answer = (_req, res) => res.writeHead(403).end('{}');
    const { error } = await follow();
    expect(error).to.be.instanceOf(ApiError).and.to.include({ status: 403 });
  });

  it('rejects with what the callback throws, and gives it no further event', async () => {
    answer = (_req, res) => void res.write(line('ADDED', named('a')) + line('ADDED', named('b')));
    const { events, error } = await follow(() => {
      throw new Error('a bug');
    });
    expect(events).to.deep.equal(['ADDED a']);
    expect((error as Error).message).to.equal('a bug');
  });

  it('rejects when the connection breaks within a line, without that line', async () => {
    answer = (_req, res) => {
      res.write(line('ADDED', named('a')));
      res.write('{"type":"ADDED","obj', () => setTimeout(() => res.destroy(), 20));
    };
    const { events, error } = await follow();
    expect(events).to.deep.equal(['ADDED a']);
    expect(error).to.be.instanceOf(Error);
  });

  for (const [when, respond] of [
    ['while events flow', (res: ServerResponse) => void res.write(line('ADDED', named('a')))],
    ['before the server has answered', () => undefined],
  ] as const) {
    it(`is stopped by its signal ${when}, and its connection closed`, async () => {
      let closed = false;
      let came = false;
      answer = (req, res) => {
        came = true;
        req.socket.on('close', () => (closed = true));
        respond(res);
      };
      const abort = new AbortController();
      const followed = follow(() => undefined, abort.signal);
      await eventually(() => came);
      abort.abort();
      expect((await followed).error).to.equal(undefined);
      await eventually(() => closed);
    });
  }
});
