import { isRecord } from '../hardening/locate.js';
import type { LimitRangeItem, QuotaFacts } from '../hardening/plan.js';

/** What a decision needs to know of a namespace, and nothing else: this is what the caches keep. */
export interface NamespaceFacts {
  readonly name: string;
  /** Only the labels that start with `kube-harden.io/`. */
  readonly labels: Readonly<Record<string, string>>;
  /** The value of `kube-harden.io/uid-range`, else of `openshift.io/sa.scc.uid-range`. */
  readonly uidRange?: string | undefined;
  readonly limitRanges: readonly LimitRangeItem[];
  readonly quotaByQos: boolean;
  /** ResourceQuotas towards which default requests and limits count; none unless given. */
  readonly quotas?: readonly QuotaFacts[] | undefined;
}

const LABEL_PREFIX = 'kube-harden.io/';
/** Ours comes first. */
export const UID_RANGE_ANNOTATIONS = ['kube-harden.io/uid-range', 'openshift.io/sa.scc.uid-range'];

/** Of a namespace's labels, those that are ours: the rest is not kept. */
export function ownLabels(labels: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const ours = Object.entries(labels ?? {}).filter(([key]) => key.startsWith(LABEL_PREFIX));
  return Object.fromEntries(ours);
}

/** Of a namespace's annotations, the range of uids: ours, else OpenShift's. */
export function uidRangeOf(annotations: Readonly<Record<string, string>> | undefined): string | undefined {
  const name = UID_RANGE_ANNOTATIONS.find((candidate) => annotations?.[candidate] !== undefined);
  return name === undefined ? undefined : annotations?.[name];
}

/**
 * A quota that counts pods by their QoS class: defaults for a pod without resources would move it to another.
 * @param spec of a ResourceQuota; its scopes are in `scopes` or in `scopeSelector`
 */
export function countsByQos(spec: Readonly<Record<string, unknown>>): boolean {
  const selector = spec['scopeSelector'];
  const expressions = isRecord(selector) ? listOf(selector['matchExpressions']) : [];
  const selected = expressions.map((expression) => isRecord(expression) && expression['scopeName']);
  return [...listOf(spec['scopes']), ...selected].some(
    (scope) => scope === 'BestEffort' || scope === 'NotBestEffort',
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What defaults can add to, by the names that a quota has for it; `cpu` there is `requests.cpu`. */
const COUNTED = ['cpu', 'memory', 'ephemeral-storage'];

/** Of what a quota limits (`spec.hard`), what default requests and limits count towards: `requests.cpu`, ... */
export function countedResources(hard: Readonly<Record<string, unknown>> | undefined): string[] {
  const names = Object.keys(hard ?? {}).map((name) => (COUNTED.includes(name) ? `requests.${name}` : name));
  const ours = names.filter((name) => COUNTED.includes(name.replace(/^(?:requests|limits)\./, '')));
  return [...new Set(ours)].sort();
}
