import { RULE_IDS, type Risk, type RuleId } from '../hardening/rule.js';
import type { PreviewResult } from '../preview/result.js';
import type { NodesReport, Objection, QuotaReport, WorkloadReport } from './report.js';
import type { Workload } from './workloads.js';

/**
 * What speaks against turning enforce on in a namespace: changes that may break a program that runs today, workloads
 * that would be refused, quotas and nodes that new pods would no longer fit in, and what could not be looked at.
 *
 * @param tooMuch what all nodes together could not take
 * @param notRead resources of the namespace that could not be read
 */
export function objections(
  workloads: readonly WorkloadReport[],
  quotas: readonly QuotaReport[],
  tooMuch: NodesReport['resources'],
  notRead: readonly string[],
): Objection[] {
  return [
    ...deniedObjections(workloads),
    ...riskObjections(workloads, 'high'),
    ...riskObjections(workloads, 'medium'),
    ...quotas.filter(({ exceeded }) => exceeded).map(quotaObjection),
    ...tooMuch.map(({ resource, allocatable, requested, added }) => ({
      kind: 'nodes' as const,
      message: `${resource}: all nodes have ${allocatable}, of which ${requested} are in use, and ${added} would be added`,
    })),
    ...(notRead.length === 0
      ? []
      : [{ kind: 'not read' as const, message: `${notRead.join(', ')} could not be read` }]),
  ];
}

/**
 * Where kube-harden's own pods need some of these to start (the network, a volume's driver, whatever makes nodes), a cluster
 * that has lost all of both never comes back by itself: while no replica answers, enforce refuses their pods.
 */
export function coldStartObjections(workloads: readonly Workload[]): Objection[] {
  const critical = workloads.flatMap(({ kind, name, criticality }) =>
    criticality === undefined ? [] : [`${kind}/${name} is ${criticality}`],
  );
  return critical.sort().map((what) => ({
    kind: 'cold start',
    message: `${what}: should kube-harden need it to start, neither could after an outage of both`,
  }));
}

function deniedObjections(workloads: readonly WorkloadReport[]): Objection[] {
  return ruleCounts(workloads, ({ violations }) => violations.filter(({ denied }) => denied)).map(
    ([rule, named]) => ({
      kind: 'denied',
      rule,
      workloads: named.length,
      message: `${rule} refuses ${countOf(named)}`,
    }),
  );
}

function riskObjections(workloads: readonly WorkloadReport[], risk: Exclude<Risk, 'low'>): Objection[] {
  return ruleCounts(workloads, ({ changes }) => changes.filter((change) => change.risk === risk)).map(
    ([rule, named]) => ({
      kind: `${risk} risk` as const,
      rule,
      workloads: named.length,
      message: `${rule} would change ${countOf(named)}`,
    }),
  );
}

function quotaObjection({ quota, resource, hard, used, added, scoped }: QuotaReport): Objection {
  const most = scoped ? ' at most (it counts only some pods)' : '';
  return {
    kind: 'quota',
    message: `${quota}: ${resource} has ${used} of ${hard} in use, and ${added}${most} would be added`,
  };
}

/** The rules that have something to say, in catalogue order, each with the workloads that it is about. */
function ruleCounts(
  workloads: readonly WorkloadReport[],
  select: (result: PreviewResult) => readonly { readonly rule: RuleId }[],
): [RuleId, WorkloadReport[]][] {
  const named = new Map<RuleId, Set<WorkloadReport>>();
  for (const workload of workloads) {
    for (const { rule } of workload.results.flatMap(select)) {
      const before = named.get(rule);
      if (before) before.add(workload);
      else named.set(rule, new Set([workload]));
    }
  }
  return RULE_IDS.flatMap((id) => {
    const found = named.get(id);
    return found ? [[id, [...found]] as [RuleId, WorkloadReport[]]] : [];
  });
}

function countOf(workloads: readonly WorkloadReport[]): string {
  const [only] = workloads;
  return only && workloads.length === 1 ? `${only.kind}/${only.name}` : `${workloads.length} workloads`;
}
