import type { NodeSelectorTerm, PodSpec } from './podSpec.js';

const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'];

/**
 * Whether a pod can only run on Windows nodes: by `spec.os.name`, by nodeSelector, or because every required
 * nodeSelectorTerm demands it (terms are OR-ed, so one that does not is enough for a Linux node).
 *
 * `windowsOptions.hostProcess` says nothing: a Linux kubelet ignores it and runs the pod, so counting it would be a
 * way out of every Linux rule.
 *
 * @param selector the nodeSelector, where another one than the author's will hold
 * @param terms the required nodeSelectorTerms, the same
 */
export function isWindowsPod(
  spec: PodSpec,
  selector: Readonly<Record<string, string>> | undefined = spec.nodeSelector ?? undefined,
  terms: readonly NodeSelectorTerm[] = requiredTerms(spec),
): boolean {
  const os = spec.os?.name;
  if (os) return os === 'windows';
  if (selector && OS_LABELS.some((label) => Object.hasOwn(selector, label) && selector[label] === 'windows'))
    return true;
  return terms.length > 0 && terms.every(demandsWindows);
}

/** Where a pod demands nodes by affinity, by any one of these. */
export function requiredTerms({ affinity }: PodSpec): readonly NodeSelectorTerm[] {
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
}

function demandsWindows(term: NodeSelectorTerm): boolean {
  return (term.matchExpressions ?? []).some(
    ({ key, operator, values }) =>
      key !== undefined &&
      OS_LABELS.includes(key) &&
      operator === 'In' &&
      values?.length === 1 &&
      values[0] === 'windows',
  );
}
