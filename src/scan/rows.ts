import type { Risk } from '../hardening/rule.js';
import { ruleIds } from '../hardening/rule.js';
import type { PreviewResult } from '../preview/result.js';
import type { AmountTexts } from './amounts.js';
import type { NamespaceReport, ScanReport, WorkloadReport } from './report.js';

/** One answer of one workload, as tables show it. */
export interface Row {
  /** `Deployment/web`, and which pods where those of a workload differ. */
  readonly label: string;
  /** Of the workload; undefined in its further rows. */
  readonly pods: number | undefined;
  readonly added: AmountTexts;
  readonly result: PreviewResult;
}

export function rowsOf(workload: WorkloadReport): Row[] {
  const { kind, name, controlledBy, replicas, added, results } = workload;
  return results.map((result, index) => {
    const which = results.length === 1 ? '' : ` (${result.kind} ${result.name})`;
    const by = controlledBy === null ? '' : ` (of ${controlledBy})`;
    return {
      label: `${kind}/${name}${which}${by}`,
      pods: index === 0 ? replicas : undefined,
      added: index === 0 ? added : {},
      result,
    };
  });
}

export function countOf({ changes }: PreviewResult, risk: Risk): number {
  return changes.filter((change) => change.risk === risk).length;
}

/** The rules whose changes have this risk. */
export function rulesOf({ changes }: PreviewResult, risk: Risk): string {
  return ruleIds(changes.filter((change) => change.risk === risk)).join(', ');
}

export function levelsOf({ podSecurity }: PreviewResult): string {
  return podSecurity ? `${podSecurity.before} → ${podSecurity.after}` : '';
}

/** `requests.cpu 300m, requests.memory 384Mi`. */
export function amountsLine(amounts: AmountTexts): string {
  return Object.entries(amounts)
    .map(([name, amount]) => `${name} ${amount}`)
    .join(', ');
}

/** What keeps hardened workloads from the next level, each once, with those that it is about. */
export function blockersOf({ workloads }: NamespaceReport): [message: string, labels: string[]][] {
  const found = new Map<string, Set<string>>();
  for (const { label, result } of workloads.flatMap(rowsOf)) {
    for (const { message } of result.podSecurity?.blockers ?? []) {
      const before = found.get(message);
      if (before) before.add(label);
      else found.set(message, new Set([label]));
    }
  }
  return [...found].map(([message, labels]) => [message, [...labels]]);
}

/** How the namespace stands now. */
export function modeOf({ mode, because }: NamespaceReport): string {
  if (mode === null) return 'not known';
  return because === null ? mode : `${mode} (${because})`;
}

/** One line for each thing that is to be said of all namespaces together. */
export function totalLines({ namespaces, neverTouched, leftOut, nodes }: ScanReport): string[] {
  const filled = namespaces.filter(({ workloads }) => workloads.length > 0);
  const empty = namespaces.filter(({ workloads }) => workloads.length === 0);
  const those = (verdict: NamespaceReport['verdict']): string =>
    namesOf(filled.filter((namespace) => namespace.verdict === verdict));
  return [
    `Could go to enforce today: ${those('ready')}`,
    `Not yet: ${those('not yet')}`,
    `In enforce already: ${those('enforced')}`,
    ...(empty.length === 0 ? [] : [`Without workloads: ${namesOf(empty)}`]),
    ...(neverTouched.length === 0 ? [] : [`Never touched, not counted: ${neverTouched.join(', ')}`]),
    ...(leftOut.finishedPods === 0 ? [] : [`Left out: ${leftOut.finishedPods} pods that have ended`]),
    ...(leftOut.mirrorPods === 0
      ? []
      : [`Left out: ${leftOut.mirrorPods} mirror pods, which a node makes of its own files`]),
    ...(nodes?.resources ?? []).map(
      ({ resource, allocatable, requested, added, exceeded }) =>
        `Nodes (${nodes?.count ?? 0}): ${resource}: ${allocatable} allocatable, ${requested} in use, ${added} would be added${exceeded ? ': too much' : ''}`,
    ),
  ];
}

/** `billing, shop (2)`. */
function namesOf(namespaces: readonly NamespaceReport[]): string {
  if (namespaces.length === 0) return 'none';
  return `${namespaces.map(({ name }) => name).join(', ')} (${namespaces.length})`;
}
