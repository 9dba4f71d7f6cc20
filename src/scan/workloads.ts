import type { ApiObject } from '../cluster/apiClient.js';
import { isRecord } from '../hardening/locate.js';
import { controllerOf, type ObjectMeta, type OwnerReference, type PodSpec } from '../hardening/podSpec.js';
import { validatePod } from '../hardening/validatePod.js';
import type { Manifest } from '../preview/manifests.js';
import { podOf, preview, type Preview } from '../preview/preview.js';
import type { PreviewResult } from '../preview/result.js';
import { increase, larger, podAmounts, sum, times, type Amounts } from './amounts.js';
import { isFinishedPod, listPath, type ScannedKind } from './kinds.js';
import type { NamespacePlan } from './namespacePlans.js';

/** Something that makes pods, and what was found of it so far. */
export interface Workload {
  readonly namespace: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string | null;
  readonly controlledBy: string | null;
  /** Each different answer once. */
  readonly variants: Variant[];
  replicas: number;
  /** Its pods that are there, and what they would ask for in addition if they were made again. */
  pods: number;
  addedToPods: Amounts;
  /** The system's priority class that its pods have: they may be what other pods need to start. */
  criticality: string | undefined;
}

interface Variant {
  readonly result: PreviewResult;
  replicas: number;
  /** What one pod of it would ask for in addition. */
  readonly added: Amounts;
}

interface Judged extends Omit<Variant, 'replicas'> {
  readonly criticality: string | undefined;
}

export interface WorkloadsOptions {
  /** Which workloads are reported, by their own labels. */
  readonly selects: (labels: Readonly<Record<string, string>> | undefined) => boolean;
  readonly podSecurityMinor: number;
  /** Results keep patch and hardened pod: as much as the objects themselves. */
  readonly whole: boolean;
  /** Told of an object that cannot be judged, one line each. */
  readonly missing: (line: string) => void;
}

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
/** Source: k8s.io/kubernetes/pkg/apis/scheduling, SystemPriorityClasses. */
const CRITICAL: readonly string[] = ['system-node-critical', 'system-cluster-critical'];
/** Their names are what people know them by, whatever made them. */
const KNOWN_BY_THEMSELVES: readonly string[] = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'];

/**
 * Sorts the objects of a cluster by who makes them: a Deployment counts once, and not its ReplicaSets and pods. An
 * object is handed over once, its maker before it, and is not kept.
 */
export class Workloads {
  /** Pods' requests as they are, of all namespaces that were read. */
  requested: Amounts = {};
  finishedPods = 0;
  mirrorPods = 0;
  private readonly found = new Map<string, Workload>();
  /** By the uid of each object that was seen: whose it is; undefined where it was not selected. */
  private readonly owners = new Map<string, Workload | undefined>();
  /** The same of those whose own objects may not have been seen, by namespace, kind and name. */
  private readonly named = new Map<string, Workload | undefined>();

  constructor(private readonly options: WorkloadsOptions) {}

  /** By namespace, and within it in the order in which they were found. */
  get all(): readonly Workload[] {
    return [...this.found.values()];
  }

  /** Counts what a pod asks for, also of a namespace that is never touched. */
  count({ kind }: ScannedKind, object: ApiObject): void {
    if (kind !== 'Pod' || isFinishedPod(object) || !isRecord(object['spec'])) return;
    this.requested = sum(this.requested, podAmounts(object['spec']));
  }

  /** @param object as a list holds it: its type stands in `kind` */
  take(kind: ScannedKind, listed: ApiObject, plan: NamespacePlan): void {
    const metadata = (listed.metadata ?? {}) as ObjectMeta;
    const uid = typeof metadata['uid'] === 'string' ? metadata['uid'] : '';
    const controller = controllerOf(metadata);
    const maker = controller && this.makerOf(kind, listed, controller, plan.name);
    if (maker) {
      const { owner } = maker;
      if (kind.kind !== 'Pod') this.owners.set(uid, owner);
      else if (owner && !isFinishedPod(listed)) this.takePod(kind, listed, owner, plan);
      return;
    }
    if (kind.kind === 'Pod' && !this.isCounted(listed)) return;
    if (!this.options.selects(listed.metadata?.labels)) {
      this.remember(kind, listed, uid, plan.name, undefined);
      return;
    }
    const own = KNOWN_BY_THEMSELVES.includes(kind.kind) ? undefined : controller;
    const workload = this.workloadOf(kind, metadata, own, controller, plan.name);
    if (this.add(workload, kind, listed, plan, controller !== undefined && kind.kind !== 'Pod'))
      this.remember(kind, listed, uid, plan.name, workload);
  }

  private remember(
    { kind }: ScannedKind,
    listed: ApiObject,
    uid: string,
    namespace: string,
    workload: Workload | undefined,
  ): void {
    this.owners.set(uid, workload);
    if (kind === 'Deployment' || kind === 'CronJob')
      this.named.set(namedKey(namespace, kind, nameOf(listed)), workload);
  }

  /**
   * Whose an object is, where its maker has been seen; undefined where it stands for itself. What is between a pod and its
   * maker may be missing: a ReplicaSet that may not be listed, a Job made after the Jobs were. Its name says of whom it is.
   */
  private makerOf(
    { kind }: ScannedKind,
    listed: ApiObject,
    controller: OwnerReference,
    namespace: string,
  ): { readonly owner: Workload | undefined } | undefined {
    const uid = controller['uid'];
    if (typeof uid === 'string' && this.owners.has(uid)) return { owner: this.owners.get(uid) };
    const maker = kind === 'Pod' ? makerByName(controller, listed) : undefined;
    if (maker === undefined) return undefined;
    const key = namedKey(namespace, ...maker);
    return this.named.has(key) ? { owner: this.named.get(key) } : undefined;
  }

  private isCounted(pod: ApiObject): boolean {
    const isMirror = Object.hasOwn(pod.metadata?.annotations ?? {}, MIRROR_ANNOTATION);
    if (isMirror) this.mirrorPods += 1;
    else if (isFinishedPod(pod)) this.finishedPods += 1;
    return !isMirror && !isFinishedPod(pod);
  }

  private workloadOf(
    kind: ScannedKind,
    metadata: ObjectMeta,
    owner: OwnerReference | undefined,
    controller: OwnerReference | undefined,
    namespace: string,
  ): Workload {
    const apiVersion = owner?.apiVersion ?? kind.apiVersion;
    const ownKind = owner?.kind ?? kind.kind;
    const name = owner?.name ?? metadata.name ?? '';
    const key = [namespace, apiVersion.split('/').slice(0, -1).join('/'), ownKind, name].join('/');
    const known = this.found.get(key);
    if (known) return known;
    const uid = (owner ?? metadata)['uid'];
    const isControlled = owner === undefined && controller !== undefined;
    const made: Workload = {
      namespace,
      apiVersion,
      kind: ownKind,
      name,
      uid: typeof uid === 'string' ? uid : null,
      controlledBy: isControlled ? `${controller.kind ?? ''}/${controller.name ?? ''}` : null,
      variants: [],
      replicas: 0,
      pods: 0,
      addedToPods: {},
      criticality: undefined,
    };
    this.found.set(key, made);
    return made;
  }

  /** @returns whether it could be judged */
  private add(
    workload: Workload,
    kind: ScannedKind,
    listed: ApiObject,
    plan: NamespacePlan,
    isTemplateOfPods: boolean,
  ): boolean {
    const judged = this.judge(kind, listed, plan, isTemplateOfPods);
    if (judged === undefined) {
      if (workload.variants.length === 0) this.forget(workload);
      return false;
    }
    const replicas = kind.replicas(listed);
    workload.replicas += replicas;
    if (kind.kind === 'Pod') {
      workload.pods += 1;
      workload.addedToPods = sum(workload.addedToPods, judged.added);
    }
    const { criticality, ...variant } = judged;
    workload.criticality ??= criticality;
    const alike = workload.variants.find(({ result }) => answerOf(result) === answerOf(judged.result));
    if (alike) alike.replicas += replicas;
    else workload.variants.push({ ...variant, replicas });
    return true;
  }

  private forget(workload: Workload): void {
    for (const [key, each] of this.found) if (each === workload) this.found.delete(key);
  }

  /** A pod that is there may have been hardened already, or have had its requests from a LimitRange. */
  private takePod(kind: ScannedKind, pod: ApiObject, owner: Workload, plan: NamespacePlan): void {
    const judged = this.judge(kind, pod, plan, false);
    if (judged === undefined) return;
    owner.pods += 1;
    owner.addedToPods = sum(owner.addedToPods, judged.added);
  }

  private judge(
    kind: ScannedKind,
    listed: ApiObject,
    { name: namespace, enforced }: NamespacePlan,
    isTemplateOfPods: boolean,
  ): Judged | undefined {
    const manifest = manifestOf(kind, listed, isTemplateOfPods);
    const located = podOf(manifest, namespace);
    if (!located) {
      this.options.missing(
        `${kind.kind} ${namespace}/${nameOf(listed)} cannot be judged: it has no pod spec`,
      );
      return undefined;
    }
    const [issue] = [
      ...(located.isTemplate ? validatePod({ metadata: manifest.object.metadata, spec: {} }, []) : []),
      ...validatePod(located.pod, located.base),
    ];
    if (issue) {
      const field = issue.path.join('.');
      this.options.missing(
        `${kind.kind} ${namespace}/${nameOf(listed)} cannot be judged: ${field}: ${issue.message}`,
      );
      return undefined;
    }
    const { result } = preview(manifest, namespace, enforced, this.options.podSecurityMinor);
    const added = increase(
      podAmounts(located.pod.spec),
      podAmounts(hardenedSpec(result) ?? located.pod.spec),
    );
    const { priorityClassName } = located.pod.spec;
    return {
      result: this.options.whole ? result : { ...result, patch: [], hardened: null },
      added,
      criticality: CRITICAL.find((name) => name === priorityClassName),
    };
  }
}

/** What a workload's pods would ask for in addition: those that are there, and as many more as it should have. */
export function addedOf({ replicas, pods, addedToPods, variants }: Workload): Amounts {
  const one = variants.map(({ added }) => added).reduce(larger, {});
  return sum(addedToPods, times(one, Math.max(0, replicas - pods)));
}

/** The answers for a workload: old revisions of a controller that is not known here are left out, for no pod has them. */
export function resultsOf({ variants }: Workload): PreviewResult[] {
  const running = variants.filter(({ replicas }) => replicas > 0);
  return (running.length > 0 ? running : variants).map(({ result }) => result);
}

/**
 * The object as a manifest. What a list leaves out is put back, and what kubectl does not show is left out.
 *
 * @param isTemplateOfPods the webhook passes over a template that a controller owns and hardens its pods: then what
 * becomes of those is asked, which is what becomes of a template without an owner
 */
function manifestOf(kind: ScannedKind, listed: ApiObject, isTemplateOfPods: boolean): Manifest {
  const metadata: ApiObject['metadata'] & Record<string, unknown> = { ...listed.metadata };
  delete metadata['managedFields'];
  if (isTemplateOfPods) delete metadata['ownerReferences'];
  return {
    source: `${listPath(kind, metadata.namespace)}/${nameOf(listed)}`,
    document: 0,
    at: [],
    object: { apiVersion: kind.apiVersion, kind: kind.kind, ...listed, metadata },
    position: () => undefined,
  };
}

function namedKey(namespace: string, kind: string, name: string): string {
  return `${namespace}/${kind}/${name}`;
}

/**
 * What made the ReplicaSet or Job that a pod names, by how their controllers call what they make.
 * Source: pkg/controller/deployment (NAME-HASH, the hash also a label of the pods), pkg/controller/cronjob (NAME-MINUTES,
 * since the epoch).
 */
function makerByName(
  { kind, name = '' }: OwnerReference,
  pod: ApiObject,
): readonly [kind: string, name: string] | undefined {
  const hash = pod.metadata?.labels?.['pod-template-hash'];
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`))
    return ['Deployment', name.slice(0, -hash.length - 1)];
  const minutes = /-\d{8}$/.exec(name);
  return kind === 'Job' && minutes ? ['CronJob', name.slice(0, minutes.index)] : undefined;
}

function nameOf({ metadata }: ApiObject): string {
  return metadata?.name ?? '';
}

function hardenedSpec({ hardened }: Preview['result']): PodSpec | undefined {
  return isRecord(hardened) && isRecord(hardened['spec']) ? hardened['spec'] : undefined;
}

/** Pods of one owner that get the same are told once. */
function answerOf({ changes, skips, violations, podSecurity }: PreviewResult): string {
  return JSON.stringify([changes, skips, violations, podSecurity]);
}
