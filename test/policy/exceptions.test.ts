import { expect } from 'chai';
import { ExceptionIndex } from '../../src/policy/exceptionIndex.js';
import { appliesTo, expiryOf } from '../../src/policy/exceptions.js';
import type { ExceptionContainer, ExceptionPod } from '../../src/hardening/plan.js';
import type { PolicyException } from '../../src/policy/policy.js';
import { policyFrom } from '../support/policies.js';

const DAY = 24 * 60 * 60 * 1000;

function exceptionOf(match: string, more = ''): PolicyException {
  const [exception] = policyFrom(`
    exceptions:
      - name: legacy
        reason: ticket OPS-1432
        ${more}
        match: {namespaces: [billing], ${match}}
        rules: [readOnlyRootFilesystem]
  `).exceptions;
  if (!exception) throw new Error('no exception');
  return exception;
}

function indexOf(match: string): ExceptionIndex {
  return new ExceptionIndex([exceptionOf(match)]);
}

function holds(exceptions: ExceptionIndex, container: ExceptionContainer, pod: ExceptionPod = POD): boolean {
  return exceptions.matching(container, pod).length > 0;
}

const MAIN = { name: 'main', image: 'registry.example/invoice:7' };
const POD = { labels: { app: 'invoice', tier: 'back' }, serviceAccount: 'invoice' };

describe('exceptions: what they match', () => {
  const cases: [match: string, matches: boolean][] = [
    ['', true],
    ['containers: [main]', true],
    ['containers: [sidecar]', false],
    ['containers: [sidecar, main]', true],
    ['containers: [ma]', false],
    ['containers: ["ma*"]', true],
    ['containers: ["*side*"]', false],
    ['containers: ["m??n"]', true],
    ['images: ["registry.example/invoice:*"]', true],
    ['images: ["registry.example/invoice"]', true],
    ['images: ["registry.example/invoice:8"]', false],
    ['images: ["registry.example/*"]', true],
    ['images: [invoice]', false],
    ['images: ["*:7"]', true],
    ['images: ["*:8"]', false],
    ['images: [nginx, "registry.example/inv*"]', true],
    ['serviceAccounts: [invoice]', true],
    ['serviceAccounts: [default]', false],
    ['serviceAccounts: ["inv*"]', true],
    ['podLabels: {app: invoice}', true],
    ['podLabels: {app: "inv*"}', true],
    ['podLabels: {app: invoice, tier: back}', true],
    ['podLabels: {app: invoice, tier: front}', false],
    ['podLabels: {app: "*", missing: "*"}', false],
    ['podLabels: {constructor: "*"}', false],
    ['podLabels: {}', true],
    // All that is given must match.
    [
      'containers: [main], serviceAccounts: [invoice], podLabels: {app: invoice}, images: ["registry.example/*"]',
      true,
    ],
    ['containers: [main], serviceAccounts: [other], podLabels: {app: invoice}', false],
  ];
  for (const [match, matches] of cases) {
    it(`${match || 'nothing but a namespace'} ${matches ? 'matches' : 'does not match'}`, () => {
      expect(holds(indexOf(match), MAIN)).to.equal(matches);
    });
  }

  it('a short name is the one of Docker Hub, as the container names it or not', () => {
    const exceptions = indexOf('images: [nginx]');
    for (const image of ['nginx', 'nginx:1', 'docker.io/library/nginx', 'index.docker.io/nginx']) {
      expect(holds(exceptions, { name: 'web', image }), image).to.equal(true);
    }
    expect(holds(exceptions, { name: 'web', image: 'bitnami/nginx' })).to.equal(false);
  });

  it('a label of the name of a prototype property has to be there', () => {
    const exceptions = indexOf('podLabels: {toString: "*"}');
    expect(holds(exceptions, MAIN, { ...POD, labels: {} })).to.equal(false);
    // As JSON.parse makes it: a property of its own.
    const labels = JSON.parse('{"toString":"x"}') as Record<string, string>;
    expect(holds(exceptions, MAIN, { ...POD, labels })).to.equal(true);
  });

  it('names the exceptions that match, of many, and their rules', () => {
    const exceptions = new ExceptionIndex([
      { ...exceptionOf('containers: [main]'), name: 'by-name' },
      { ...exceptionOf('containers: [other]'), name: 'of-another' },
      { ...exceptionOf('images: ["registry.example/*"]'), name: 'by-image' },
    ]);
    const matching = exceptions.matching(MAIN, POD);
    expect(matching.map(({ name }) => name)).to.deep.equal(['by-name', 'by-image']);
    expect(matching.flatMap(({ rules }) => [...rules])).to.deep.equal([
      'readOnlyRootFilesystem',
      'readOnlyRootFilesystem',
    ]);
  });
});

describe('exceptions: what is known of a container that came before', () => {
  it('is of its name and image, and not of its pod', () => {
    const exceptions = indexOf('containers: [main], serviceAccounts: [invoice], podLabels: {app: invoice}');
    const other = { ...POD, serviceAccount: 'default' };
    const unlabelled = { ...POD, labels: {} };
    const seen = [POD, other, unlabelled, POD].map((pod) => holds(exceptions, MAIN, pod));
    expect(seen).to.deep.equal([true, false, false, true]);
  });

  it('is not taken for another, whose name and image are the same letters', () => {
    const exceptions = indexOf('containers: [ab], images: ["c:1"]');
    expect(holds(exceptions, { name: 'ab', image: 'c:1' })).to.equal(true);
    for (const [name, image] of [
      ['a', 'bc:1'],
      ['abc', ':1'],
      ['', 'abc:1'],
      ['1 ab', 'c:1'],
    ] as const)
      expect(holds(exceptions, { name, image }), `${name} ${image}`).to.equal(false);
  });

  it('is right for as many as come, however long their images are', () => {
    const exceptions = indexOf('containers: ["*7"]');
    for (let round = 0; round < 2; round += 1)
      for (let each = 0; each < 3000; each += 1)
        expect(holds(exceptions, { name: `c-${each}`, image: 'x'.repeat(each) })).to.equal(each % 10 === 7);
  });
});

describe('exceptions: where they hold', () => {
  const namespaces: [globs: string[], namespace: string, applies: boolean][] = [
    [['billing'], 'billing', true],
    [['billing'], 'billing-2', false],
    [['billing-*'], 'billing-2', true],
    [['billing-*'], 'billing', false],
    [['shop', 'team-?'], 'team-a', true],
    [['team-?'], 'team-ab', false],
  ];
  for (const [globs, name, applies] of namespaces) {
    it(`[${globs.join(', ')}] ${applies ? 'holds' : 'does not hold'} in ${name}`, () => {
      const exception = exceptionOf('');
      expect(appliesTo({ ...exception, match: { namespaces: globs } }, name)).to.equal(applies);
    });
  }
});

describe('exceptions: until when', () => {
  it('hold through their day, UTC', () => {
    const expiry = expiryOf(exceptionOf('', 'expires: "2027-03-01"'));
    expect(new Date(expiry ?? 0).toISOString()).to.equal('2027-03-02T00:00:00.000Z');
  });

  it('hold through the last day of a leap year', () => {
    expect(expiryOf(exceptionOf('', 'expires: "2028-02-29"'))).to.equal(Date.UTC(2028, 1, 29) + DAY);
  });

  it('hold for ever without a day', () => {
    expect(expiryOf(exceptionOf(''))).to.equal(undefined);
  });
});
