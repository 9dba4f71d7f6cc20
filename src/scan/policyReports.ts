import { RULE_IDS, type Risk, type RuleId } from '../hardening/rule.js';
import { CATALOGUE } from '../preview/catalogue.js';
import type { PreviewResult } from '../preview/result.js';
import type { NamespaceReport, ScanReport, WorkloadReport } from './report.js';

type Outcome = 'pass' | 'fail' | 'warn' | 'error' | 'skip';

const NAME = 'kube-harden-scan';

/**
 * kubectl apply keeps what it was given in an annotation, of which an object may have 256 KiB together. A namespace that
 * does not fit has its workloads in several reports.
 */
const REPORT_MAX_BYTES = 200 * 1024;

/**
 * One PolicyReport a namespace, for the dashboards that Kyverno's users have.
 *
 * A rule of a workload is told once: `fail` where its author's value is weaker than the policy asks, and hardening
 * leaves it; `warn` where hardening would change something; `skip` where the rule leaves it alone. What passes is only
 * counted. The severity is the risk that a change breaks the program; of a violation `high` where the object is refused
 * for it, else `medium`.
 *
 * Source: the CRD wgpolicyk8s.io/v1alpha2 (kubernetes-sigs/wg-policy-prototypes), as Kyverno ships it.
 *
 * @param now milliseconds since the epoch
 * @returns plain JSON
 */
export function policyReports(report: ScanReport, now: number): object[] {
  return report.namespaces
    .filter(({ workloads }) => workloads.length > 0)
    .flatMap((namespace) =>
      inParts(namespace, now).map((parts, index) => policyReport(namespace, parts, index)),
    );
}

interface Part {
  readonly results: readonly { readonly result: Outcome }[];
  readonly passed: number;
}

/** The workloads' results, put together as far as they fit in one object. */
function inParts(namespace: NamespaceReport, now: number): Part[][] {
  const reports: Part[][] = [];
  let room = 0;
  for (const workload of namespace.workloads) {
    const part = partOf(workload, namespace, now);
    const size = Buffer.byteLength(JSON.stringify(part.results));
    if (size > room || reports.length === 0) {
      reports.push([]);
      room = REPORT_MAX_BYTES;
    }
    room -= size;
    reports.at(-1)?.push(part);
  }
  return reports;
}

function policyReport({ name }: NamespaceReport, parts: readonly Part[], index: number): object {
  const results = parts.flatMap((part) => part.results);
  const count = (outcome: Outcome): number => results.filter(({ result }) => result === outcome).length;
  return {
    apiVersion: 'wgpolicyk8s.io/v1alpha2',
    kind: 'PolicyReport',
    metadata: {
      name: index === 0 ? NAME : `${NAME}-${index + 1}`,
      namespace: name,
      labels: { 'app.kubernetes.io/managed-by': 'kube-harden' },
    },
    summary: {
      pass: parts.reduce((sum, { passed }) => sum + passed, 0),
      fail: count('fail'),
      warn: count('warn'),
      error: 0,
      skip: count('skip'),
    },
    results,
  };
}

function partOf(workload: WorkloadReport, { name, policy }: NamespaceReport, now: number): Part {
  const { apiVersion, kind, uid } = workload;
  const resource = { apiVersion, kind, namespace: name, name: workload.name, ...(uid !== null && { uid }) };
  const timestamp = { seconds: Math.floor(now / 1000), nanos: 0 };
  const found = RULE_IDS.flatMap((rule) => {
    const told = ruleOutcome(rule, workload.results);
    if (told === undefined) return [];
    const { result, severity, message } = told;
    return [
      {
        source: 'kube-harden',
        policy,
        rule,
        category: categoryOf(rule),
        ...(severity !== undefined && { severity }),
        result,
        scored: true,
        message,
        resources: [resource],
        timestamp,
      },
    ];
  });
  return { results: found, passed: RULE_IDS.length - found.length };
}

interface RuleOutcome {
  readonly result: Outcome;
  readonly severity: Risk | undefined;
  readonly message: string;
}

/** @returns undefined where it passes */
function ruleOutcome(rule: RuleId, results: readonly PreviewResult[]): RuleOutcome | undefined {
  const of = <T extends { readonly rule: RuleId }>(list: readonly T[]): T[] =>
    list.filter((each) => each.rule === rule);
  const violations = results.flatMap((result) => of(result.violations));
  const changes = results.flatMap((result) => of(result.changes));
  const skips = results.flatMap((result) => of(result.skips));
  if (violations.length > 0) {
    const lines = violations.map(
      ({ field, value, fix }) => `${field} is ${value === null ? 'unset' : JSON.stringify(value)}: ${fix}`,
    );
    const severity = violations.some(({ denied }) => denied) ? 'high' : 'medium';
    return { result: 'fail', severity, message: shortened(lines) };
  }
  if (changes.length > 0) {
    const fields = changes.map(({ field }) => field);
    const severity = (['high', 'medium', 'low'] as const).find((risk) =>
      changes.some((change) => change.risk === risk),
    );
    return { result: 'warn', severity, message: `enforce would set ${shortened([...new Set(fields)])}` };
  }
  if (skips.length === 0) return undefined;
  const reasons = new Set(skips.map(({ code, reason }) => `${code}: ${reason}`));
  return { result: 'skip', severity: undefined, message: shortened([...reasons]) };
}

const SHOWN = 4;

function shortened(lines: readonly string[]): string {
  const shown = lines.slice(0, SHOWN).join('; ');
  return lines.length <= SHOWN ? shown : `${shown}; and ${lines.length - SHOWN} more`;
}

/** Kyverno's policies for the same controls say it in these words. */
function categoryOf(rule: RuleId): string {
  const control = CATALOGUE.find(({ id }) => id === rule)?.control;
  if (!control) return 'Hardening';
  return `Pod Security Standards (${control.level === 'baseline' ? 'Baseline' : 'Restricted'})`;
}
