import type { KubernetesObject } from '../admission/types.js';
import type { Plan } from '../hardening/plan.js';

/** What was read of one pod, and all that a diagnosis is made of. */
export interface PodFacts {
  /** As the API server has it, with its status. */
  readonly pod: KubernetesObject;
  /** The pod as its author wrote it; absent where the cluster does not know any more. */
  readonly author?: AuthoredPod;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  /** What hardening asks in the namespace today; absent where it could not be worked out. */
  readonly plan?: Plan;
  /** Of the pod alone. */
  readonly events: readonly EventFacts[];
  /** By container name. */
  readonly logs: ReadonlyMap<string, ContainerLogs>;
  /** The pod's node, where it may be read. */
  readonly node?: KubernetesObject;
  /** What could not be read, one line each. */
  readonly missing: readonly string[];
}

export interface AuthoredPod {
  /** A pod: `spec`, and the `metadata` that was written for it. */
  readonly object: KubernetesObject;
  readonly from: 'template' | 'lastApplied' | 'managedFields';
}

export interface EventFacts {
  readonly type?: string;
  /** `FailedScheduling`, `Unhealthy`. */
  readonly reason: string;
  readonly message: string;
  /** Of the object that it is about: `spec.containers{app}`. */
  readonly fieldPath?: string;
  readonly count?: number;
  /** Milliseconds since the epoch. */
  readonly lastSeen?: number;
}

export interface ContainerLogs {
  readonly current?: LogFacts;
  /** Of the instance before the last restart. */
  readonly previous?: LogFacts;
}

export interface LogFacts {
  /** The last lines, the oldest first; bounded in number and length by whoever read them. */
  readonly lines: readonly string[];
  /** There was more than this. */
  readonly cut: boolean;
}
