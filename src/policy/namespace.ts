import type { LimitRangeItem } from '../hardening/plan.js';

/** What a decision needs to know of a namespace, and nothing else: this is what the caches keep. */
export interface NamespaceFacts {
  readonly name: string;
  /** Only the labels that start with `kube-harden.io/`. */
  readonly labels: Readonly<Record<string, string>>;
  /** The value of `kube-harden.io/uid-range`, else of `openshift.io/sa.scc.uid-range`. */
  readonly uidRange?: string | undefined;
  readonly limitRanges: readonly LimitRangeItem[];
  readonly quotaByQos: boolean;
}
