import type { Diagnosis, Finding } from './finding.js';

/** Like a rule's finding, but of what no rule has done: the webhook is down, a label is wrong, another's admission. */
export interface SetUpFinding extends Omit<Finding, 'rule'> {
  readonly rule?: undefined;
}

export type ReportedFinding = Finding | SetUpFinding;

/** A diagnosis of anything: a pod, what cannot make its pods, a namespace, a policy, the webhook. */
export interface ReportedDiagnosis extends Omit<Diagnosis, 'findings'> {
  readonly findings: readonly ReportedFinding[];
}

/** What was found; `-o json` prints it as it is. */
export interface DoctorReport {
  /** Of this shape. What is added to it later does not count it up. */
  readonly version: 1;
  /** The API server's URL. */
  readonly server: string;
  /** What was looked at, in words: `namespace shop`, `deployment/web of namespace shop`, `all namespaces`. */
  readonly target: string;
  readonly lookedAt: {
    readonly pods: number;
    readonly logs: number;
    /** Pods whose logs were left out: many of one owner, or too many of all. */
    readonly podsWithoutLogs: number;
  };
  /** Those that are broken, and those of which something is blamed; where a pod was named that one in any case. */
  readonly diagnoses: readonly ReportedDiagnosis[];
  /** What could not be read, one line each. */
  readonly missing: readonly string[];
  /** Whether a cause may have been overlooked for it. */
  readonly partial: boolean;
}

/** Whether hardening, or the set-up of it, is the cause of something. */
export function blames({ diagnoses }: DoctorReport): boolean {
  return diagnoses.some(({ findings }) => findings.length > 0);
}

/** Diagnoses that say the same of objects of one owner. */
export interface FoldedDiagnosis extends ReportedDiagnosis {
  /** All of them, the first being `object`. */
  readonly objects: readonly string[];
}

/** Puts together what says the same of several objects of one owner, in the order in which they came. */
export function folded(diagnoses: readonly ReportedDiagnosis[]): FoldedDiagnosis[] {
  const groups = new Map<string, FoldedDiagnosis & { readonly objects: string[] }>();
  for (const diagnosis of diagnoses) {
    const key = keyOf(diagnosis);
    const group = groups.get(key);
    if (group) group.objects.push(diagnosis.object);
    else groups.set(key, { ...diagnosis, objects: [diagnosis.object] });
  }
  return [...groups.values()];
}

/** Counts, times and names of pods in a message differ from pod to pod; the cause and the rule do not. */
function keyOf(diagnosis: ReportedDiagnosis): string {
  const { namespace, object, owner, state, findings, notHardening, missing } = diagnosis;
  if (owner === undefined) return JSON.stringify([namespace, object]);
  const kind = object.split('/')[0];
  return JSON.stringify([
    namespace,
    owner,
    kind,
    state,
    findings.map(({ signature, rule, field, container, certainty }) => [
      signature,
      rule,
      field,
      container,
      certainty,
    ]),
    notHardening?.why,
    missing,
  ]);
}
