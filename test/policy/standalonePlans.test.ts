import { expect } from 'chai';
import type { NamespaceFacts } from '../../src/policy/namespace.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { PolicyUnknownError } from '../../src/policy/policyUnknownError.js';
import { StandalonePlans, type StandaloneOptions } from '../../src/policy/standalonePlans.js';
import { namespace, policyFrom, withBuiltin } from '../support/policies.js';

function plansOf(given: Partial<StandaloneOptions> = {}): StandalonePlans {
  return new StandalonePlans({ policies: withBuiltin(), clock: () => 0, ...given });
}

function file(...facts: NamespaceFacts[]): Map<string, NamespaceFacts> {
  return new Map(facts.map((one) => [one.name, one]));
}

describe('standalone plans', () => {
  it('count every namespace as enforce without a namespaces file', () => {
    const plans = plansOf();
    expect(plans.planFor('anything')).to.include({ mode: 'enforce', policy: 'default' });
    expect(plans.planFor('other')).to.equal(plans.planFor('anything'));
  });

  for (const name of ['kube-system', 'kube-public', 'kube-node-lease', 'own']) {
    it(`never touch ${name}, in the file or not`, () => {
      for (const namespaces of [undefined, file(), file(namespace(name))]) {
        expect(plansOf({ namespaces, ownNamespace: 'own' }).planFor(name).mode).to.equal('disabled');
      }
    });
  }

  it('take what the namespaces file says', () => {
    const plans = plansOf({
      namespaces: file(namespace('shop', { mode: 'audit', policy: 'restricted' }), namespace('plain', {})),
    });
    expect(plans.planFor('shop')).to.include({ mode: 'audit', policy: 'restricted' });
    expect(plans.planFor('plain')).to.include({ mode: 'disabled', because: 'no label kube-harden.io/mode' });
  });

  for (const name of ['unknown', '', 'constructor', '__proto__']) {
    it(`know nothing of "${name}", which is not in the file`, () => {
      const plans = plansOf({ namespaces: file(namespace('shop')) });
      expect(() => plans.planFor(name)).to.throw(PlanUnavailableError, `namespace "${name}" is not in the`);
      // Not the first time only.
      expect(() => plans.planFor(name)).to.throw(PlanUnavailableError);
    });
  }

  it('put other policies in force at once', () => {
    const plans = plansOf();
    const before = plans.planFor('shop');
    plans.replacePolicies(withBuiltin(policyFrom('warnings: Full')));
    expect(plans.planFor('shop')).to.not.equal(before);
    expect(plans.planFor('shop').warnings).to.equal('Full');
    expect(plans.policies.map(({ name }) => name)).to.deep.equal(['baseline', 'default', 'restricted']);
  });

  it('look at the clock, so that an exception ends on its day', () => {
    const clock = { now: Date.parse('2027-03-01T12:00:00Z') };
    const policy = policyFrom(
      'exceptions: [{name: e, reason: r, expires: "2027-03-01", match: {namespaces: [shop]}, rules: [sshd]}]',
    );
    const plans = plansOf({ policies: withBuiltin(policy), clock: () => clock.now });
    const before = plans.planFor('shop');
    expect(plans.planFor('shop')).to.equal(before);
    clock.now += 12 * 60 * 60 * 1000;
    expect(plans.planFor('shop').exceptions.all).to.deep.equal([]);
    expect(plans.planFor('shop').notices).to.deep.equal([
      'exception e expired on 2027-03-01 and no longer applies',
    ]);
  });

  it('stay right past the number of names that they keep, and for names of any length', () => {
    const plans = plansOf();
    for (let i = 0; i < 20_001; i++) plans.planFor(`n${i}`);
    expect(plans.planFor('n0').mode).to.equal('enforce');
    expect(plans.planFor('n'.repeat(1_000_000)).mode).to.equal('enforce');
  });
});

describe('standalone plans for the preview', () => {
  const plans = plansOf({ namespaces: file(namespace('shop', { mode: 'audit', sshd: 'disabled' })) });

  it('are the namespace’s own where nothing else is asked for', () => {
    expect(plans.planWith({ namespace: 'shop' })).to.equal(plans.planFor('shop'));
    expect(() => plans.planWith({ namespace: 'unknown' })).to.throw(PlanUnavailableError);
  });

  it('take policy, mode and labels over those of the namespace', () => {
    const plan = plans.planWith({
      namespace: 'shop',
      policy: 'restricted',
      mode: 'enforce',
      labels: { 'kube-harden.io/hostPath': 'warn' },
    });
    expect(plan).to.include({ policy: 'restricted', mode: 'enforce' });
    expect(plan.byId.sshd?.optedOut).to.equal(true);
    expect(plan.byId.hostPath?.action).to.equal('Warn');
  });

  it('let a policy and a mode win over labels of the same meaning', () => {
    const labels = { 'kube-harden.io/mode': 'disabled', 'kube-harden.io/policy': 'nowhere' };
    const plan = plans.planWith({ namespace: 'shop', policy: 'baseline', mode: 'enforce', labels });
    expect(plan).to.deep.include({ policy: 'baseline', mode: 'enforce', notices: [] });
  });

  it('do not look at labels of others', () => {
    const plan = plans.planWith({ namespace: 'shop', labels: { team: 'a', mode: 'enforce' } });
    expect(plan).to.equal(plans.planFor('shop'));
  });

  it('take a namespace that is not in the file as one without labels', () => {
    expect(plans.planWith({ namespace: 'unknown', mode: 'enforce' })).to.include({
      mode: 'enforce',
      policy: 'default',
    });
    expect(plans.planWith({ namespace: 'unknown', policy: 'baseline' }).mode).to.equal('disabled');
  });

  it('never make a system namespace anything but disabled', () => {
    expect(plans.planWith({ namespace: 'kube-system', mode: 'enforce' }).mode).to.equal('disabled');
  });

  it('do not change what the webhook answers', () => {
    const before = plans.planFor('shop');
    plans.planWith({ namespace: 'shop', mode: 'enforce', labels: { 'kube-harden.io/sshd': 'warn' } });
    expect(plans.planFor('shop')).to.equal(before);
  });

  for (const policy of ['restrictd', '', 'constructor', '__proto__']) {
    it(`refuse the unknown policy "${policy}"`, () => {
      expect(() => plans.planWith({ namespace: 'shop', policy })).to.throw(PolicyUnknownError, `"${policy}"`);
    });
  }

  it('suggest the policy that was meant', () => {
    expect(() => plans.planWith({ namespace: 'shop', policy: 'restrictd' })).to.throw(
      'did you mean "restricted"?',
    );
  });
});
