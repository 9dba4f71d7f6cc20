import { expect } from 'chai';
import type { Plan } from '../../src/hardening/plan.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import type { NamespaceFacts } from '../../src/policy/namespace.js';
import { PlanBook } from '../../src/policy/planBook.js';
import type { Policy } from '../../src/policy/policy.js';
import { namespace, policyFrom, withBuiltin } from '../support/policies.js';

const DEFAULT = policyFrom('');

function planFor(facts: NamespaceFacts, policy: Policy = DEFAULT, now = 0): Plan {
  return new PlanBook(withBuiltin(policy), () => now, 'kube-harden').planFor(facts);
}

describe('plan: mode', () => {
  const modes: [labels: Record<string, string>, mode: Plan['mode'], notice?: string][] = [
    [{ mode: 'enforce' }, 'enforce'],
    [{ mode: 'audit' }, 'audit'],
    [{ mode: 'disabled' }, 'disabled'],
    [{}, 'disabled'],
    ...['Enforce', 'enforced', 'off', '', 'true', 'constructor', '__proto__'].map(
      (typo): [Record<string, string>, Plan['mode'], string] => [
        { mode: typo },
        'audit',
        `label kube-harden.io/mode=${typo} is not enforce, audit or disabled: treated as audit`,
      ],
    ),
  ];
  for (const [labels, mode, notice] of modes) {
    it(`${JSON.stringify(labels)} is ${mode}${notice === undefined ? '' : ', with a notice'}`, () => {
      const plan = planFor(namespace('shop', labels));
      expect(plan.mode).to.equal(mode);
      expect(plan.notices).to.deep.equal(notice === undefined ? [] : [notice]);
    });
  }

  it('says why it is disabled', () => {
    expect(planFor(namespace('shop', {})).because).to.equal('no label kube-harden.io/mode');
    const labelled = planFor(namespace('shop', { mode: 'disabled' }));
    expect(labelled.because).to.equal('label kube-harden.io/mode=disabled');
  });

  for (const name of ['kube-system', 'kube-public', 'kube-node-lease', 'kube-harden']) {
    it(`is disabled in ${name} whatever its labels`, () => {
      const plan = planFor(namespace(name));
      expect(plan.mode).to.equal('disabled');
      expect(plan.because).to.equal(`namespace ${name} is never touched`);
    });
  }

  it('is not disabled in a namespace whose name only begins like one of these', () => {
    expect(planFor(namespace('kube-system-2')).mode).to.equal('enforce');
  });
});

describe('plan: policy', () => {
  it('is default without a label', () => {
    expect(planFor(namespace('shop'))).to.include({ policy: 'default', mode: 'enforce' });
  });

  it('is the one that the label names', () => {
    const plan = planFor(namespace('shop', { mode: 'enforce', policy: 'restricted' }));
    expect(plan.policy).to.equal('restricted');
    expect(plan.byId.runtimeSocket?.action).to.equal('Deny');
    expect(plan.notices).to.deep.equal([]);
  });

  for (const name of ['restrictd', '', 'Default', 'constructor', '__proto__', 'toString']) {
    it(`is default where the label says "${name}", with a notice`, () => {
      const plan = planFor(namespace('shop', { mode: 'enforce', policy: name }));
      expect(plan.policy).to.equal('default');
      expect(plan.notices).to.deep.equal([
        `label kube-harden.io/policy=${name} names no policy: default applies`,
      ]);
    });
  }

  it('has the rules in catalogue order, without those that are Disabled', () => {
    const ids = planFor(namespace('shop')).rules.map(({ rule }) => rule.id);
    expect(ids).to.deep.equal(RULE_IDS.filter((id) => ids.includes(id)));
    expect(ids).to.include('unprivilegedPorts').and.not.include('scheduling').and.not.include('procMount');
  });

  it('hands on what the policy says', () => {
    const policy = policyFrom('warnings: Full\ntemplates: Mutate\nunknownImages: Safe');
    expect(planFor(namespace('shop'), policy)).to.include({
      warnings: 'Full',
      templates: 'Mutate',
      unknownImages: 'Safe',
    });
  });
});

describe('plan: rule labels', () => {
  const policy = policyFrom(`
    rules:
      capabilities: {action: Override, optOut: Forbidden}
      privileged: {action: Deny}
      scheduling: {action: Disabled, optOut: Forbidden}
  `);
  const cases: [
    label: string,
    value: string,
    expected: { action?: string; optedOut?: boolean },
    notice?: string,
  ][] = [
    ['seccompProfile', 'disabled', { action: 'Default', optedOut: true }],
    ['seccompProfile', 'warn', { action: 'Warn', optedOut: false }],
    ['privileged', 'warn', { action: 'Warn', optedOut: false }],
    ...['Disabled', 'off', 'Override', '', 'constructor'].map(
      (value): [string, string, { action: string; optedOut: boolean }, string] => [
        'seccompProfile',
        value,
        { action: 'Default', optedOut: false },
        `label kube-harden.io/seccompProfile=${value} is ignored: it is not disabled or warn`,
      ],
    ),
    [
      'capabilities',
      'disabled',
      { action: 'Override', optedOut: false },
      'label kube-harden.io/capabilities=disabled is ignored: policy default forbids it',
    ],
    [
      'capabilities',
      'warn',
      { action: 'Override', optedOut: false },
      'label kube-harden.io/capabilities=warn is ignored: policy default forbids it',
    ],
    [
      'capabilities',
      'off',
      { action: 'Override', optedOut: false },
      'label kube-harden.io/capabilities=off is ignored: it is not disabled or warn',
    ],
    ['runasuser', 'disabled', {}, 'label kube-harden.io/runasuser is ignored: there is no such rule'],
    ['__proto__', 'disabled', {}, 'label kube-harden.io/__proto__ is ignored: there is no such rule'],
    ['constructor', 'warn', {}, 'label kube-harden.io/constructor is ignored: there is no such rule'],
    // Rules that the policy does not run.
    ['scheduling', 'disabled', {}],
    ['hostUsers', 'disabled', {}],
    ['hostUsers', 'of', {}, 'label kube-harden.io/hostUsers=of is ignored: it is not disabled or warn'],
    ['scheduling', 'no', {}, 'label kube-harden.io/scheduling=no is ignored: it is not disabled or warn'],
  ];
  for (const [label, value, expected, notice] of cases) {
    it(`${label}=${value}: ${notice === undefined ? JSON.stringify(expected) : 'ignored, with a notice'}`, () => {
      const plan = planFor(namespace('shop', { mode: 'enforce', [label]: value }), policy);
      expect(plan.notices).to.deep.equal(notice === undefined ? [] : [notice]);
      expect(plan.rules.find(({ rule }) => rule.id === label) ?? {}).to.include(expected);
      const others = plan.rules.filter(({ rule, optedOut }) => rule.id !== label && optedOut);
      expect(others).to.deep.equal([]);
    });
  }

  it('never makes a rule stronger', () => {
    const plan = planFor(namespace('shop', { mode: 'enforce', hostPath: 'enforce', sshd: 'Deny' }));
    expect(plan.byId.hostPath?.action).to.equal('Warn');
    expect(plan.byId.sshd?.action).to.equal('Warn');
    expect(plan.notices).to.have.length(2);
  });
});

describe('plan: notices', () => {
  it('are at most 120 characters each, and leave room for what a response is about', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`${'unknown'.repeat(8)}${index}`, 'x']),
    );
    const { notices } = planFor(
      namespace('shop', { mode: 'm'.repeat(63), policy: 'p'.repeat(63), ...labels }),
    );
    expect(Math.max(...notices.map(({ length }) => length))).to.be.at.most(120);
    expect(notices.reduce((sum, { length }) => sum + length, 0)).to.be.within(1400, 1600);
    expect(notices[0]).to.match(/^label kube-harden.io\/mode=m+/);
    expect(notices.at(-1)).to.equal(
      `and ${62 - (notices.length - 1)} more labels and exceptions of this namespace`,
    );
  });
});

describe('plan: uid range', () => {
  const range = policyFrom('rules: {runAsUser: {strategy: NamespaceRange}}');
  const valid: [annotation: string, first: number, size: number][] = [
    ['1000680000/10000', 1000680000, 10000],
    ['1/1', 1, 1],
    ['2147483647/1', 2147483647, 1],
    ['1000680000-1000689999', 1000680000, 10000],
  ];
  for (const [annotation, first, size] of valid) {
    it(`reads ${annotation}`, () => {
      const plan = planFor(namespace('shop', undefined, { uidRange: annotation }), range);
      expect(plan.uidRange).to.deep.equal({ first, size });
      expect(plan.notices).to.deep.equal([]);
    });
  }

  const malformed = [
    '',
    '0/10',
    '10/0',
    '2147483648/1',
    '10',
    '10/',
    '/10',
    ' 10/10',
    '10/10 ',
    '-5/10',
    '1e3/10',
    '0x10/10',
    '10-5',
    '99999999999/1',
    'a/b',
    '10/10/10',
    '１０/１０',
  ];
  for (const annotation of malformed) {
    it(`does not take "${annotation}", and says so`, () => {
      const plan = planFor(namespace('shop', undefined, { uidRange: annotation }), range);
      expect(plan.uidRange).to.equal(undefined);
      expect(plan.notices).to.deep.equal([
        `annotation kube-harden.io/uid-range "${annotation}" is not first/size: runAsUser.value applies`,
      ]);
    });
  }

  it('says when it is missing', () => {
    expect(planFor(namespace('shop'), range).notices).to.deep.equal([
      'annotation kube-harden.io/uid-range is missing: runAsUser.value applies',
    ]);
  });

  for (const spec of ['', 'rules: {runAsUser: {strategy: NamespaceRange, action: Disabled}}']) {
    it(`is not asked for by "${spec}"`, () => {
      const plan = planFor(namespace('shop', undefined, { uidRange: 'broken' }), policyFrom(spec));
      expect(plan.notices).to.deep.equal([]);
    });
  }
});
