import { expect } from 'chai';
import { appliesTo, compileException, expiryOf } from '../../src/policy/exceptions.js';
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
      expect(compileException(exceptionOf(match)).matches(MAIN, POD)).to.equal(matches);
    });
  }

  it('a short name is the one of Docker Hub, as the container names it or not', () => {
    const exception = compileException(exceptionOf('images: [nginx]'));
    for (const image of ['nginx', 'nginx:1', 'docker.io/library/nginx', 'index.docker.io/nginx']) {
      expect(exception.matches({ name: 'web', image }, POD), image).to.equal(true);
    }
    expect(exception.matches({ name: 'web', image: 'bitnami/nginx' }, POD)).to.equal(false);
  });

  it('a label of the name of a prototype property has to be there', () => {
    const exception = compileException(exceptionOf('podLabels: {toString: "*"}'));
    expect(exception.matches(MAIN, { ...POD, labels: {} })).to.equal(false);
    // As JSON.parse makes it: a property of its own.
    const labels = JSON.parse('{"toString":"x"}') as Record<string, string>;
    expect(exception.matches(MAIN, { ...POD, labels })).to.equal(true);
  });

  it('names the rules', () => {
    expect([...compileException(exceptionOf('')).rules]).to.deep.equal(['readOnlyRootFilesystem']);
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
