import { expect } from 'chai';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { ClusterSource } from '../../src/cluster/clusterSource.js';
import { Exposition } from '../../src/telemetry/exposition.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { withBuiltin } from '../support/policies.js';
import { eventually, pause } from '../system/support/clients.js';
import { ApiServer, json, silence, status } from './support/apiServer.js';
import { LogLines } from './support/logLines.js';

const NAMESPACES = '/api/v1/namespaces';
const RANGES = '/api/v1/limitranges';
const QUOTAS = '/api/v1/resourcequotas';
const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';

function ns(name: string, labels: Record<string, string> = { mode: 'enforce' }): ApiObject {
  const ours = Object.entries(labels).map(([key, value]) => [`kube-harden.io/${key}`, value]);
  const metadata = { name, labels: Object.fromEntries(ours) as Record<string, string> };
  return { apiVersion: 'v1', kind: 'Namespace', metadata };
}

function policy(name: string, generation: number, action: string): ApiObject {
  return {
    apiVersion: 'kube-harden.io/v1alpha1',
    kind: 'HardeningPolicy',
    metadata: { name, uid: name, generation },
    spec: { rules: { sshd: { action } } },
  };
}

function quota(namespace: string): ApiObject {
  return { metadata: { name: 'q', namespace }, spec: { hard: { cpu: '1' } } };
}

describe('ClusterSource', () => {
  let server: ApiServer;
  let source: ClusterSource;
  let logs: LogLines;
  let shown: Exposition;

  beforeEach(async () => {
    server = await ApiServer.start();
    logs = new LogLines();
    const metrics = new Metrics({ version: 'test' });
    shown = new Exposition(metrics);
    for (const path of [RANGES, QUOTAS, POLICIES]) {
      server.putSilently(path, { metadata: { name: 'none' } });
      server.removeSilently(path, 'none');
    }
    server.put(NAMESPACES, ns('shop'));
    source = new ClusterSource({
      connection: server,
      ownNamespace: 'kube-harden',
      identity: 'replica-1',
      basePolicies: () => withBuiltin(),
      metrics,
      logger: logs,
      clock: () => Date.parse('2026-06-01T00:00:00Z'),
      timings: { backOffMs: 4, longestBackOffMs: 20 },
    });
  });
  afterEach(() => {
    source.close();
    server.close();
  });

  async function started(): Promise<void> {
    source.start();
    await eventually(
      () =>
        source.plans.policies.length > 0 &&
        [NAMESPACES, RANGES, QUOTAS, POLICIES].every((path) => server.watching(path) === 1),
    );
  }

  const checks = (): string[] =>
    source.checks.map((one) => {
      const { ok, detail } = one.check();
      return `${ok ? '+' : '-'}${one.name}${detail === undefined ? '' : ` ${detail}`}`;
    });

  const exposition = (): Promise<string> => shown.text();

  it('is ready when all four resources have been read, and decides from them', async () => {
    server.put(QUOTAS, quota('shop'));
    expect(checks()).to.include('-watch-namespaces not read yet');
    await started();
    await eventually(() => checks().every((line) => line.startsWith('+')));
    expect(checks()).to.deep.equal([
      '+watch-namespaces',
      '+watch-limitranges',
      '+watch-resourcequotas',
      '+watch-hardeningpolicies',
    ]);
    expect(await source.plans.planFor('shop', 'enforce')).to.deep.include({
      mode: 'enforce',
      quotas: [{ name: 'q', resources: ['requests.cpu'] }],
    });
    expect(await exposition()).to.contain('kube_harden_watched_objects{resource="namespaces"} 1');
  });

  it('decides nothing while the limits are not known, and says why it is not ready', async () => {
    server.intercept = ({ path }) =>
      path === QUOTAS ? status(403, 'resourcequotas is forbidden') : undefined;
    source.start();
    await eventually(() => checks().filter((line) => line.startsWith('+')).length === 3);
    await eventually(() => checks()[2]?.includes('forbidden') === true);
    expect(checks()[2]).to.equal('-watch-resourcequotas not read yet (resourcequotas is forbidden)');
    expect(() => source.plans.planFor('shop', 'any')).to.throw('not been read yet');
    server.intercept = () => undefined;
    await eventually(() => source.plans.policies.length > 0);
    expect(source.plans.planFor('shop', 'any')).to.include({ mode: 'enforce' });
  });

  it('looks up a namespace that its watch has not told of, with its limits', async () => {
    await started();
    server.putSilently(NAMESPACES, ns('new', { mode: 'audit' }));
    server.intercept = ({ path, method }) =>
      path === `${NAMESPACES}/new/resourcequotas` && method === 'GET'
        ? (res) =>
            res.end(
              JSON.stringify({ items: [{ ...quota('new'), metadata: { name: 'q', namespace: 'new' } }] }),
            )
        : path === `${NAMESPACES}/new/limitranges`
          ? (res) => res.end('{"items":[]}')
          : undefined;
    const plan = await source.plans.planFor('new', 'audit');
    expect(plan).to.deep.include({ mode: 'audit', quotas: [{ name: 'q', resources: ['requests.cpu'] }] });
    expect(source.plans.planFor('new', 'audit')).to.equal(plan);
    expect(await exposition()).to.contain('namespace_lookups_total{reason="unknown",result="ok"} 1');
  });

  for (const [what, path, answer] of [
    [
      'an object that is no Namespace',
      `${NAMESPACES}/new`,
      { metadata: { name: 'new', resourceVersion: '5' } },
    ],
    ['another Namespace', `${NAMESPACES}/new`, ns('shop')],
    ['nothing at all', `${NAMESPACES}/new`, {}],
    ['limits that are no list', `${NAMESPACES}/new/limitranges`, {}],
  ] as const) {
    it(`takes ${what} for no answer to a look-up`, async () => {
      await started();
      server.putSilently(NAMESPACES, ns('new'));
      server.intercept = (request) => (request.path === path ? json(answer) : undefined);
      const error: unknown = await Promise.resolve(source.plans.planFor('new', 'any')).catch(
        (e: unknown) => e,
      );
      expect(error).to.have.property('code', 'PlanUnavailable');
      server.intercept = () => undefined;
      expect(await source.plans.planFor('new', 'any')).to.include({ mode: 'enforce' });
    });
  }

  it('lets nothing of what was known of a stale namespace stand for an answer', async () => {
    server.put(NAMESPACES, ns('behind', { mode: 'audit' }));
    await started();
    server.putSilently(NAMESPACES, ns('behind'));
    server.intercept = ({ path }) => (path === `${NAMESPACES}/behind` ? json({}) : undefined);
    const error: unknown = await Promise.resolve(source.plans.planFor('behind', 'enforce')).catch(
      (e: unknown) => e,
    );
    expect(error).to.have.property(
      'message',
      'namespace "behind" could not be looked up: the API server answered with something else than this Namespace',
    );
  });

  it('fails where a namespace is not there', async () => {
    await started();
    const error: unknown = await Promise.resolve(source.plans.planFor('nope', 'any')).catch(
      (e: unknown) => e,
    );
    expect(error).to.include({ code: 'PlanUnavailable', notFound: true });
  });

  it('puts an edited policy in force; a broken one leaves the last good, a never loaded one fails its namespaces', async () => {
    server.put(NAMESPACES, ns('mine', { mode: 'enforce', policy: 'mine' }));
    await started();
    expect((await source.plans.planFor('mine', 'any')).notices).to.have.length(1);
    server.put(POLICIES, policy('mine', 1, 'Wran'));
    await eventually(async () => (await exposition()).includes('policy_rejected{policy="mine"} 1'));
    expect(() => source.plans.planFor('mine', 'any')).to.throw(/has never loaded: spec\.rules\.sshd\.action/);
    expect(source.plans.planFor('shop', 'any')).to.include({ policy: 'default' });
    const action = (): string | undefined => {
      const plan = source.plans.planFor('mine', 'any');
      return plan instanceof Promise ? undefined : plan.byId.sshd?.action;
    };
    server.put(POLICIES, policy('mine', 2, 'Deny'));
    await eventually(async () => !(await exposition()).includes('policy_rejected{policy="mine"}'));
    expect(action()).to.equal('Deny');
    server.put(POLICIES, policy('mine', 3, 'Wran'));
    await eventually(async () => (await exposition()).includes('policy_rejected{policy="mine"} 1'));
    expect(action()).to.equal('Deny');
    expect(logs.texts).to.deep.equal([
      'error policy rejected',
      'info policy loaded',
      'error policy rejected',
    ]);
    server.remove(POLICIES, 'mine');
    await eventually(async () => !(await exposition()).includes('policy_rejected{policy="mine"}'));
    expect(action()).to.not.equal('Deny');
  });

  it('goes on from what it knows while the API server is away, ready, and tells it', async () => {
    await started();
    server.intercept = () => status(500, 'etcd is gone');
    server.endWatches('cut');
    await eventually(async () =>
      (await exposition()).includes('watch_errors_total{resource="namespaces"} 2'),
    );
    expect(source.plans.planFor('shop', 'enforce')).to.include({ mode: 'enforce' });
    const lookUp: unknown = await Promise.resolve(source.plans.planFor('new', 'any')).catch(
      (e: unknown) => e,
    );
    expect(lookUp).to.have.property('message', 'namespace "new" could not be looked up: etcd is gone');
    expect(checks().every((line) => line.startsWith('+'))).to.equal(true);
    server.intercept = () => undefined;
    server.putSilently(NAMESPACES, ns('late'));
    await eventually(() => checks().join().split('+watch').length === 5 && server.watching(NAMESPACES) === 1);
  });

  it('close ends every watch and asks nothing more', async () => {
    await started();
    server.intercept = () => silence;
    source.close();
    await eventually(() =>
      [NAMESPACES, RANGES, QUOTAS, POLICIES].every((path) => server.watching(path) === 0),
    );
    const asked = server.requests.length;
    await pause(40);
    expect(server.requests).to.have.length(asked);
  });
});
