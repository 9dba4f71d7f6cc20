import { expect } from 'chai';
import { PlanBook } from '../../src/policy/planBook.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { namespace, policyFrom, withBuiltin } from '../support/policies.js';

const DAY = 24 * 60 * 60 * 1000;
const POLICY = policyFrom(`
  exceptions:
    - {name: first, reason: a, expires: "2027-03-01", match: {namespaces: [billing]}, rules: [sshd]}
    - {name: second, reason: b, expires: "2027-03-05", match: {namespaces: ["bill*"]}, rules: [hostPath]}
    - {name: endless, reason: c, match: {namespaces: [billing, legacy]}, rules: [resources]}
`);

function bookAt(now: string, policy = POLICY): { book: PlanBook; clock: { now: number } } {
  const clock = { now: Date.parse(now) };
  return { book: new PlanBook(withBuiltin(policy), () => clock.now), clock };
}

describe('plan book: expiry', () => {
  const days: [now: string, active: string[], next: string | undefined, expired: string[]][] = [
    ['2027-02-01T00:00:00Z', ['first', 'second', 'endless'], '2027-03-02T00:00:00.000Z', []],
    ['2027-03-01T23:59:59.999Z', ['first', 'second', 'endless'], '2027-03-02T00:00:00.000Z', []],
    [
      '2027-03-02T00:00:00Z',
      ['second', 'endless'],
      '2027-03-06T00:00:00.000Z',
      ['first expired on 2027-03-01'],
    ],
    [
      '2030-01-01T00:00:00Z',
      ['endless'],
      undefined,
      ['first expired on 2027-03-01', 'second expired on 2027-03-05'],
    ],
  ];
  for (const [now, active, next, expired] of days) {
    it(`at ${now} ${active.join(', ')} hold`, () => {
      const { book } = bookAt(now);
      const plan = book.planFor(namespace('billing'));
      expect(plan.exceptions.all.map(({ name }) => name)).to.deep.equal(active);
      expect(plan.nextExpiry).to.equal(next === undefined ? undefined : Date.parse(next));
      expect(plan.notices).to.deep.equal(expired.map((text) => `exception ${text} and no longer applies`));
      expect(book.isCurrent(plan)).to.equal(true);
    });
  }

  it('makes the plan anew when the clock passes an expiry, and not before', () => {
    const { book, clock } = bookAt('2027-02-01T00:00:00Z');
    const plan = book.planFor(namespace('billing'));
    clock.now = Date.parse('2027-03-01T23:59:59.999Z');
    expect(book.planFor(namespace('billing'))).to.equal(plan);
    clock.now += 1;
    expect(book.isCurrent(plan)).to.equal(false);
    const later = book.planFor(namespace('billing'));
    expect(later).to.not.equal(plan);
    expect(later.exceptions.all.map(({ name }) => name)).to.deep.equal(['second', 'endless']);
    expect(book.planFor(namespace('billing'))).to.equal(later);
    clock.now += 30 * DAY;
    expect(book.planFor(namespace('billing')).exceptions.all.map(({ name }) => name)).to.deep.equal([
      'endless',
    ]);
  });

  it('makes the plan anew when a clock that was ahead is set back', () => {
    const { book, clock } = bookAt('2028-02-01T00:00:00Z');
    expect(book.planFor(namespace('billing')).exceptions.all.map(({ name }) => name)).to.deep.equal([
      'endless',
    ]);
    clock.now = Date.parse('2027-02-01T00:00:00Z');
    expect(book.planFor(namespace('billing')).exceptions.all.map(({ name }) => name)).to.deep.equal([
      'first',
      'second',
      'endless',
    ]);
  });

  it('is told of exceptions of its own namespace only', () => {
    const { book } = bookAt('2030-01-01T00:00:00Z');
    const plan = book.planFor(namespace('shop'));
    expect(plan).to.deep.include({ notices: [], nextExpiry: undefined });
    expect(plan.exceptions.all).to.deep.equal([]);
  });
});

describe('plan book: sharing', () => {
  const { book } = bookAt('2027-02-01T00:00:00Z');
  const plan = book.planFor(namespace('a'));

  const alike: [what: string, ...Parameters<typeof namespace>][] = [
    ['another namespace with the same labels', 'b'],
    ['labels in another order', 'b', { mode: 'enforce' }],
    ['another uid range, which nobody asks for', 'b', { mode: 'enforce' }, { uidRange: '1000680000/10000' }],
  ];
  for (const [what, ...args] of alike) {
    it(`gives one plan to ${what}`, () => expect(book.planFor(namespace(...args))).to.equal(plan));
  }

  it('gives one plan whatever the order of the labels', () => {
    const one = book.planFor(namespace('a', { mode: 'enforce', sshd: 'warn', hostPath: 'disabled' }));
    const other = book.planFor(namespace('b', { hostPath: 'disabled', sshd: 'warn', mode: 'enforce' }));
    expect(other).to.equal(one);
  });

  it('gives one plan to namespaces that the same exceptions name', () => {
    const one = book.planFor(namespace('bill-1'));
    expect(book.planFor(namespace('bill-2'))).to.equal(one);
    expect(one.exceptions.all.map(({ name }) => name)).to.deep.equal(['second']);
  });

  const different: [what: string, ...Parameters<typeof namespace>][] = [
    ['another mode', 'b', { mode: 'audit' }],
    ['another policy', 'b', { mode: 'enforce', policy: 'restricted' }],
    ['an opt-out', 'b', { mode: 'enforce', sshd: 'disabled' }],
    ['an exception that names it', 'legacy'],
    ['a quota by quality of service', 'b', { mode: 'enforce' }, { quotaByQos: true }],
    ['a quota of cpu', 'b', { mode: 'enforce' }, { quotas: [{ name: 'q', resources: ['requests.cpu'] }] }],
    [
      'a limit range',
      'b',
      { mode: 'enforce' },
      {
        limitRanges: [
          { type: 'Container', max: new Map([['cpu', 1n]]), min: new Map(), maxLimitRequestRatio: new Map() },
        ],
      },
    ],
    ['being the system itself', 'kube-system'],
  ];
  for (const [what, ...args] of different) {
    it(`gives another plan for ${what}`, () => expect(book.planFor(namespace(...args))).to.not.equal(plan));
  }

  it('tells limit ranges apart by what they limit', () => {
    const limit = (field: 'max' | 'min', value: bigint): ReturnType<typeof namespace> => {
      const item = {
        type: 'Container' as const,
        max: new Map(),
        min: new Map(),
        maxLimitRequestRatio: new Map(),
      };
      item[field].set('cpu', value);
      return namespace('a', undefined, { limitRanges: [item] });
    };
    expect(book.planFor(limit('max', 1n))).to.equal(book.planFor(limit('max', 1n)));
    expect(book.planFor(limit('max', 1n))).to.not.equal(book.planFor(limit('max', 2n)));
    expect(book.planFor(limit('max', 1n))).to.not.equal(book.planFor(limit('min', 1n)));
  });

  it('tells uid ranges apart where the policy asks for them', () => {
    const ranged = bookAt(
      '2027-01-01T00:00:00Z',
      policyFrom('rules: {runAsUser: {strategy: NamespaceRange}}'),
    ).book;
    const of = (name: string, uidRange: string) => ranged.planFor(namespace(name, undefined, { uidRange }));
    expect(of('a', '1000/10')).to.equal(of('b', '1000/10'));
    expect(of('a', '1000/10')).to.not.equal(of('b', '2000/10'));
  });

  it('stays right past the number of plans that it keeps', () => {
    for (let i = 0; i < 10_001; i++) book.planFor(namespace('flood', { mode: `m${i}` }));
    expect(book.planFor(namespace('a'))).to.deep.include({ mode: 'enforce', policy: 'default' });
  });
});

describe('plan book: policies that have never loaded', () => {
  const broken = new Map([['strict', 'spec: is required']]);
  const book = new PlanBook(withBuiltin(), () => 0, 'own', broken);

  it('fails the namespaces that name one, whatever else they say, and is one of the names', () => {
    for (const mode of ['enforce', 'audit', 'typo']) {
      expect(() => book.planFor(namespace('shop', { mode, policy: 'strict' }))).to.throw(
        PlanUnavailableError,
        'policy "strict" has never loaded: spec: is required',
      );
    }
    expect(book.policyNames).to.include('strict');
    expect(book.all.map(({ name }) => name)).to.not.include('strict');
  });

  it('leaves disabled and protected namespaces alone', () => {
    expect(book.planFor(namespace('shop', { mode: 'disabled', policy: 'strict' })).mode).to.equal('disabled');
    expect(book.planFor(namespace('own', { mode: 'enforce', policy: 'strict' })).mode).to.equal('disabled');
    expect(book.planFor(namespace('shop')).policy).to.equal('default');
  });
});
