import type { Plan } from '../hardening/plan.js';
import { RULE_IDS, ruleIds, type Change, type RuleId, type Violation } from '../hardening/rule.js';
import type { Subject } from './scope.js';
import { namespaceOf, objectName, optOut, optOutLabel, printable, shorten, where } from './text.js';
import type { AdmissionRequest, Outcome } from './types.js';

/** Longer ones are cut by clients; it is the documented advice. */
const LINE_MAX = 120;
/** What a name is cut to at last: `...`. */
const SHORTEST_NAME = 3;
/** The response's 4,096 are shared with PodSecurity and other webhooks; measured: ours cut theirs. */
const TOTAL_MAX = 2048;

interface Told {
  readonly outcome: Outcome;
  readonly plan: Plan;
  readonly changes: readonly Change[];
  readonly violations: readonly Violation[];
}

/**
 * What the user reads at `kubectl apply`: what was changed (or would be), what is violated, and how to see the rest.
 * At most 120 characters a line and 2,048 together; the last line says how to see the rest. What is wrong with the
 * namespace's own labels and exceptions comes first and is never left out.
 */
export function warningsFor(told: Told, request: AdmissionRequest, subject: Subject): string[] {
  const { plan } = told;
  const see = seeLine(request);
  const lines =
    plan.mode === 'audit' || plan.warnings === 'Full'
      ? fullLines(told, request, subject)
      : summaryLines(told, subject);
  if (plan.warnings === 'None' || lines.length === 0) return [...plan.notices];
  lines.push(...quotaLines(told, request));
  return withinBudget(plan.notices, lines, see);
}

/** An object without a name (a controller's pod) cannot be asked for, and a command that is cut short is none. */
function seeLine(request: AdmissionRequest): string {
  const head = 'kube-harden: every change and its reason: kubectl harden';
  const namespace = ` -n ${namespaceOf(request)}`;
  const explain = `${head} explain ${objectName(request)}${namespace}`;
  const hasName = Boolean(request.name || request.object?.metadata?.name);
  if (hasName && explain.length <= LINE_MAX) return explain;
  const preview = `${head} preview -o json -f FILE`;
  return preview.length + namespace.length <= LINE_MAX ? preview + namespace : preview;
}

/** One line for what was changed, one for what is violated. */
function summaryLines({ plan, outcome, changes, violations }: Told, subject: Subject): string[] {
  const lines: string[] = [];
  if (changes.length > 0) {
    const verb =
      outcome === 'patched' ? 'set' : subject.located.isTemplate ? 'will set on its pods' : 'would set';
    const fields = changes.length === 1 ? '1 field' : `${changes.length} fields`;
    lines.push(listing(`kube-harden ${verb} ${fields}`, changes));
  }
  if (violations.length > 0) {
    const count = violations.length === 1 ? '1 violation' : `${violations.length} violations`;
    const refuses = subject.located.isTemplate ? 'would refuse its pods' : 'would refuse it';
    const isRefused = violations.some(({ denied }) => denied);
    const head = `kube-harden policy ${plan.policy}${isRefused ? ` ${refuses}` : ''}`;
    lines.push(listing(`${head}: ${count}`, violations));
  }
  return lines;
}

/** `head (runAsUser, capabilities, ...)`, with as many ids as there is room for. */
function listing(head: string, list: readonly { readonly rule: RuleId }[]): string {
  const ids = ruleIds(list);
  for (let count = ids.length; count > 0; count--) {
    const shown = count === ids.length ? ids : [...ids.slice(0, count), '...'];
    const line = `${head} (${shown.join(', ')})`;
    if (line.length <= LINE_MAX) return line;
  }
  return head.slice(0, LINE_MAX);
}

/** One line a rule, for what was changed and for what is violated. */
function fullLines(
  { plan, outcome, changes, violations }: Told,
  request: AdmissionRequest,
  subject: Subject,
): string[] {
  const verb =
    outcome === 'patched'
      ? 'set'
      : subject.located.isTemplate && plan.mode === 'enforce'
        ? 'will be set'
        : 'would be set';
  const line = (id: RuleId, list: readonly (Change | Violation)[], what: string): string[] => {
    const ofRule = list.filter(({ rule }) => rule === id);
    return ofRule.length === 0 ? [] : [ruleLine(id, what, ofRule, request, plan)];
  };
  const isRefused = (id: RuleId): boolean => violations.some(({ rule, denied }) => rule === id && denied);
  return RULE_IDS.flatMap((id) => [
    ...line(id, changes, verb),
    ...line(id, violations, isRefused(id) ? 'would be refused' : 'violated'),
  ]);
}

/** The longest form that fits: names are shortened, the label to type is always whole. */
function ruleLine(
  id: RuleId,
  what: string,
  list: readonly (Change | Violation)[],
  request: AdmissionRequest,
  plan: Plan,
): string {
  const rulePlan = plan.byId[id];
  const containers = list.map(({ container }) => container);
  const remedy = optOut(rulePlan, namespaceOf(request), plan.policy);
  const label = rulePlan?.optOut === 'Forbidden' ? 'no opt-out' : `opt out: label ${optOutLabel(id)}`;
  const form = (nameLength: number, way: string): string =>
    `${id} ${what} ${where(containers, nameLength)}; ${way}`;
  const roomForName = LINE_MAX - form(0, label).length + SHORTEST_NAME;
  const forms = [
    form(63, remedy),
    form(20, remedy),
    form(Math.max(SHORTEST_NAME, roomForName), label),
    `${id} ${what}; ${label}`,
  ];
  return forms.find((line) => line.length <= LINE_MAX) ?? `${id} ${what}`;
}

/**
 * Default requests and limits may be more than a ResourceQuota has left. The API server's own message then says what
 * was asked for, but not that the author did not ask for it: one line for each quota says so.
 */
function quotaLines({ plan, changes }: Told, request: AdmissionRequest): string[] {
  if (plan.quotas.length === 0) return [];
  const added = new Set<string>();
  for (const { rule, path, after } of changes) {
    const at = rule === 'resources' ? path.indexOf('resources') : -1;
    if (at >= 0) for (const name of countedNames(path.slice(at + 1), after)) added.add(name);
  }
  return plan.quotas.flatMap(({ name, resources }) => {
    const counted = resources.filter((resource) => added.has(resource));
    if (counted.length === 0) return [];
    const head = `resources: these defaults count towards ResourceQuota "${shorten(printable(name), 40)}"`;
    const full = `${head} of ${namespaceOf(request)}: ${counted.join(', ')}`;
    return [full.length <= LINE_MAX ? full : head];
  });
}

/** `requests.cpu` for a change at [requests, cpu], or at [requests] or [] with what is in it. */
function countedNames(path: readonly (string | number)[], after: unknown): string[] {
  if (path.length >= 2) return [path.slice(0, 2).join('.')];
  if (typeof after !== 'object' || after === null) return [];
  return Object.entries(after).flatMap(([key, value]) => countedNames([...path, key], value));
}

/** Notices first; then as many lines as fit, and the line that says how to see the rest. */
function withinBudget(notices: readonly string[], lines: readonly string[], see: string): string[] {
  const kept = [...notices];
  let left = TOTAL_MAX - see.length - notices.reduce((sum, notice) => sum + notice.length, 0);
  for (const line of lines) {
    if (line.length > left) break;
    left -= line.length;
    kept.push(line);
  }
  kept.push(see);
  return kept;
}
