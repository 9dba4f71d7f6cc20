import { expect } from 'chai';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, KubeconfigError } from '../../src/cluster/connection.js';
import { temporaryFolder } from '../system/support/certificates.js';

const GOOD = `apiVersion: v1
kind: Config
current-context: one
clusters:
  - {name: a, cluster: {server: "https://127.0.0.1:1111"}}
  - {name: b, cluster: {server: "https://127.0.0.1:2222"}}
  - {name: c, cluster: {server: "not a url"}}
users: [{name: u, user: {token: t}}]
contexts:
  - {name: one, context: {cluster: a, user: u}}
  - {name: two, context: {cluster: b, user: u}}
  - {name: lost, context: {cluster: nowhere, user: u}}
  - {name: odd, context: {cluster: c, user: u}}
`;

describe('connect', () => {
  const folder = temporaryFolder();
  function file(text: string): string {
    const path = join(folder, 'kubeconfig');
    writeFileSync(path, text);
    return path;
  }

  for (const [context, server] of [
    [undefined, 'https://127.0.0.1:1111'],
    ['two', 'https://127.0.0.1:2222'],
  ] as const) {
    it(`takes ${context ?? 'the current context'}`, async () => {
      const connection = await connect({ kubeconfig: file(GOOD), context });
      expect(connection.server).to.equal(server);
      connection.api.close();
    });
  }

  it('sends the token of the file that tokenFile names, beside the kubeconfig, and what comes to be in it', async () => {
    const asked: unknown[] = [];
    const server = createServer((req, res) => {
      asked.push(req.headers.authorization);
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"kind":"Status"}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(folder, 'token'), 'of-the-file\n');
    const kubeconfig = file(
      GOOD.replace('https://127.0.0.1:1111', `http://127.0.0.1:${port}`)
        .replace('server:', 'insecure-skip-tls-verify: true, server:')
        .replace('{token: t}', '{token: t, tokenFile: token}'),
    );
    const connection = await connect({ kubeconfig });
    await connection.api.request('GET', '/version');
    connection.api.close();
    // Of this file by another connection: what is kept is kept by one.
    writeFileSync(join(folder, 'token'), 'another');
    const later = await connect({ kubeconfig });
    await later.api.request('GET', '/version');
    later.api.close();
    server.close();
    expect(asked).to.deep.equal(['Bearer of-the-file', 'Bearer another']);
  });

  it('says which file holds no token that can be read, once it is needed', async () => {
    const kubeconfig = file(GOOD.replace('{token: t}', '{tokenFile: nowhere}'));
    const { api } = await connect({ kubeconfig });
    const error: unknown = await api.request('GET', '/version').catch((e: unknown) => e);
    api.close();
    expect(String(error)).to.include(join(folder, 'nowhere'));
  });

  const wrong: [name: string, text: string, context: string | undefined, message: RegExp][] = [
    ['nothing in it', '', undefined, /it has no contexts; is it a kubeconfig\?$/],
    ['a word in it', 'hello', undefined, /it has no contexts; is it a kubeconfig\?$/],
    ['other YAML', 'kind: Pod', undefined, /it has no contexts; is it a kubeconfig\?$/],
    ['no YAML', 'a: [', undefined, /cannot be read as a kubeconfig: [^\n]+$/],
    [
      'no current context',
      GOOD.replace(/current-context.*\n/, ''),
      undefined,
      /no current context; give --context$/,
    ],
    ['no such context', GOOD, 'three', /there is no context "three"; it has one, two, lost, odd$/],
    ['a context without a cluster', GOOD, 'lost', /context "lost" names no cluster that is there$/],
    ['a server that is no URL', GOOD, 'odd', /the cluster's server "not a url" is not a URL$/],
  ];
  for (const [name, text, context, message] of wrong) {
    it(`refuses a file with ${name}, and says so`, async () => {
      const error: unknown = await connect({ kubeconfig: file(text), context }).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(KubeconfigError);
      expect((error as Error).message)
        .to.match(message)
        .and.contain(join(folder, 'kubeconfig'));
    });
  }

  for (const [path, message] of [
    ['/nowhere/kubeconfig', /^\/nowhere\/kubeconfig: no such file; check the path$/],
    [folder, /: a folder, not a file$/],
  ] as const) {
    it(`refuses ${path === folder ? 'a folder' : path}`, async () => {
      const error: unknown = await connect({ kubeconfig: path }).catch((e: unknown) => e);
      expect(error).to.have.property('code', 'Kubeconfig');
      expect((error as Error).message).to.match(message);
    });
  }
});
