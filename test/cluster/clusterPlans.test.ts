import { expect } from 'chai';
import { createAdmissionHandler } from '../../src/admission/handler.js';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { ApiError } from '../../src/cluster/apiError.js';
import { ClusterPlans } from '../../src/cluster/clusterPlans.js';
import type { Plan } from '../../src/hardening/plan.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import type { Entry } from '../../src/policy/planSource.js';
import { policyFrom, withBuiltin } from '../support/policies.js';

interface LookUp {
  readonly namespace: string;
  readonly limits: boolean;
  /** Answers with these labels. */
  readonly found: (labels: Record<string, string>) => void;
  readonly failed: (error: Error) => void;
}

function ns(name: string, version: number, labels: Record<string, string>): ApiObject {
  const ours = Object.entries(labels).map(([key, value]) => [`kube-harden.io/${key}`, value]);
  return {
    metadata: {
      name,
      resourceVersion: String(version),
      labels: Object.fromEntries(ours) as Record<string, string>,
    },
  };
}

async function turns(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('ClusterPlans', () => {
  let plans: ClusterPlans;
  let lookUps: LookUp[];
  let told: string[];
  let version: number;

  beforeEach(() => {
    lookUps = [];
    told = [];
    version = 1;
    plans = new ClusterPlans({
      ownNamespace: 'kube-harden',
      clock: () => 0,
      lookUp: (namespace, limits) =>
        new Promise((resolve, reject) => {
          const found = (labels: Record<string, string>): void => {
            plans.store.namespaces.put(ns(namespace, next(), labels));
            resolve();
          };
          lookUps.push({ namespace, limits, found, failed: reject });
        }),
      lookedUp: (reason, ok) => told.push(`${reason} ${ok ? 'ok' : 'failed'}`),
    });
    plans.replacePolicies(withBuiltin(), new Map());
  });

  function next(): number {
    return (version += 1);
  }

  function label(name: string, labels: Record<string, string>): void {
    plans.store.namespaces.put(ns(name, next(), labels));
  }

  /** Without a look-up. */
  function cached(name: string, entry: Entry = 'any'): Plan {
    const plan = plans.planFor(name, entry);
    if (plan instanceof Promise) throw new Error('it is looked up');
    return plan;
  }

  async function failure(name: string, entry: Entry = 'any'): Promise<PlanUnavailableError> {
    try {
      await plans.planFor(name, entry);
    } catch (error) {
      expect(error).to.be.instanceOf(PlanUnavailableError);
      return error as PlanUnavailableError;
    }
    throw new Error('there is a plan');
  }

  it('gives the same plan object until the namespace or the policies change', () => {
    label('shop', { mode: 'enforce' });
    const plan = cached('shop');
    expect(cached('shop')).to.equal(plan);
    expect(cached('shop', 'enforce')).to.equal(plan);
    label('shop', { mode: 'enforce' });
    expect(cached('shop')).to.equal(plan);
    label('shop', { mode: 'enforce', sshd: 'disabled' });
    expect(cached('shop')).to.not.equal(plan);
    expect(cached('shop').byId.sshd?.optedOut).to.equal(true);
    plans.replacePolicies(withBuiltin(policyFrom('templates: Mutate')), new Map());
    expect(cached('shop').templates).to.equal('Mutate');
  });

  it('makes a plan anew for a LimitRange and a quota of the namespace', () => {
    label('shop', { mode: 'enforce' });
    cached('shop');
    const metadata = { namespace: 'shop', name: 'a', resourceVersion: '7' };
    plans.store.resourceQuotas.put({ metadata, spec: { hard: { cpu: '1' }, scopes: ['NotBestEffort'] } });
    expect(cached('shop')).to.deep.include({
      quotaByQos: true,
      quotas: [{ name: 'a', resources: ['requests.cpu'] }],
    });
  });

  it('forgets the plan of a namespace that is deleted', async () => {
    label('shop', { mode: 'enforce' });
    cached('shop');
    plans.store.namespaces.delete(ns('shop', next(), {}));
    const asked = failure('shop');
    lookUps[0]?.failed(new ApiError(404, 'namespaces "shop" not found', 'NotFound'));
    expect(await asked).to.include({ notFound: true });
  });

  it('looks an unknown namespace up with its limits, once for all who wait', async () => {
    const asked = ['any', 'enforce', 'any'].map(async (entry) => plans.planFor('new', entry as Entry));
    expect(lookUps.map(({ namespace, limits }) => [namespace, limits])).to.deep.equal([['new', true]]);
    lookUps[0]?.found({ mode: 'enforce' });
    const [first, ...others] = await Promise.all(asked);
    expect(first?.mode).to.equal('enforce');
    for (const other of others) expect(other).to.equal(first);
    expect(cached('new')).to.equal(first);
    expect(lookUps).to.have.length(1);
  });

  it('what a live look says holds, though another entry called', async () => {
    const asked = plans.planFor('new', 'enforce');
    lookUps[0]?.found({ mode: 'audit' });
    expect((await asked).mode).to.equal('audit');
  });

  for (const [known, entry, now] of [
    ['audit', 'enforce', 'enforce'],
    ['enforce', 'audit', 'audit'],
    ['disabled', 'enforce', 'enforce'],
    ['enforce', 'audit', 'disabled'],
  ] as const) {
    it(`looks live where ${known} is known and the entry ${entry} called: ${now} holds`, async () => {
      label('shop', { mode: known });
      cached('shop');
      const asked = plans.planFor('shop', entry);
      expect(lookUps.map(({ limits }) => limits)).to.deep.equal([false]);
      lookUps[0]?.found({ mode: now });
      expect((await asked).mode).to.equal(now);
      expect(told).to.deep.equal(['stale ok']);
    });
  }

  it('asks once for all who find it stale together', async () => {
    label('shop', { mode: 'audit' });
    const first = plans.planFor('shop', 'enforce');
    expect(lookUps).to.have.length(1);
    const later = [1, 2].map(async () => plans.planFor('shop', 'enforce'));
    await turns();
    // What began before them may have read what was before them.
    expect(lookUps).to.have.length(1);
    lookUps[0]?.found({ mode: 'audit' });
    expect((await first).mode).to.equal('audit');
    await turns();
    expect(lookUps).to.have.length(2);
    lookUps[1]?.found({ mode: 'enforce' });
    expect((await Promise.all(later)).map(({ mode }) => mode)).to.deep.equal(['enforce', 'enforce']);
    expect(lookUps).to.have.length(2);
  });

  it('never joins a stale request to a look-up begun before it, in whatever order three come', async () => {
    label('shop', { mode: 'audit' });
    const first = plans.planFor('shop', 'enforce');
    const second = plans.planFor('shop', 'enforce');
    lookUps[0]?.found({ mode: 'audit' });
    await first;
    await turns();
    const third = plans.planFor('shop', 'enforce');
    await turns();
    expect(lookUps).to.have.length(2);
    lookUps[1]?.found({ mode: 'audit' });
    expect((await second).mode).to.equal('audit');
    await turns();
    expect(lookUps).to.have.length(3);
    lookUps[2]?.found({ mode: 'enforce' });
    expect((await third).mode).to.equal('enforce');
  });

  it('a stale request does not fail for a look-up of another that failed', async () => {
    label('shop', { mode: 'audit' });
    const first = failure('shop', 'enforce');
    const second = plans.planFor('shop', 'enforce');
    lookUps[0]?.failed(new Error('etcd is gone'));
    expect((await first).message).to.equal('namespace "shop" could not be looked up: etcd is gone');
    await turns();
    lookUps[1]?.found({ mode: 'enforce' });
    expect((await second).mode).to.equal('enforce');
    expect(told).to.deep.equal(['stale failed', 'stale ok']);
  });

  it('fails where a look-up fails, and looks up again for the next', async () => {
    const asked = [failure('new'), failure('new')];
    lookUps[0]?.failed(new ApiError(403, 'forbidden'));
    for (const one of asked) expect(await one).to.include({ notFound: false });
    expect(told).to.deep.equal(['unknown failed', 'unknown failed']);
    const again = plans.planFor('new', 'any');
    lookUps[1]?.found({ mode: 'enforce' });
    expect((await again).mode).to.equal('enforce');
  });

  it('the handler answers 500 with the reason where a look-up fails', async () => {
    const failed: unknown[] = [];
    const handler = createAdmissionHandler({
      plans,
      observer: { decided: () => undefined, failed: (error) => failed.push(error) },
    });
    const answer = handler(Buffer.from(JSON.stringify(REVIEW)), 'enforce');
    lookUps[0]?.failed(new Error('no answer'));
    const { status, body } = await answer;
    expect(status).to.equal(500);
    expect(body).to.contain('namespace \\"new\\" could not be looked up: no answer');
    expect(failed).to.have.length(1);
  });

  it('passes the entry that called on to the plans', async () => {
    label('new', { mode: 'audit' });
    const handler = createAdmissionHandler({
      plans,
      observer: { decided: () => undefined, failed: () => undefined },
    });
    const body = Buffer.from(JSON.stringify(REVIEW));
    expect(handler(body, 'audit')).to.not.be.instanceOf(Promise);
    const answer = handler(body, 'enforce');
    lookUps[0]?.found({ mode: 'enforce' });
    expect((await answer).body).to.contain('"patchType":"JSONPatch"');
  });

  it('never looks up what is never touched, whatever is known of it', () => {
    label('kube-public', { mode: 'enforce' });
    for (const name of ['kube-system', 'kube-public', 'kube-node-lease', 'kube-harden']) {
      expect(cached(name, 'enforce').mode).to.equal('disabled');
    }
    expect(lookUps).to.deep.equal([]);
  });

  it('decides nothing before the policies are known', async () => {
    plans = new ClusterPlans({
      ownNamespace: 'kube-harden',
      clock: () => 0,
      lookUp: () => Promise.reject(new Error('not to be asked')),
      lookedUp: () => undefined,
    });
    label('shop', { mode: 'enforce' });
    expect((await failure('shop')).message).to.contain('not been read yet');
    expect((await failure('kube-system')).message).to.contain('not been read yet');
    expect(plans.policies).to.deep.equal([]);
  });

  describe('with a policy that has never loaded', () => {
    const broken = new Map([['strict', 'spec.rules.sshd.action: is not an action']]);
    beforeEach(() => {
      plans.replacePolicies(withBuiltin(), broken);
    });

    it('fails the requests of namespaces that name it, with its errors', async () => {
      label('shop', { mode: 'enforce', policy: 'strict' });
      label('seen', { mode: 'audit', policy: 'strict' });
      for (const name of ['shop', 'seen']) {
        expect((await failure(name)).message).to.equal(
          'policy "strict" has never loaded: spec.rules.sshd.action: is not an action',
        );
      }
    });

    it('leaves all other namespaces alone, and those that are disabled', () => {
      label('other', { mode: 'enforce' });
      label('restricted', { mode: 'enforce', policy: 'restricted' });
      label('disabled', { mode: 'disabled', policy: 'strict' });
      label('unlabelled', { policy: 'strict' });
      expect(cached('other').policy).to.equal('default');
      expect(cached('restricted').policy).to.equal('restricted');
      expect(cached('disabled').mode).to.equal('disabled');
      expect(cached('unlabelled').mode).to.equal('disabled');
    });

    it('a typo in its name is the default, with a notice', () => {
      label('shop', { mode: 'enforce', policy: 'strct' });
      expect(cached('shop').policy).to.equal('default');
      expect(cached('shop').notices).to.deep.equal([
        'label kube-harden.io/policy=strct names no policy: default applies',
      ]);
    });

    it('which is named default fails those that name none, though one of that name is built in', async () => {
      plans.replacePolicies(withBuiltin(), new Map([['default', 'spec: is required']]));
      label('shop', { mode: 'enforce' });
      label('typo', { mode: 'enforce', policy: 'strct' });
      expect((await failure('shop')).message).to.contain('policy "default" has never loaded');
      expect((await failure('typo')).message).to.contain('policy "default" has never loaded');
    });

    it('holds again once it loads', () => {
      label('shop', { mode: 'enforce', policy: 'strict' });
      plans.replacePolicies(withBuiltin(policyFrom('', 'strict')), new Map());
      expect(cached('shop').policy).to.equal('strict');
    });
  });

  it('previews with other choices, of an unknown namespace after a look-up', async () => {
    const asked = plans.planWith({ namespace: 'new', policy: 'restricted', mode: 'enforce' });
    lookUps[0]?.found({ mode: 'disabled', sshd: 'warn' });
    const plan = await asked;
    expect(plan).to.include({ policy: 'restricted', mode: 'enforce' });
    expect(plan.byId.sshd?.action).to.equal('Warn');
    expect(cached('new').mode).to.equal('disabled');
    const unknown = await plans.planWith({ namespace: 'new', policy: 'x' }).catch((error: unknown) => error);
    expect(unknown).to.have.property('code', 'PolicyUnknown');
  });
});

const REVIEW = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    operation: 'CREATE',
    namespace: 'new',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
    },
  },
};
