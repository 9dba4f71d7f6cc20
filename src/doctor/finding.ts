import type { RuleId } from '../hardening/rule.js';

/**
 * How sure a finding is. `certain`: the kubelet or the API server says so. `likely`: the message fits, and the rule was
 * applied to this container. `possible`: it may be, and something else may be too.
 */
export type Certainty = 'certain' | 'likely' | 'possible';

/** What a finding rests on: one line that somebody else wrote. */
export interface Evidence {
  readonly source: 'status' | 'event' | 'log' | 'previousLog' | 'object';
  /** Where it stands, in words: `container "app", previous log`. */
  readonly at: string;
  /** One line, shortened, without secrets. */
  readonly text: string;
}

/** One way to mend it, to be pasted as it is. */
export interface Remedy {
  readonly kind: 'imageProfile' | 'label' | 'exception' | 'policy' | 'template';
  /** One sentence. */
  readonly what: string;
  /** YAML or a command, complete. */
  readonly paste: string;
}

/** A rule that is the cause of what is wrong, or may be. */
export interface Finding {
  /** The id of the signature that was seen. */
  readonly signature: string;
  readonly rule: RuleId;
  /** What the rule wrote, in field notation from the pod. */
  readonly field?: string;
  /** Absent where it concerns the pod as a whole. */
  readonly container?: string;
  readonly certainty: Certainty;
  /** One sentence. */
  readonly cause: string;
  readonly evidence: readonly Evidence[];
  /** The smallest first. */
  readonly remedies: readonly Remedy[];
}

/** What is wrong with one object, and whether hardening is why. */
export interface Diagnosis {
  readonly namespace: string;
  /** `pod/web-0`, `replicaset/web`. */
  readonly object: string;
  /** `deployment/web`. */
  readonly owner?: string;
  readonly state: 'healthy' | 'broken';
  /** What anybody can see: `CrashLoopBackOff, 4 restarts`. Absent of a healthy one. */
  readonly symptom?: string;
  /** The surest first. */
  readonly findings: readonly Finding[];
  /** Given where it is broken and no rule is to blame. */
  readonly notHardening?: { readonly why: string; readonly evidence: readonly Evidence[] };
  /** What could not be read, one line each. */
  readonly missing: readonly string[];
}
