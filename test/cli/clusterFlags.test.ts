import { Command } from 'commander';
import { expect } from 'chai';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import {
  addClusterFlags,
  clusterProblem,
  openCluster,
  type ClusterFlags,
} from '../../src/cli/clusterFlags.js';
import { CommandError } from '../../src/cli/commandError.js';
import { servingPair } from '../system/support/certificates.js';

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('the flags that name a cluster', () => {
  it('are read under the names that kubectl has', () => {
    const command = addClusterFlags(new Command('x')).action(() => undefined);
    const words = '--context c --as jane --as-group a --as-group b --insecure-skip-tls-verify -s https://h';
    command.parse(words.split(' '), { from: 'user' });
    expect(command.opts()).to.deep.equal({
      context: 'c',
      as: 'jane',
      asGroup: ['a', 'b'],
      insecureSkipTlsVerify: true,
      server: 'https://h',
    });
  });

  for (const [flags, line] of [
    [{ requestTimeout: 'soon' }, '--request-timeout: "soon" is no duration; write 30s or 1m'],
    [{ kubeconfig: '/nowhere/config' }, 'kubeconfig: /nowhere/config: no such file; check the path'],
  ] as const) {
    it(`are refused: ${JSON.stringify(flags)}`, async () => {
      const error: unknown = await openCluster(flags).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(CommandError);
      expect((error as CommandError).lines).to.deep.equal([line]);
    });
  }

  for (const requestTimeout of ['0', '1000h'])
    it(`with --request-timeout ${requestTimeout} wait for ever`, async () => {
      const server = createServer((_req, res) => void setTimeout(() => res.end('{}'), 50));
      const { api } = await openCluster({
        server: `http://127.0.0.1:${await listening(server)}`,
        requestTimeout,
      });
      expect(await api.request('GET', '/api')).to.deep.equal({});
      api.close();
      server.closeAllConnections();
      server.close();
    });
});

describe('what went wrong with a cluster, in one line', () => {
  async function problem(flags: ClusterFlags): Promise<string> {
    const { api } = await openCluster(flags);
    const error: unknown = await api.request('GET', '/api').catch((e: unknown) => e);
    api.close();
    return clusterProblem(error, 'S');
  }

  const answers: readonly [status: number, body: string, line: RegExp][] = [
    [
      401,
      '{"message":"Unauthorized"}',
      /^S does not know these credentials \(Unauthorized\): they may have expired; log in again$/,
    ],
    [403, '{"message":"pods is forbidden: User \\"u\\""}', /^S forbids it: pods is forbidden: User "u"$/],
    [500, 'gone mad', /^S: gone mad$/],
  ];
  for (const [status, body, line] of answers) {
    it(`an answer of ${status}`, async () => {
      const server = createServer((_req, res) => res.writeHead(status).end(body));
      const url = `http://127.0.0.1:${await listening(server)}`;
      expect(await problem({ server: url })).to.match(line);
      server.close();
    });
  }

  it('a port on which nothing listens, and a name that nobody has', async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await problem({ server: `http://127.0.0.1:${port}` })).to.match(
      /^S cannot be reached: nothing listens there; is the cluster up, and is it the right context\?$/,
    );
    expect(await problem({ server: 'https://nowhere.invalid' })).to.match(/^S cannot be reached: .+/);
  });

  it('a certificate of another CA', async () => {
    const server = createTlsServer(await servingPair());
    const url = `https://127.0.0.1:${await listening(server)}`;
    expect(await problem({ server: url })).to.match(
      /^S: its certificate is not trusted \(.+\); is it the right context or --certificate-authority\?$/,
    );
    server.close();
  });

  it('an answer that does not come, and a connection that is closed', async () => {
    const silent = createServer(() => undefined);
    const url = `http://127.0.0.1:${await listening(silent)}`;
    expect(await problem({ server: url, requestTimeout: '20ms' })).to.equal(
      'S: no answer from the API server within 20 ms',
    );
    silent.closeAllConnections();
    silent.close();
    const rude = createServer((req) => req.socket.destroy());
    expect(await problem({ server: `http://127.0.0.1:${await listening(rude)}` })).to.match(/^S/);
    rude.close();
  });

  it('a token that no header can hold', async () => {
    expect(await problem({ server: 'https://127.0.0.1:1', token: 'a\r' })).to.match(
      /^S was not asked: .*Authorization.*; is there a line break in the token or the name\?$/,
    );
  });

  it('is not said of a bug', () => {
    const bug = new TypeError('x is undefined');
    expect(() => clusterProblem(bug)).to.throw(bug);
  });
});
