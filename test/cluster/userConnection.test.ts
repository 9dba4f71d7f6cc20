import { expect } from 'chai';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { KubeconfigError } from '../../src/cluster/connection.js';
import { connectAsUser, type UserConnectionOptions } from '../../src/cluster/userConnection.js';
import { temporaryFolder } from '../system/support/certificates.js';

describe('connectAsUser', () => {
  const folder = temporaryFolder();
  const before_ = { KUBECONFIG: process.env['KUBECONFIG'], HOME: process.env['HOME'] };
  let server: Server;
  let url: string;
  let seen: IncomingHttpHeaders[];

  before(async () => {
    server = createServer((req, res) => {
      seen.push(req.headers);
      res.end('{"kind":"Namespace"}');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    write('one', { context: 'a', server: url, token: 'of-a', namespace: 'shop', current: 'a' });
    write('two', { context: 'b', server: `${url}/b`, token: 'of-b', current: 'b' });
    write('a-again', { context: 'a', server: `${url}/never`, token: 'never', current: 'a' });
    mkdirSync(join(folder, 'home', '.kube'), { recursive: true });
    write(join('home', '.kube', 'config'), { context: 'home', server: url, token: 'h', current: 'home' });
  });
  beforeEach(() => {
    seen = [];
    process.env['HOME'] = join(folder, 'nobody');
    delete process.env['KUBECONFIG'];
  });
  after(() => {
    for (const [name, value] of Object.entries(before_)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    server.closeAllConnections();
    server.close();
  });

  interface File {
    readonly context: string;
    readonly server: string;
    readonly token: string;
    readonly namespace?: string;
    readonly current: string;
  }

  function write(name: string, file: File): void {
    const context = { cluster: file.context, user: file.context, namespace: file.namespace };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': file.current,
      clusters: [{ name: file.context, cluster: { server: file.server } }],
      users: [{ name: file.context, user: { token: file.token } }],
      contexts: [{ name: file.context, context }],
    };
    writeFileSync(path(name), JSON.stringify(config));
  }

  function path(name: string): string {
    return join(folder, name);
  }

  async function wrong(options: UserConnectionOptions): Promise<string> {
    const error: unknown = await connectAsUser(options).then(
      () => new Error('it was taken'),
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(KubeconfigError);
    return (error as Error).message;
  }

  it('takes the file that is given, before KUBECONFIG, before the home folder', async () => {
    process.env['KUBECONFIG'] = path('two');
    process.env['HOME'] = path('home');
    expect(await connectAsUser({ kubeconfig: path('one') })).to.include({
      server: url,
      context: 'a',
      namespace: 'shop',
    });
    expect(await connectAsUser({})).to.include({
      server: `${url}/b`,
      context: 'b',
      namespace: 'default',
    });
    delete process.env['KUBECONFIG'];
    expect(await connectAsUser({})).to.include({ context: 'home' });
  });

  it('merges the files of KUBECONFIG: the first that says something wins, those that are not there are passed over', async () => {
    process.env['KUBECONFIG'] = ['nowhere', 'one', 'two', 'a-again'].map(path).join(delimiter);
    expect(await connectAsUser({})).to.include({ server: url, context: 'a', namespace: 'shop' });
    expect(await connectAsUser({ context: 'b' })).to.include({ server: `${url}/b`, context: 'b' });
  });

  it('sends the token that is given in place of the one in the kubeconfig, to the server that is given', async () => {
    const { api, server: to } = await connectAsUser({
      kubeconfig: path('one'),
      server: `${url}/else/`,
      token: 'given',
    });
    await api.request('GET', '/api');
    expect([to, seen[0]?.authorization]).to.deep.equal([`${url}/else`, 'Bearer given']);
  });

  it('needs no kubeconfig where the server is given', async () => {
    process.env['KUBECONFIG'] = path('nowhere');
    const made = await connectAsUser({ server: url, token: 'given' });
    expect(made).to.include({ server: url, context: undefined, namespace: 'default' });
  });

  it('takes cluster and user of the kubeconfig by name', async () => {
    process.env['KUBECONFIG'] = ['one', 'two'].map(path).join(delimiter);
    const { api, server: to } = await connectAsUser({ cluster: 'a', user: 'b' });
    await api.request('GET', '/api');
    expect([to, seen[0]?.authorization]).to.deep.equal([url, 'Bearer of-b']);
  });

  it('impersonates a user with groups', async () => {
    const { api } = await connectAsUser({
      kubeconfig: path('one'),
      as: 'jane',
      asGroup: ['dev', 'ops'],
      asUid: '7',
    });
    await api.request('GET', '/api');
    expect(seen[0]).to.include({
      'impersonate-user': 'jane',
      'impersonate-group': 'dev, ops',
      'impersonate-uid': '7',
    });
  });

  it('impersonates a name in UTF-8, as kubectl writes it', async () => {
    const { api } = await connectAsUser({ server: url, as: 'Łukasz' });
    await api.request('GET', '/api');
    const sent = String(seen[0]?.['impersonate-user']);
    expect(Buffer.from(sent, 'latin1').toString('utf8')).to.equal('Łukasz');
  });

  it('waits as long as it is told', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { api } = await connectAsUser({ server: at, timeoutMs: 30 });
    const error: unknown = await api.request('GET', '/api').catch((e: unknown) => e);
    expect(error).to.have.property('message', 'no answer from the API server within 30 ms');
    silent.closeAllConnections();
    silent.close();
  });

  it('says what is wrong', async () => {
    expect(await wrong({})).to.equal(
      `there is none: give --kubeconfig FILE, set KUBECONFIG, or make ${path('nobody')}/.kube/config`,
    );
    expect(await wrong({ kubeconfig: path('nowhere') })).to.match(/nowhere: no such file; check the path$/);
    process.env['KUBECONFIG'] = path('nowhere');
    expect(await wrong({})).to.match(/nowhere: no such file; check the path$/);
    const kubeconfig = path('one');
    expect(await wrong({ kubeconfig, context: 'c' })).to.match(/one: there is no context "c"; it has a$/);
    expect(await wrong({ kubeconfig, context: 'c', token: 't' })).to.match(
      /there is no context "c"; it has a$/,
    );
    expect(await wrong({ kubeconfig, user: 'c' })).to.equal('there is no user "c"; it has a');
    expect(await wrong({ kubeconfig, server: 'no url' })).to.match(
      /the cluster's server "no url" is not a URL$/,
    );
    expect(await wrong({ kubeconfig, asGroup: ['dev'] })).to.match(/^--as-group and --as-uid need --as/);
  });
});
