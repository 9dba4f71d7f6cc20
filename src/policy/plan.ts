import type { ImageProfiles, Plan, RulePlan } from '../hardening/plan.js';
import { RULE_IDS, type RuleId } from '../hardening/rule.js';
import { RULES } from '../hardening/rules/index.js';
import { appliesTo, compileException, expiryOf } from './exceptions.js';
import type { NamespaceFacts } from './namespace.js';
import type { Policy } from './policy.js';

export const LABEL_PREFIX = 'kube-harden.io/';
export const MODE_LABEL = `${LABEL_PREFIX}mode`;
export const POLICY_LABEL = `${LABEL_PREFIX}policy`;
const OTHER_NAMES = ['mode', 'policy', 'uid-range'];

/** What a namespace asks for by its labels, and what of it could not be understood. */
export interface NamespaceRequest {
  readonly mode: Plan['mode'];
  readonly because?: string | undefined;
  readonly policy: string;
  readonly notices: readonly string[];
}

/**
 * Reads mode and policy from a namespace's labels. A mode that is no known word counts as `audit`: a typo neither
 * disables nor mutates silently. A policy that does not exist counts as `default`.
 */
export function readLabels(facts: NamespaceFacts, hasPolicy: (name: string) => boolean): NamespaceRequest {
  const notices: string[] = [];
  const given = facts.labels[MODE_LABEL];
  let mode: Plan['mode'] = 'disabled';
  if (given === 'enforce' || given === 'audit' || given === 'disabled') mode = given;
  else if (given !== undefined) {
    mode = 'audit';
    notices.push(`label ${MODE_LABEL}=${given} is not enforce, audit or disabled: treated as audit`);
  }
  let policy = facts.labels[POLICY_LABEL] ?? 'default';
  if (!hasPolicy(policy)) {
    notices.push(`label ${POLICY_LABEL}=${policy} names no policy: default applies`);
    policy = 'default';
  }
  const because =
    mode !== 'disabled'
      ? undefined
      : given === undefined
        ? `no label ${MODE_LABEL}`
        : `label ${MODE_LABEL}=disabled`;
  return { mode, because, policy, notices };
}

/**
 * Everything that decisions in a namespace need: made once per change of the namespace, of its policy, or of the set
 * of exceptions that hold, and never per request.
 *
 * @param now milliseconds since the epoch; the plan says until when it holds (`nextExpiry`)
 */
export function makePlan(
  facts: NamespaceFacts,
  request: NamespaceRequest,
  policy: Policy,
  imageProfiles: ImageProfiles,
  now: number,
): Plan {
  const notices = [...request.notices];
  const rules = RULES.flatMap((rule) => planRule(rule.id, facts, policy, notices));
  reportUnknownLabels(facts, notices);
  const uidRange = readUidRange(facts, policy, notices);

  const bound = policy.exceptions.filter((exception) => appliesTo(exception, facts.name));
  const hasExpired = (expiry: number | undefined): boolean => expiry !== undefined && expiry <= now;
  for (const exception of bound.filter((candidate) => hasExpired(expiryOf(candidate)))) {
    notices.push(`exception ${exception.name} expired on ${exception.expires ?? ''} and no longer applies`);
  }
  const active = bound.filter((exception) => !hasExpired(expiryOf(exception)));
  const expiries = active.flatMap((exception) => expiryOf(exception) ?? []);

  return {
    policy: policy.name,
    mode: request.mode,
    because: request.because,
    warnings: policy.warnings,
    templates: policy.templates,
    unknownImages: policy.unknownImages,
    rules,
    byId: Object.fromEntries(rules.map((rulePlan) => [rulePlan.rule.id, rulePlan])),
    imageProfiles,
    exceptions: active.map(compileException),
    uidRange,
    limitRanges: facts.limitRanges,
    quotaByQos: facts.quotaByQos,
    notices: notices.map(shorten),
    nextExpiry: expiries.length > 0 ? Math.min(...expiries) : undefined,
  };
}

function planRule(id: RuleId, facts: NamespaceFacts, policy: Policy, notices: string[]): RulePlan[] {
  const rule = RULES.find((candidate) => candidate.id === id);
  const { action, optOut, settings } = policy.rules[id];
  if (!rule || action === 'Disabled') return [];
  const label = facts.labels[LABEL_PREFIX + id];
  const isKnown = label === 'disabled' || label === 'warn';
  if (label !== undefined && !isKnown) {
    notices.push(`label ${LABEL_PREFIX}${id}=${label} is ignored: it is not disabled or warn`);
  } else if (label !== undefined && optOut === 'Forbidden') {
    notices.push(`label ${LABEL_PREFIX}${id}=${label} is ignored: policy ${policy.name} forbids it`);
  }
  const isHeeded = isKnown && optOut === 'Allowed';
  return [
    {
      rule,
      action: isHeeded && label === 'warn' ? 'Warn' : action,
      settings,
      optOut,
      optedOut: isHeeded && label === 'disabled',
    },
  ];
}

function reportUnknownLabels(facts: NamespaceFacts, notices: string[]): void {
  const known: readonly string[] = [...RULE_IDS, ...OTHER_NAMES];
  for (const label of Object.keys(facts.labels)) {
    if (!label.startsWith(LABEL_PREFIX) || known.includes(label.slice(LABEL_PREFIX.length))) continue;
    notices.push(`label ${label} is ignored: there is no such rule`);
  }
}

function readUidRange(facts: NamespaceFacts, policy: Policy, notices: string[]): Plan['uidRange'] {
  const { action, settings } = policy.rules.runAsUser;
  const isUsed = action !== 'Disabled' && settings['strategy'] === 'NamespaceRange';
  const [, first, size] = /^(\d{1,10})[/-](\d{1,10})$/.exec(facts.uidRange ?? '') ?? [];
  const range = { first: Number(first), size: Number(size) };
  const isValid = first !== undefined && range.first > 0 && range.first <= 2 ** 31 - 1 && range.size > 0;
  if (isValid) return range;
  if (isUsed) {
    const found = facts.uidRange === undefined ? 'is missing' : `"${facts.uidRange}" is not first/size`;
    notices.push(`annotation ${LABEL_PREFIX}uid-range ${found}: runAsUser.value applies`);
  }
  return undefined;
}

const NOTICE_MAX = 120;

function shorten(notice: string): string {
  return notice.length <= NOTICE_MAX ? notice : `${notice.slice(0, NOTICE_MAX - 3)}...`;
}
