import type { PodDraft } from '../podDraft.js';
import type { NodeSelectorRequirement, NodeSelectorTerm, Toleration } from '../podSpec.js';
import type { Rule } from '../rule.js';
import type { Settings } from './scheduling.settings.js';

const TERMS = [
  'spec',
  'affinity',
  'nodeAffinity',
  'requiredDuringSchedulingIgnoredDuringExecution',
  'nodeSelectorTerms',
];

/**
 * Puts a namespace's pods on its own nodes, so that one tenant cannot threaten the others.
 *
 * Fields: `spec.nodeSelector`, `spec.tolerations`, required node affinity. nodeSelectorTerms are OR-ed: an appended
 * term would loosen the author's, so the policy's expressions go into each of them; a term without expressions
 * matches no node and stays as it is. Lists that the author of a bare Pod wrote stand (`BarePod`).
 */
export const scheduling: Rule<Settings> = {
  id: 'scheduling',
  title: "Pods are scheduled on their tenant's nodes",
  reason:
    'Pods of tenants that do not share nodes cannot reach each other through the kernel, nor starve each other.',
  risk: 'medium',
  os: 'any',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default:
      "nodeSelector keys, tolerations and required node affinity from the policy; the author's nodeSelector key wins",
    Override: 'conflicting nodeSelector values',
  },
  fields: [
    'spec.nodeSelector[*]',
    'spec.tolerations[]',
    `${TERMS.join('.')}[]`,
    `${TERMS.join('.')}[*].matchExpressions[]`,
  ],
  wholePod: true,

  apply(pod, settings) {
    if (!pod.podIsWritable) return;
    if (pod.input.daemonSet) {
      // Its controller has pinned it to a node already: with another selector it would stay Pending there.
      pod.skip('DaemonSetPod');
      return;
    }
    selectNodes(pod, settings.nodeSelector);
    tolerate(pod, settings.tolerations);
    const terms = settings.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    if (terms?.[0]) requireNodes(pod, terms[0].matchExpressions);
  },
};

function selectNodes(pod: PodDraft, wanted: Readonly<Record<string, string>>): void {
  const given = pod.spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(wanted)) {
    const path = ['spec', 'nodeSelector', key];
    if (!Object.hasOwn(given, key)) pod.fill(undefined, path, value);
    else if (given[key] !== value) pod.replace(undefined, path, given[key], value);
  }
}

function tolerate(pod: PodDraft, wanted: readonly Toleration[]): void {
  const given = pod.spec.tolerations;
  const missing = wanted.filter((toleration) => !given?.some((other) => isSame(toleration, other)));
  if (missing.length === 0) return;
  if (given?.some((toleration) => !isDefaulted(toleration)) && standsOnBarePod(pod)) return;
  for (const toleration of missing) pod.fill(undefined, ['spec', 'tolerations', '-'], toleration);
}

function requireNodes(pod: PodDraft, wanted: readonly NodeSelectorRequirement[]): void {
  const given =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (given.length === 0) {
    pod.fill(undefined, [...TERMS, '-'], { matchExpressions: wanted });
    return;
  }
  const missing = given.map((term) => missingIn(term, wanted));
  if (missing.every((list) => list.length === 0) || standsOnBarePod(pod)) return;
  missing.forEach((requirements, index) => {
    for (const requirement of requirements) {
      pod.fill(undefined, [...TERMS, index, 'matchExpressions', '-'], requirement);
    }
  });
}

function missingIn(
  term: NodeSelectorTerm,
  wanted: readonly NodeSelectorRequirement[],
): NodeSelectorRequirement[] {
  const given = term.matchExpressions ?? [];
  if (given.length === 0 && (term.matchFields ?? []).length === 0) return [];
  return wanted.filter((requirement) => !given.some((other) => isSameRequirement(requirement, other)));
}

const DEFAULTED = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** The API server's DefaultTolerationSeconds has added these two before a webhook sees the Pod: they are no list of the author's. */
function isDefaulted({ key, operator, effect }: Toleration): boolean {
  return DEFAULTED.includes(key ?? '') && operator === 'Exists' && effect === 'NoExecute';
}

/** These lists are atomic to kubectl: with more in them, the next apply of the author's file is refused. */
function standsOnBarePod(pod: PodDraft): boolean {
  if (!pod.authorsListStands()) return false;
  pod.skip('BarePod');
  return true;
}

function isSame(a: Toleration, b: Toleration): boolean {
  return (
    (a.key ?? '') === (b.key ?? '') &&
    (a.operator ?? 'Equal') === (b.operator ?? 'Equal') &&
    (a.value ?? '') === (b.value ?? '') &&
    (a.effect ?? '') === (b.effect ?? '') &&
    (a.tolerationSeconds ?? undefined) === (b.tolerationSeconds ?? undefined)
  );
}

function isSameRequirement(a: NodeSelectorRequirement, b: NodeSelectorRequirement): boolean {
  const values = (requirement: NodeSelectorRequirement): string => JSON.stringify(requirement.values ?? []);
  return a.key === b.key && a.operator === b.operator && values(a) === values(b);
}
