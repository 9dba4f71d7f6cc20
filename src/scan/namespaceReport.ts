import type { ApiObject } from '../cluster/apiClient.js';
import type { Level } from '../podSecurity/control.js';
import { amountTexts, type Amounts } from './amounts.js';
import { quotaReports } from './limits.js';
import type { NamespacePlan } from './namespacePlans.js';
import type { NamespaceReport, NodesReport, WorkloadReport } from './report.js';
import { coldStartObjections, objections } from './verdict.js';
import { addedOf, resultsOf, type Workload } from './workloads.js';

/** What was found of a namespace. */
export interface Found {
  readonly workloads: readonly Workload[];
  /** By all workloads together. */
  readonly added: Amounts;
  readonly quotas: readonly ApiObject[];
  /** What all nodes together could not take of what is added here. */
  readonly tooMuch: NodesReport['resources'];
  /** Resources that could not be read. */
  readonly refused: readonly string[];
}

export function namespaceReport(
  { name, now, enforced }: NamespacePlan,
  { workloads: found, added, quotas, tooMuch, refused }: Found,
): NamespaceReport {
  const workloads = found
    .map((workload) => workloadReport(workload))
    .sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
  const quotaRows = quotaReports(quotas, added);
  const notRead = now === undefined ? ['its labels and limits', ...refused] : refused;
  const against = [...objections(workloads, quotaRows, tooMuch, notRead), ...coldStartObjections(found)];
  return {
    name,
    mode: now?.mode ?? null,
    because: now?.because ?? null,
    policy: enforced.policy,
    notices: enforced.notices,
    verdict: now?.mode === 'enforce' ? 'enforced' : against.length === 0 ? 'ready' : 'not yet',
    against,
    podSecurity: lowest(workloads),
    added: amountTexts(added),
    quotas: quotaRows,
    workloads,
  };
}

function workloadReport(workload: Workload): WorkloadReport {
  const { apiVersion, kind, name, uid, controlledBy, replicas } = workload;
  return {
    apiVersion,
    kind,
    name,
    uid,
    controlledBy,
    replicas,
    added: amountTexts(addedOf(workload)),
    results: resultsOf(workload),
  };
}

function sortKey({ kind, name }: WorkloadReport): string {
  return `${kind}/${name}`;
}

const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted'];

function lowest(workloads: readonly WorkloadReport[]): NamespaceReport['podSecurity'] {
  const all = workloads.flatMap(({ results }) => results.flatMap(({ podSecurity }) => podSecurity ?? []));
  const of = (side: 'before' | 'after'): Level =>
    LEVELS[Math.min(...all.map((each) => LEVELS.indexOf(each[side])))] ?? 'restricted';
  return all.length === 0 ? null : { before: of('before'), after: of('after') };
}
