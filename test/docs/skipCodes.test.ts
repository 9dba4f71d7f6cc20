import { expect } from 'chai';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { decide } from '../../src/admission/decide.js';
import type { Plan } from '../../src/hardening/plan.js';
import { parseQuantity } from '../../src/hardening/quantity.js';
import { RULE_IDS, SKIP_CODES, type SkipCode } from '../../src/hardening/rule.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { workload } from '../support/podArbitrary.js';
import { policyFrom } from '../support/policies.js';
import { requestFor } from '../support/promises.js';

const EVERY = ['Default', 'Override', 'Deny'] as const;

/** Rules that cannot Override are asked to Deny. */
function rulesText(action: (typeof EVERY)[number]): string {
  return RULES.map(({ id, actions }) => {
    const possible = actions.includes(action) ? action : 'Deny';
    const settings =
      id === 'scheduling'
        ? ', nodeSelector: {tenant: shop}, tolerations: [{key: tenant, operator: Exists}], nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: Exists}]}]}}'
        : '';
    return `    ${id}: {action: ${possible}${settings}}`;
  }).join('\n');
}

const EXTRAS = {
  plain: '',
  safe: '  unknownImages: Safe\n',
  excepted: `  exceptions: [{name: all, reason: a test, match: {namespaces: [shop]}, rules: [${RULES.map(({ id }) => id).join(', ')}]}]\n`,
  volumes: `  imageProfiles: [{images: ['*'], runAsUser: 999, startsAsRoot: {capabilities: [], volumes: [/data]}}]\n`,
  needs: `  imageProfiles: [{images: ['*'], needs: [allowPrivilegeEscalation, writableRoot, unconfinedSeccomp]}, {images: ['docker.io/library/nginx'], needs: [allowPrivilegeEscalation, writableRoot, unconfinedSeccomp]}]\n`,
};

const limit = parseQuantity('200Mi') ?? 0n;
const NAMESPACES = {
  plain: { labels: {}, limitRanges: [], quotaByQos: false },
  quota: { labels: {}, limitRanges: [], quotaByQos: true },
  limits: {
    labels: {},
    limitRanges: [
      { type: 'Container', max: new Map([['memory', limit]]), min: new Map(), maxLimitRequestRatio: new Map() },
      { type: 'Pod', max: new Map([['cpu', parseQuantity('1500m') ?? 0n]]), min: new Map(), maxLimitRequestRatio: new Map() },
    ],
    quotaByQos: false,
  },
  optedOut: {
    labels: Object.fromEntries(RULES.map(({ id }) => [`kube-harden.io/${id}`, 'disabled'])),
    limitRanges: [],
    quotaByQos: false,
  },
};

function plans(): Plan[] {
  const policies = EVERY.flatMap((action) =>
    Object.entries(EXTRAS).map(([extra, text]) =>
      policyFrom(`${text}  templates: Mutate\n  rules:\n${rulesText(action)}`, `${action.toLowerCase()}-${extra}`),
    ),
  );
  return Object.entries(NAMESPACES).flatMap(([, facts]) => {
    const labels = { ...facts.labels, 'kube-harden.io/mode': 'enforce' };
    const source = new StandalonePlans({
      policies: [...BUILTIN_POLICIES, ...policies],
      namespaces: new Map([['shop', { name: 'shop', ...facts, labels }]]) as never,
      clock: () => 0,
    });
    return policies.map(({ name }) => source.planWith({ namespace: 'shop', policy: name }));
  });
}

/** Every (rule, code) that the generated pods bring about. */
function observed(): Map<string, Set<SkipCode>> {
  const found = new Map<string, Set<SkipCode>>(RULE_IDS.map((id) => [id, new Set()]));
  const all = plans();
  for (const generated of fc.sample(workload, { numRuns: 300, seed: 7 })) {
    for (const plan of all) {
      for (const { rule, code } of decide(requestFor(generated), plan).skips) found.get(rule)?.add(code);
    }
  }
  return found;
}

describe('docs/rules: skip codes', () => {
  let found: ReadonlyMap<string, ReadonlySet<SkipCode>>;
  before(() => {
    found = observed();
  });

  for (const { id } of RULES) {
    it(`${id}: its page explains the codes that it gives, and no other`, () => {
      const page = readFileSync(new URL(`../../docs/rules/${id}.md`, import.meta.url), 'utf8');
      const explained = SKIP_CODES.filter((code) => page.includes(`\n| \`${code}\` |`));
      const given = SKIP_CODES.filter((code) => found.get(id)?.has(code));
      expect(explained).to.deep.equal(given);
    });
  }
});
