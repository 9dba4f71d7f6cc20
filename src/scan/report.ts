import type { Plan } from '../hardening/plan.js';
import type { RuleId } from '../hardening/rule.js';
import type { Level } from '../podSecurity/control.js';
import type { PreviewResult } from '../preview/result.js';
import type { AmountName, AmountTexts } from './amounts.js';

/** What a scan has found; `-o json` prints it as it is. */
export interface ScanReport {
  /** The API server's URL. */
  readonly server: string;
  /** The version of the Pod Security Standards that was judged by: `v1.36`. */
  readonly podSecurityVersion: string;
  /** By name. Namespaces of which nothing could be read are not among them, but in `missing`. */
  readonly namespaces: readonly NamespaceReport[];
  /** Namespaces that hardening never touches: not looked into. */
  readonly neverTouched: readonly string[];
  /** Pods that were not judged: those that have ended and nobody makes again, and those that a node made of a file. */
  readonly leftOut: { readonly finishedPods: number; readonly mirrorPods: number };
  /** Null where only some namespaces were asked for, or nodes or pods could not be read. */
  readonly nodes: NodesReport | null;
  /** What could not be read or judged, one line each: with any, the report is partial. */
  readonly missing: readonly string[];
}

export interface NamespaceReport {
  readonly name: string;
  /** What the namespace asks for now; everything else here is as `enforce` would make it. Null where it is not known. */
  readonly mode: Plan['mode'] | null;
  /** Why the mode is `disabled`: a label, or none. */
  readonly because: string | null;
  readonly policy: string;
  /** What is wrong with the namespace's labels, its policy's name and its exceptions. */
  readonly notices: readonly string[];
  /** `enforced`: it is there already; `ready`: it could go there today; `not yet`: `against` says why. */
  readonly verdict: 'enforced' | 'ready' | 'not yet';
  readonly against: readonly Objection[];
  /** The lowest levels of its workloads; null where it has none. */
  readonly podSecurity: { readonly before: Level; readonly after: Level } | null;
  /** What all workloads together would ask for in addition, replicas counted. */
  readonly added: AmountTexts;
  readonly quotas: readonly QuotaReport[];
  readonly workloads: readonly WorkloadReport[];
}

/** Something that speaks against enforce. */
export interface Objection {
  readonly kind: 'high risk' | 'medium risk' | 'denied' | 'quota' | 'nodes' | 'cold start' | 'not read';
  /** Of a rule: which, and in how many workloads. */
  readonly rule?: RuleId;
  readonly workloads?: number;
  readonly message: string;
}

/** One resource of one ResourceQuota. */
export interface QuotaReport {
  readonly quota: string;
  readonly resource: AmountName;
  readonly hard: string;
  readonly used: string;
  readonly added: string;
  readonly exceeded: boolean;
  /** The quota counts only some pods: then less may be added to it than is said. */
  readonly scoped: boolean;
}

/** Something that makes pods, named by its top owner. */
export interface WorkloadReport {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string | null;
  /** The controller of a workload that is known by its own name: `Kind/name`. Its pods are hardened, not its template. */
  readonly controlledBy: string | null;
  /** Pods that it has or, where it runs now and then, would have. */
  readonly replicas: number;
  /** What its pods would ask for in addition, all together. */
  readonly added: AmountTexts;
  /** What hardening does to it; several where a controller that is not known here makes different pods. */
  readonly results: readonly PreviewResult[];
}

/** The nodes that take pods, all together. */
export interface NodesReport {
  readonly count: number;
  readonly resources: readonly {
    readonly resource: AmountName;
    readonly allocatable: string;
    /** By all pods of the cluster, as they are now. */
    readonly requested: string;
    readonly added: string;
    readonly exceeded: boolean;
  }[];
}
