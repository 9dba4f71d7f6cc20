import type { ImageProfiles, Plan, RulePlan } from '../hardening/plan.js';
import { RULE_IDS, type Rule } from '../hardening/rule.js';
import { RUNNING_ORDER } from '../hardening/rules/index.js';
import { ExceptionIndex } from './exceptionIndex.js';
import { appliesTo, expiryOf } from './exceptions.js';
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
 * @param now milliseconds since the epoch; the plan says until when it holds (`nextExpiry`), and from when (`lastExpiry`)
 */
export function makePlan(
  facts: NamespaceFacts,
  request: NamespaceRequest,
  policy: Policy,
  imageProfiles: ImageProfiles,
  now: number,
): Plan {
  const notices = [...request.notices, ...labelNotices(facts, policy)];
  const rules = RUNNING_ORDER.flatMap((rule) => planRule(rule, facts, policy));
  const uidRange = usesUidRange(policy) ? readUidRange(facts, notices) : undefined;

  const bound = policy.exceptions.filter((exception) => appliesTo(exception, facts.name));
  const hasExpired = (expiry: number | undefined): boolean => expiry !== undefined && expiry <= now;
  const expired = bound.filter((exception) => hasExpired(expiryOf(exception)));
  for (const exception of expired) {
    notices.push(`exception ${exception.name} expired on ${exception.expires ?? ''} and no longer applies`);
  }
  const active = bound.filter((exception) => !hasExpired(expiryOf(exception)));
  const expiries = active.flatMap((exception) => expiryOf(exception) ?? []);
  const past = expired.flatMap((exception) => expiryOf(exception) ?? []);

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
    exceptions: new ExceptionIndex(active),
    uidRange,
    limitRanges: facts.limitRanges,
    quotaByQos: facts.quotaByQos,
    quotas: facts.quotas ?? [],
    notices: withinBudget(notices.map(shorten)),
    nextExpiry: expiries.length > 0 ? Math.min(...expiries) : undefined,
    lastExpiry: past.length > 0 ? Math.max(...past) : undefined,
  };
}

function planRule(rule: Rule, facts: NamespaceFacts, policy: Policy): RulePlan[] {
  const { action, optOut, settings } = policy.rules[rule.id];
  if (action === 'Disabled') return [];
  const label = optOut === 'Allowed' ? facts.labels[LABEL_PREFIX + rule.id] : undefined;
  return [
    {
      rule,
      action: label === 'warn' ? 'Warn' : action,
      settings,
      optOut,
      optedOut: label === 'disabled',
      hasLabel: label !== undefined,
    },
  ];
}

/** What the namespace's rule labels say that is not heeded, rule by rule, then labels of no rule. */
function labelNotices(facts: NamespaceFacts, policy: Policy): string[] {
  const notices = RULE_IDS.flatMap((id) => {
    const label = facts.labels[LABEL_PREFIX + id];
    if (label === undefined) return [];
    const { action, optOut } = policy.rules[id];
    const ignored = `label ${LABEL_PREFIX}${id}=${label} is ignored`;
    if (label !== 'disabled' && label !== 'warn') return [`${ignored}: it is not disabled or warn`];
    const isForbidden = action !== 'Disabled' && optOut === 'Forbidden';
    return isForbidden ? [`${ignored}: policy ${policy.name} forbids it`] : [];
  });
  const known: readonly string[] = [...RULE_IDS, ...OTHER_NAMES];
  for (const label of Object.keys(facts.labels)) {
    if (!label.startsWith(LABEL_PREFIX) || known.includes(label.slice(LABEL_PREFIX.length))) continue;
    notices.push(`label ${label} is ignored: there is no such rule`);
  }
  return notices;
}

/** Only then does the annotation tell namespaces apart: on OpenShift every one has its own. */
export function usesUidRange(policy: Policy): boolean {
  const { action, settings } = policy.rules.runAsUser;
  return action !== 'Disabled' && settings['strategy'] === 'NamespaceRange';
}

/** `first/size`, or `first-last` as OpenShift reads it too. */
function readUidRange({ uidRange }: NamespaceFacts, notices: string[]): Plan['uidRange'] {
  const [, start, separator, end] = /^(\d{1,10})([/-])(\d{1,10})$/.exec(uidRange ?? '') ?? [];
  const first = Number(start);
  const size = separator === '-' ? Number(end) - first + 1 : Number(end);
  if (first > 0 && first <= 2 ** 31 - 1 && size > 0) return { first, size };
  const found = uidRange === undefined ? 'is missing' : `"${uidRange}" is not first/size`;
  notices.push(`annotation ${LABEL_PREFIX}uid-range ${found}: runAsUser.value applies`);
  return undefined;
}

const NOTICE_MAX = 120;
/** All together: of the 2,048 characters that a response's warnings may have, enough is left for what it is about. */
const NOTICES_MAX = 1500;

function shorten(notice: string): string {
  return notice.length <= NOTICE_MAX ? notice : `${notice.slice(0, NOTICE_MAX - 3)}...`;
}

function withinBudget(notices: readonly string[]): string[] {
  const kept: string[] = [];
  let left = NOTICES_MAX;
  for (const [index, notice] of notices.entries()) {
    left -= notice.length;
    if (left < 0)
      return [...kept, `and ${notices.length - index} more labels and exceptions of this namespace`];
    kept.push(notice);
  }
  return kept;
}
