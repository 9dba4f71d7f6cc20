import { expect } from 'chai';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../src/cli/commandError.js';
import { runScan, type ScanFlags } from '../../src/cli/scan.js';
import { ScanProgress } from '../../src/cli/scanProgress.js';
import { matchesLabels } from '../../src/cli/scanSelector.js';
import { parseLabelSelector } from '../../src/cli/labelSelector.js';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { ApiError } from '../../src/cluster/apiError.js';
import type { ScanReport } from '../../src/scan/report.js';
import { FakeCluster, listed, namespace, templated, type Objects } from '../scan/fakeCluster.js';

describe('kube-harden scan', () => {
  let folder = '';
  let servers: Server[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-scan-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const server of servers) server.close();
    servers = [];
  });

  /** A kubeconfig for an API server that answers so. */
  async function kubeconfigFor(
    answer: (path: string, query: URLSearchParams) => Promise<ApiObject>,
  ): Promise<string> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://127.0.0.1');
      answer(url.pathname, url.searchParams).then(
        (body) => response.end(JSON.stringify(body)),
        (error: unknown) => {
          const { status, message } = error as ApiError;
          response.writeHead(status).end(JSON.stringify({ kind: 'Status', code: status, message }));
        },
      );
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return kubeconfigAt((server.address() as AddressInfo).port);
  }

  function kubeconfigAt(port: number): string {
    const path = join(folder, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'u', user: { token: 'a' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
      'current-context': 'x',
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  async function clusterOf(objects: Objects, refuses?: (path: string) => boolean): Promise<string> {
    const cluster = new FakeCluster({ namespaces: [namespace('shop')], ...objects }, refuses);
    return kubeconfigFor((path, query) => cluster.request('GET', path, { query: Object.fromEntries(query) }));
  }

  async function run(
    flags: ScanFlags,
    showsProgress = false,
  ): Promise<{ status: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const status = await runScan(flags, {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      stdin: () => Promise.reject(new Error('nothing is read')),
      colour: false,
      showsProgress,
    });
    return { status, out, err };
  }

  describe('ends with', () => {
    const WEB = { deployments: [listed('Deployment', 'web', templated(1))] };
    const TABLE: readonly (readonly [
      status: number,
      what: string,
      objects: Objects,
      flags: ScanFlags,
      refuses?: (path: string) => boolean,
    ])[] = [
      [0, 'nothing to do', {}, {}],
      [1, 'changes', WEB, {}],
      [0, 'changes, with --fail-on violation', WEB, { failOn: 'violation' }],
      [1, 'changes that may break programs, with --fail-on risk', WEB, { failOn: 'risk' }],
      [2, 'a partial answer', WEB, {}, (path) => path.endsWith('/pods')],
      [2, 'a partial answer with nothing to do', {}, {}, (path) => path.endsWith('/pods')],
    ];
    for (const [status, what, objects, flags, refuses] of TABLE) {
      it(`${status}: ${what}`, async () => {
        const kubeconfig = await clusterOf(objects, refuses);
        const result = await run({ kubeconfig, ...flags });
        expect(result.status).to.equal(status);
        expect(result.err).to.equal(
          status === 2
            ? 'warning: namespace shop: no pods may be read: no rights: /api/v1/namespaces/shop/pods\n'
            : '',
        );
      });
    }
  });

  it("looks into the context's namespace, those that are named, or all", async () => {
    const kubeconfig = await clusterOf({
      namespaces: [namespace('shop'), namespace('billing'), namespace('web')],
    });
    const names = async (flags: ScanFlags): Promise<string[]> => {
      const { out } = await run({ kubeconfig, output: 'json', ...flags });
      return (JSON.parse(out) as ScanReport).namespaces.map(({ name }) => name);
    };
    expect(await names({})).to.deep.equal(['shop']);
    expect(await names({ namespace: ['web', 'billing', 'web'] })).to.deep.equal(['billing', 'web']);
    expect(await names({ allNamespaces: true })).to.deep.equal(['billing', 'shop', 'web']);
  });

  it('takes policies from a file, over those of the cluster', async () => {
    const file = join(folder, 'policy.yaml');
    writeFileSync(
      file,
      'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: mine}\nspec: {rules: {resources: {action: Disabled}}}\n',
    );
    const kubeconfig = await clusterOf({ deployments: [listed('Deployment', 'web', templated(1))] });
    const { out } = await run({ kubeconfig, output: 'json', policy: 'mine', policyFile: file });
    const [shop] = (JSON.parse(out) as ScanReport).namespaces;
    expect([shop?.policy, shop?.added]).to.deep.equal(['mine', {}]);
  });

  for (const output of ['table', 'json', 'yaml', 'markdown', 'sarif', 'policyreport'] as const) {
    it(`-o ${output} prints something about every workload`, async () => {
      const kubeconfig = await clusterOf({ deployments: [listed('Deployment', 'web', templated(1))] });
      const { out, err } = await run({ kubeconfig, output });
      expect(out).to.include('web');
      expect(err).to.equal('');
    });
  }

  describe('what is wrong is one line, and exit 2', () => {
    async function refused(flags: ScanFlags): Promise<string> {
      const error: unknown = await run(flags).catch((thrown: unknown) => thrown);
      if (!(error instanceof CommandError)) throw error;
      expect([error.exitCode, error.lines.length]).to.deep.equal([2, 1]);
      return error.lines[0] ?? '';
    }

    it('-n and -A together', async () =>
      expect(await refused({ namespace: ['shop'], allNamespaces: true })).to.match(
        /^-n and -A contradict each other/,
      ));

    it('a selector that is none', async () =>
      expect(await refused({ selector: 'app=a=b' })).to.match(/^--selector: "app=a=b" is not of the form/));

    it("what is no namespace's name", async () =>
      expect(await refused({ namespace: ['Shop'] })).to.match(
        /^--namespace: "Shop" is not a namespace's name/,
      ));

    it('a policy file that is not there', async () =>
      expect(await refused({ policyFile: '/nowhere.yaml' })).to.equal(
        '--policy-file: /nowhere.yaml: there is no such file or folder',
      ));

    it('a policy that is not there', async () =>
      expect(await refused({ kubeconfig: await clusterOf({}), policy: 'restrictd' })).to.match(
        /^--policy: "restrictd" is not one of baseline, default, restricted; did you mean "restricted"\?$/,
      ));

    it('a namespace that is not there', async () =>
      expect(await refused({ kubeconfig: await clusterOf({}), namespace: ['nowhere'] })).to.equal(
        '--namespace: there is no namespace "nowhere"',
      ));

    it('a context that is not there', async () =>
      expect(await refused({ kubeconfig: await clusterOf({}), context: 'nowhere' })).to.match(
        /there is no context "nowhere"; it has x$/,
      ));

    it('credentials that have expired', async () => {
      const kubeconfig = await kubeconfigFor(() => Promise.reject(new ApiError(401, 'Unauthorized')));
      expect(await refused({ kubeconfig })).to.match(/does not know these credentials.*log in again/);
    });

    it('a cluster that cannot be reached', async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      expect(await refused({ kubeconfig: kubeconfigAt(port) })).to.match(
        /cannot be reached: nothing listens there/,
      );
    });

    it('an API server that fails half way, of which nothing is printed', async () => {
      const cluster = new FakeCluster({ namespaces: [namespace('shop')] });
      const kubeconfig = await kubeconfigFor((path) =>
        path.endsWith('/pods')
          ? Promise.reject(new ApiError(500, 'etcd is gone'))
          : cluster.request('GET', path),
      );
      expect(await refused({ kubeconfig })).to.match(/etcd is gone$/);
    });

    it('a full disk', async () => {
      const kubeconfig = await clusterOf({});
      const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
      const error: unknown = await runScan(
        { kubeconfig },
        {
          stdout: () => Promise.reject(full),
          stderr: () => undefined,
          stdin: () => Promise.reject(new Error('nothing is read')),
          colour: false,
          showsProgress: false,
        },
      ).catch((thrown: unknown) => thrown);
      expect(error)
        .to.be.instanceOf(CommandError)
        .and.to.have.property('message', 'standard output: no space is left on the disk');
    });
  });

  it('shows on a terminal how far it is, and takes it away again', async () => {
    const kubeconfig = await clusterOf({ deployments: [listed('Deployment', 'web', templated(1))] });
    const { err } = await run({ kubeconfig }, true);
    expect(err).to.match(/^\r\[#{20}\] deployments 1\/1/);
    expect(err).to.match(/\r +\r$/);
  });

  it('writes each line over the one before, some times a second', () => {
    let [err, now] = ['', 0];
    const progress = new ScanProgress(
      { stderr: (text) => void (err += text), showsProgress: true },
      () => now,
    );
    progress.show('deployments', 500, 500);
    progress.show('deployments', 600, 400);
    now += 100;
    progress.show('pods', 1, undefined);
    expect(err).to.equal(
      '\r[##########..........] deployments 500/1000\r[####################] pods 1/1            ',
    );
  });

  it('selects as the API server does', () => {
    for (const [selector, labels, selected] of [
      ['app=web', { app: 'web' }, true],
      ['app=web', {}, false],
      ['app!=web', {}, true],
      ['app notin (web)', { app: 'web' }, false],
      ['app in (a,web),!legacy', { app: 'web' }, true],
      ['!app', { app: '' }, false],
      ['app', { app: '' }, true],
      ['app', undefined, false],
    ] as const)
      expect(matchesLabels(parseLabelSelector(selector, '-l'), labels), selector).to.equal(selected);
  });
});
