import { expect } from 'chai';
import jsonPatch from 'fast-json-patch';
import { decide } from '../../src/admission/decide.js';
import type { AdmissionRequest, Decision, KubernetesObject } from '../../src/admission/types.js';
import type { Plan } from '../../src/hardening/plan.js';
import { locatePod, podAt } from '../../src/hardening/locate.js';
import { evaluatePodSecurity } from '../../src/podSecurity/evaluate.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { loadPolicies } from '../../src/policy/load.js';
import { overByName, type Policy } from '../../src/policy/policy.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import {
  podUpdateAccepted,
  runAsNonRootWithUidZero,
  validateEphemeralContainersUpdate,
  validateObject,
  volumeClaimTemplateClashes,
  type Json,
} from './apiValidation.js';
import { specWithEveryRule } from './everyRule.js';
import { losses, weakenings } from './strength.js';

/** An object on its way through admission, and what its author wrote where that is another one. */
export interface Case {
  readonly object: Json;
  readonly old?: Json | undefined;
  /** The author's manifest of a bare Pod, to be applied again over the hardened one. */
  readonly manifest?: Json | undefined;
}

const NAMESPACE = 'shop';

export const POLICIES = [
  'baseline',
  'default',
  'restricted',
  'default with every rule',
  'restricted with every rule',
] as const;
export type PolicyName = (typeof POLICIES)[number];

/** The policy as it is, and with `templates: Mutate`, in a namespace with a range of uids. */
export function planOf(name: PolicyName, templates: 'Warn' | 'Mutate'): Plan {
  const policy = policyOf(name);
  const namespace = {
    name: NAMESPACE,
    labels: { 'kube-harden.io/mode': 'enforce' },
    uidRange: '1000680000/10000',
    limitRanges: [],
    quotaByQos: false,
  };
  return new StandalonePlans({
    policies: overByName(BUILTIN_POLICIES, [{ ...policy, templates }]),
    namespaces: new Map([[NAMESPACE, namespace]]),
    clock: () => 0,
  }).planWith({ namespace: NAMESPACE, policy: policy.name });
}

/** A built-in policy, or one with the rules turned on that it leaves Disabled. */
function policyOf(name: PolicyName): Policy {
  const base = name.startsWith('restricted') ? 'restricted' : 'default';
  const document = {
    apiVersion: 'kube-harden.io/v1alpha1',
    kind: 'HardeningPolicy',
    metadata: { name: name.replaceAll(' ', '-') },
    spec: specWithEveryRule(base),
  };
  const known = BUILTIN_POLICIES.find((policy) => policy.name === name);
  const [policy] = known ? [known] : loadPolicies(JSON.stringify(document));
  if (!policy) throw new Error(`no policy ${name}`);
  return policy;
}

export function requestFor({ object, old }: Case, operation?: 'CREATE' | 'UPDATE'): AdmissionRequest {
  const apiVersion = String(object.apiVersion);
  const slash = apiVersion.indexOf('/');
  return {
    uid: 'a-uid',
    kind: {
      group: slash < 0 ? '' : apiVersion.slice(0, slash),
      version: apiVersion.slice(slash + 1),
      kind: String(object.kind),
    },
    operation: operation ?? (old ? 'UPDATE' : 'CREATE'),
    subResource: old ? 'ephemeralcontainers' : undefined,
    namespace: NAMESPACE,
    object: object,
    oldObject: old,
  };
}

/**
 * The four promises of the rule catalogue, on one object and one plan.
 * @returns the decision, and the object with its patch applied
 */
export function expectPromises(given: Case, plan: Plan): { decision: Decision; hardened: Json } {
  const before = JSON.stringify(given.object);
  const decision = decide(requestFor(given), plan);
  expect(JSON.stringify(given.object), 'the object itself is not modified').to.equal(before);
  if (decision.outcome === 'denied') {
    expect(decision.patch).to.deep.equal([]);
    return { decision, hardened: given.object };
  }
  const hardened = applied(given.object, decision);
  expectStillValid(given, hardened, plan);
  expectOnlyStronger(given.object, hardened, plan);
  expectOnceIsEnough(given, hardened, plan);
  expectNoSurpriseRollout(given, hardened, plan);
  return { decision, hardened };
}

function applied(object: Json, { patch }: Decision): Json {
  return jsonPatch.applyPatch(object, patch, true, false).newDocument;
}

function expectStillValid(given: Case, hardened: Json, plan: Plan): void {
  const { object, old, manifest } = given;
  const errors = (candidate: Json): string[] =>
    old ? validateEphemeralContainersUpdate(old, candidate) : validateObject(candidate);
  if (errors(object).length === 0) expect(errors(hardened), 'the API accepts it').to.deep.equal([]);
  const added = (check: (candidate: Json) => string[]): string[] =>
    check(hardened).filter((message) => !check(object).includes(message));
  expect(added(runAsNonRootWithUidZero), 'no runAsNonRoot with uid 0 of ours').to.deep.equal([]);
  expect(added(volumeClaimTemplateClashes), 'no volume like a claim').to.deep.equal([]);

  // Override replaces what the author wrote: of a bare Pod, the same manifest cannot be applied again. That is all there
  // is to `restricted`; of the others it is named field by field.
  const isRestricted = plan.policy.startsWith('restricted');
  if (manifest && !isRestricted && podUpdateAccepted(object, manifest).length === 0) {
    const refused = podUpdateAccepted(hardened, manifest).filter((message) => !isOverridden(message, plan));
    expect(refused, 'the manifest can be applied again').to.deep.equal([]);
  }
}

/** Whether a field, which the text begins with, is one that a rule under Override may replace. */
function isOverridden(text: string, { rules }: Plan): boolean {
  return rules.some(
    ({ action, rule }) =>
      action === 'Override' && rule.fields.some((field) => patternOf(field).test(text.replace(/^\.?/, '.'))),
  );
}

/** `spec.volumes[*].image.pullPolicy` in a pod or a template, and what lies below it. */
const patterns = new Map<string, RegExp>();
function patternOf(field: string): RegExp {
  const known = patterns.get(field);
  if (known) return known;
  const escaped = field.replace(/[.[\]*]/g, '\\$&').replaceAll('\\[\\*\\]', '(?:\\[\\d+\\]|\\.[^:]+)');
  const pattern = new RegExp(`\\.${escaped}(?:[.:[ ]|$)`);
  patterns.set(field, pattern);
  return pattern;
}

function expectOnlyStronger(object: Json, hardened: Json, plan: Plan): void {
  const lost = losses(object, hardened).filter((path) => !isOverridden(path, plan));
  expect(lost, 'Default changes nothing that the author wrote').to.deep.equal([]);
  const [before, after] = [locatePod(object), locatePod(hardened)];
  if (!before || !after) return;
  expect(weakenings(before.pod, after.pod), 'nothing is weaker than before').to.deep.equal([]);
  const rank = ['privileged', 'baseline', 'restricted'];
  expect(rank.indexOf(evaluatePodSecurity(after.pod).level), 'Pod Security level').to.be.at.least(
    rank.indexOf(evaluatePodSecurity(before.pod).level),
  );
}

function expectOnceIsEnough(given: Case, hardened: Json, plan: Plan): void {
  expect(decide(requestFor({ ...given, object: hardened }), plan).patch, 'a second pass').to.deep.equal([]);
}

function expectNoSurpriseRollout({ object, old }: Case, hardened: Json, plan: Plan): void {
  if (old || object.kind === 'Pod') return;
  for (const same of [object, hardened]) {
    const update = {
      ...requestFor({ object: same }, 'UPDATE'),
      oldObject: structuredClone(same) as KubernetesObject,
    };
    expect(decide(update, plan).patch, 'an update that leaves the template').to.deep.equal([]);
  }
}

/** The pod that an object is, or has as its template. */
export function podOf(object: Json): ReturnType<typeof podAt> {
  return locatePod(object)?.pod;
}
