import { expect } from 'chai';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { fieldPath } from '../../src/hardening/fieldPath.js';
import { harden } from '../../src/hardening/harden.js';
import { toPatch } from '../../src/hardening/patch.js';
import type { ImageProfile, LimitRangeItem, Plan } from '../../src/hardening/plan.js';
import type { Hardening, HardenInput } from '../../src/hardening/podDraft.js';
import type { Container, ObjectMeta, Pod, PodSpec } from '../../src/hardening/podSpec.js';
import { RULE_IDS, type Action, type RuleId } from '../../src/hardening/rule.js';
import { validatePod } from '../../src/hardening/validatePod.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { PlanBook } from '../../src/policy/planBook.js';
import type { Policy, PolicyException, PolicyRule } from '../../src/policy/policy.js';
import { validateObject } from './apiValidation.js';

/** What a test says of a rule: its action, or the action and settings that differ from the built-in `default`. */
export type RuleChoice =
  Action | ({ action?: Action; optOut?: 'Allowed' | 'Forbidden' } & Readonly<Record<string, unknown>>);

export interface HardenOptions {
  /** The built-in policy to start from. Without it only the rules that `rules` names run, from `default`. */
  readonly policy?: 'baseline' | 'default' | 'restricted';
  readonly rules?: Partial<Record<RuleId, RuleChoice>>;
  readonly unknownImages?: 'Harden' | 'Safe';
  readonly imageProfiles?: readonly ImageProfile[];
  /** Each bound to the namespace `shop`. */
  readonly exceptions?: readonly Exception[];
  /** The namespace's labels, without the prefix `kube-harden.io/`. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly uidRange?: string;
  readonly limitRanges?: readonly LimitRangeItem[];
  readonly quotaByQos?: boolean;
  readonly scope?: HardenInput['scope'];
  readonly bare?: boolean;
  readonly daemonSet?: boolean;
  readonly reservedVolumeNames?: readonly string[];
  readonly addedEphemeral?: readonly number[];
  /** False where the pod is one that the API server would refuse anyway. */
  readonly valid?: boolean;
}

export interface Exception {
  readonly rules: readonly RuleId[];
  readonly containers?: readonly string[];
  readonly images?: readonly string[];
}

export interface Hardened extends Hardening {
  readonly hardened: Pod;
  readonly patch: readonly Operation[];
}

/** A container as people write it, and nothing that a rule would object to but what is unset. */
export function container(fields: Partial<Container> = {}): Container {
  return { name: 'web', image: 'registry.example/shop/web:1.4', ...fields };
}

/** The smallest Pod that an API server accepts. */
export function pod(spec: Partial<PodSpec> = {}, metadata: Partial<ObjectMeta> = {}): Pod {
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name: 'shop', namespace: 'shop', labels: { app: 'shop' }, ...metadata },
    spec: { containers: [container()], ...spec },
  };
}

/** A pod with one container, by its securityContext. */
export function podWith(securityContext: NonNullable<Container['securityContext']>): Pod {
  return pod({ containers: [container({ securityContext })] });
}

export function planOf(options: HardenOptions): Plan {
  const name = options.policy ?? 'default';
  const base = BUILTIN_POLICIES.find((policy) => policy.name === name);
  if (!base) throw new Error(`no built-in policy ${name}`);
  const policy: Policy = {
    ...base,
    name: 'default',
    unknownImages: options.unknownImages ?? 'Harden',
    imageProfiles: options.imageProfiles ?? [],
    exceptions: (options.exceptions ?? []).map(toException),
    rules: Object.fromEntries(
      RULE_IDS.map((id) => [id, ruleOf(base.rules[id], options.rules?.[id], options.policy === undefined)]),
    ) as Record<RuleId, PolicyRule>,
  };
  const labels = Object.entries({ mode: 'enforce', ...options.labels });
  return new PlanBook([policy], () => Date.parse('2026-06-01T00:00:00Z')).planFor({
    name: 'shop',
    labels: Object.fromEntries(labels.map(([key, value]) => [`kube-harden.io/${key}`, value])),
    uidRange: options.uidRange,
    limitRanges: options.limitRanges ?? [],
    quotaByQos: options.quotaByQos ?? false,
  });
}

function toException({ rules, containers, images }: Exception, index: number): PolicyException {
  return {
    name: `exception-${index}`,
    reason: 'a test',
    match: { namespaces: ['shop'], containers, images },
    rules,
  };
}

function ruleOf(base: PolicyRule, choice: RuleChoice | undefined, othersAreDisabled: boolean): PolicyRule {
  if (choice === undefined) return othersAreDisabled ? { ...base, action: 'Disabled' } : base;
  if (typeof choice === 'string') return { ...base, action: choice };
  const { action = base.action, optOut = base.optOut, ...settings } = choice;
  return { action, optOut, settings: { ...base.settings, ...settings } };
}

/**
 * Hardens a pod as the webhook does: plan, changes, patch, and the patch applied strictly. Whatever the test is about,
 * it also holds that the pod given is left alone, that a pod which the API server accepts is accepted hardened, that
 * Default changes nothing that the author wrote, and that hardening the result again changes nothing.
 */
export function hardenPod(given: Pod, options: HardenOptions = {}): Hardened {
  const plan = planOf(options);
  const before = JSON.stringify(given);
  expect(validatePod(given, []), 'the test pod has fields of a wrong type').to.deep.equal([]);
  const result = harden(inputOf(given, options), plan);
  const patch = toPatch(given, [], result.changes);
  const hardened = fastJsonPatch.applyPatch(
    JSON.parse(before) as Pod,
    JSON.parse(JSON.stringify(patch)) as Operation[],
    true,
  ).newDocument;
  expect(JSON.stringify(given), 'hardening modified the pod that it was given').to.equal(before);
  if (options.valid !== false && options.scope === undefined) {
    expect(apiErrors(given), 'the test pod is not valid; say valid: false').to.deep.equal([]);
    expect(apiErrors(hardened), 'the API server would refuse the hardened pod').to.deep.equal([]);
  }
  for (const change of result.changes) {
    if (change.before !== undefined) expectMayReplace(plan, change.rule, fieldPath(change.path));
  }
  const again = harden(inputOf(hardened, options), plan);
  expect(again.changes, 'hardening twice changes more').to.deep.equal([]);
  return { ...result, hardened, patch };
}

function inputOf(given: Pod, options: HardenOptions): HardenInput {
  return {
    pod: given,
    scope: options.scope ?? 'pod',
    bare: options.bare ?? false,
    daemonSet: options.daemonSet ?? false,
    reservedVolumeNames: options.reservedVolumeNames ?? [],
    addedEphemeral: new Set(options.addedEphemeral),
  };
}

function apiErrors(given: Pod): string[] {
  return validateObject(JSON.parse(JSON.stringify(given)) as Record<string, unknown>);
}

/** The documented exceptions: `drop` becomes [ALL], what a profile gives back is added, the injected token goes. */
function expectMayReplace(plan: Plan, rule: RuleId, field: string): void {
  const mayRewrite = rule === 'capabilities' || /\.(volumes|volumeMounts)\[\d+\]$/.test(field);
  if (mayRewrite) return;
  expect(plan.byId[rule]?.action, `${field} was the author's`).to.equal('Override');
}

export const REMOVED = '(removed)';

/** What came of a pod, short enough for a table. */
export interface Outcome {
  /** By field; a list for a field that is appended to; `REMOVED` where it is taken away. */
  readonly set?: Readonly<Record<string, unknown>>;
  /** `container: Code`, or `Code` for the pod. */
  readonly skipped?: readonly string[];
  /** `field = value`, or `field` where it is unset; ` (denied)` where the rule is Deny. */
  readonly violated?: readonly string[];
}

export function outcomeOf({ changes, skips, violations }: Hardening): Required<Outcome> {
  const set: Record<string, unknown> = {};
  for (const { path, after } of changes) {
    const field = fieldPath(path);
    if (path[path.length - 1] === '-') set[field] = [...((set[field] as unknown[] | undefined) ?? []), after];
    else set[field] = after ?? REMOVED;
  }
  return {
    set,
    skipped: skips.map(({ code, container: at }) => (at ? `${at.name}: ${code}` : code)),
    violated: violations.map(
      ({ field, value, denied }) =>
        field + (value === undefined ? '' : ` = ${JSON.stringify(value)}`) + (denied ? ' (denied)' : ''),
    ),
  };
}

export interface Case extends HardenOptions, Outcome {
  /** A sentence: what holds. */
  readonly title: string;
  readonly pod: Pod;
  /** The action of the rule under test; Default unless given. */
  readonly action?: Action;
  readonly optOut?: 'Allowed' | 'Forbidden';
  /** Its settings, where they differ from those of the built-in `default`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** One test a case. What a case does not mention must not happen: no other field, skip or violation of this rule. */
export function itHardens(rule: RuleId, cases: readonly Case[]): void {
  for (const { title, action = 'Default', settings = {}, set, skipped, violated, ...rest } of cases) {
    it(title, () => {
      const chosen = { action, ...settings, ...(rest.optOut && { optOut: rest.optOut }) };
      const options = { ...rest, rules: { ...rest.rules, [rule]: chosen } };
      const { changes, skips, violations } = hardenPod(rest.pod, options);
      const own = <T extends { rule: RuleId }>(list: readonly T[]): T[] =>
        list.filter((x) => x.rule === rule);
      expect(
        outcomeOf({ changes: own(changes), skips: own(skips), violations: own(violations) }),
      ).to.deep.equal({ set: set ?? {}, skipped: skipped ?? [], violated: violated ?? [] });
    });
  }
}
