import { expect } from 'chai';
import { CONFIGURATION_PATH } from '../../src/cluster/installNamespace.js';
import { LivePlans } from '../../src/cluster/livePlans.js';
import { listAll } from '../../src/cluster/listAll.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { policyFrom } from '../support/policies.js';
import { ApiServer, json, status } from './support/apiServer.js';

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';
const NAMESPACES = '/api/v1/namespaces';

describe('LivePlans', () => {
  let server: ApiServer;

  beforeEach(async () => {
    server = await ApiServer.start();
    namespace('shop', { mode: 'enforce', policy: 'ours' });
    namespace('bank', { mode: 'audit' });
    policy('ours', { warnings: 'Full' });
  });
  afterEach(() => server.close());

  function namespace(name: string, labels: Record<string, string>): void {
    const ours = Object.entries(labels).map(([key, value]) => [`kube-harden.io/${key}`, value]);
    server.put(NAMESPACES, {
      metadata: { name, labels: Object.fromEntries(ours) as Record<string, string> },
    });
  }

  function policy(name: string, spec: unknown): void {
    server.put(POLICIES, {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name, uid: name, generation: 1 },
      spec,
    });
  }

  async function open(own: Parameters<typeof LivePlans.open>[1]['own'] = []): Promise<LivePlans> {
    return LivePlans.open(server.api, { base: BUILTIN_POLICIES, own, clock: () => 0 });
  }

  async function refusal(asked: unknown): Promise<PlanUnavailableError> {
    const error: unknown = await Promise.resolve(asked).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(PlanUnavailableError);
    return error as PlanUnavailableError;
  }

  it('puts the policies of the cluster over the built-in ones, and those that are given over both', async () => {
    const live = await open();
    expect(await live.planFor('shop')).to.include({ policy: 'ours', mode: 'enforce', warnings: 'Full' });
    expect(await live.planFor('bank')).to.include({ policy: 'default', mode: 'audit' });
    const own = await open([policyFrom('warnings: None', 'ours')]);
    expect(await own.planFor('shop')).to.include({ policy: 'ours', warnings: 'None' });
  });

  it('reads a namespace once, when it is asked for, with its limits', async () => {
    const live = await open();
    for (let time = 0; time < 3; time += 1) await live.planFor('shop');
    expect(server.requests.map(({ path }) => path).sort()).to.deep.equal([
      `${NAMESPACES}/shop`,
      `${NAMESPACES}/shop/limitranges`,
      `${NAMESPACES}/shop/resourcequotas`,
      CONFIGURATION_PATH,
      POLICIES,
    ]);
  });

  describe('knows where kube-harden is installed', () => {
    const called = (clientConfig: unknown): ReturnType<typeof json> =>
      json({
        metadata: { name: 'kube-harden' },
        webhooks: [{ name: 'enforce.kube-harden.io', clientConfig }],
      });
    for (const [what, answer, found] of [
      [
        'by the Service of its webhook configuration',
        called({ service: { namespace: 'security' } }),
        'security',
      ],
      [
        'where it is called by a URL: as the manifests have it',
        called({ url: 'https://10.0.0.1' }),
        'kube-harden',
      ],
      ['where there is none', status(404, 'not found', 'NotFound'), 'kube-harden'],
      ['where it may not be read', status(403, 'forbidden', 'Forbidden'), 'kube-harden'],
      ['where it is none', json({ webhooks: [null, 'x', {}] }), 'kube-harden'],
    ] as const)
      it(what, async () => {
        server.intercept = ({ path }) => (path === CONFIGURATION_PATH ? answer : undefined);
        const live = await open();
        expect([live.ownNamespace, live.missing]).to.deep.equal([found, []]);
      });
  });

  it('lists everything at once where it is told to, and then asks for no namespace', async () => {
    server.put('/api/v1/limitranges', {
      metadata: { name: 'l', namespace: 'shop' },
      spec: { limits: [{ type: 'Container', max: { memory: '1Gi' } }] },
    });
    server.put('/api/v1/resourcequotas', {
      metadata: { name: 'q', namespace: 'bank' },
      spec: { hard: { 'requests.cpu': '4' } },
    });
    server.pageSize = 1;
    const live = await open();
    expect(await live.preload()).to.deep.equal(['shop', 'bank']);
    const asked = server.requests.length;
    expect((await live.planFor('shop')).limitRanges).to.have.length(1);
    expect((await live.planFor('bank')).quotas).to.have.length(1);
    expect(server.requests.length).to.equal(asked);
  });

  it('names what is forbidden, and goes on without it', async () => {
    server.intercept = ({ path }) =>
      /hardeningpolicies|quotas/.test(path) ? status(403, `no right to ${path}`, 'Forbidden') : undefined;
    const live = await open();
    expect(await live.planFor('bank')).to.include({ policy: 'default', mode: 'audit' });
    expect(live.missing).to.deep.equal([
      `hardeningpolicies of the cluster: no right to ${POLICIES}`,
      `resourcequotas of namespace bank: no right to ${NAMESPACES}/bank/resourcequotas`,
    ]);
  });

  it('asks for limits namespace by namespace where they may not be listed together', async () => {
    server.intercept = ({ path }) => {
      if (path === '/api/v1/limitranges') return status(403, 'not all', 'Forbidden');
      if (path !== `${NAMESPACES}/shop/limitranges`) return undefined;
      const spec = { limits: [{ type: 'Container', max: { memory: '1Gi' } }] };
      return json({ items: [{ metadata: { name: 'l', namespace: 'shop' }, spec }] });
    };
    server.put('/api/v1/resourcequotas', { metadata: { name: 'q', namespace: 'bank' } });
    const live = await open();
    await live.preload();
    expect((await live.planFor('shop')).limitRanges).to.have.length(1);
    expect(live.missing).to.deep.equal([]);
  });

  it('says that namespaces may not be listed', async () => {
    server.intercept = ({ path }) =>
      path === NAMESPACES ? status(403, 'namespaces is forbidden', 'Forbidden') : undefined;
    const live = await open();
    expect(await live.preload()).to.equal(undefined);
    expect(live.missing).to.deep.equal(['namespaces is forbidden']);
  });

  it('refuses a plan by a policy that has never loaded, and of a namespace that is not there', async () => {
    policy('broken', { warnings: 'Loud' });
    namespace('odd', { mode: 'enforce', policy: 'broken' });
    const live = await open();
    expect((await refusal(live.planFor('odd'))).message).to.match(
      /^policy "broken" has never loaded: spec.warn/,
    );
    expect(await refusal(live.planFor('nowhere'))).to.include({ notFound: true });
  });

  it('gives a namespace other labels, as the preview asks', async () => {
    const live = await open();
    const plan = await live.planWith({ namespace: 'bank', mode: 'enforce', policy: 'restricted' });
    expect(plan).to.include({ mode: 'enforce', policy: 'restricted' });
  });

  it('goes on with a list that the API server has forgotten', async () => {
    let asked = 0;
    server.intercept = ({ path }) => {
      if (path !== '/api/v1/pods') return undefined;
      asked += 1;
      const page = (name: string, more?: string): ReturnType<typeof json> =>
        json({ metadata: { continue: more, remainingItemCount: 1 }, items: [{ metadata: { name } }] });
      if (asked === 1) return page('a', 'old');
      if (asked === 2)
        return json({ kind: 'Status', message: 'expired', metadata: { continue: 'new' } }, 410);
      return page('b');
    };
    const seen: unknown[] = [];
    const all = await listAll(server.api, '/api/v1/pods', { labelSelector: 'app=web' }, (...told) =>
      seen.push(told),
    );
    expect(all.map(({ metadata }) => metadata?.name)).to.deep.equal(['a', 'b']);
    expect(seen).to.deep.equal([
      [1, 1],
      [2, 1],
    ]);
    expect(server.requests.map(({ query }) => query['continue'])).to.deep.equal([undefined, 'old', 'new']);
    expect(server.requests[0]?.query).to.include({ labelSelector: 'app=web', limit: '500' });
  });

  it('takes what is no list for no answer, rather than for a list of nothing', async () => {
    server.intercept = () => json({});
    const error: unknown = await listAll(server.api, '/api/v1/pods').catch((e: unknown) => e);
    expect(error).to.include({ code: 'Unreachable', message: 'the answer to a list has no items' });
  });
});
