import type { ObjectMeta, Pod } from './podSpec.js';
import type { Path } from './rule.js';

/** A workload's pod or pod template, and where it is kept. */
export interface LocatedPod {
  /** Path from the object to the pod: empty for a Pod, `['spec', 'template']` for a Deployment. */
  readonly base: Path;
  readonly pod: Pod;
  readonly isTemplate: boolean;
  readonly kind: WorkloadKind;
  /** Names that a StatefulSet's volumeClaimTemplates will give to volumes of the pod. */
  readonly volumeClaimTemplates: readonly string[];
}

export const WORKLOAD_KINDS = [
  'Pod',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'PodTemplate',
] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

const TEMPLATE: Path = ['spec', 'template'];

// Group and kind together: knative's `kind: Service` and other custom resources embed a pod spec too.
const WORKLOADS: ReadonlyMap<string, { kind: WorkloadKind; base: Path }> = new Map(
  (
    [
      ['', 'Pod', []],
      ['', 'ReplicationController', TEMPLATE],
      ['', 'PodTemplate', ['template']],
      ['apps', 'Deployment', TEMPLATE],
      ['apps', 'StatefulSet', TEMPLATE],
      ['apps', 'DaemonSet', TEMPLATE],
      ['apps', 'ReplicaSet', TEMPLATE],
      ['batch', 'Job', TEMPLATE],
      ['batch', 'CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
    ] as const
  ).map(([group, kind, base]) => [`${group}/${kind}`, { kind, base }]),
);

/**
 * Where an object keeps its pod.
 * @returns undefined for a kind that is no workload, or a workload without a pod (`spec.template` missing)
 */
export function locatePod(object: {
  apiVersion?: unknown;
  kind?: unknown;
  [field: string]: unknown;
}): LocatedPod | undefined {
  if (typeof object.apiVersion !== 'string' || typeof object.kind !== 'string') return undefined;
  const slash = object.apiVersion.indexOf('/');
  return locatePodOf(slash < 0 ? '' : object.apiVersion.slice(0, slash), object.kind, object);
}

/** The same, where group and kind are known from elsewhere (an AdmissionRequest names them). */
export function locatePodOf(
  group: string,
  kind: string,
  object: Record<string, unknown>,
): LocatedPod | undefined {
  const workload = WORKLOADS.get(`${group}/${kind}`);
  if (!workload) return undefined;
  const pod = podAt(object, workload.base);
  if (!pod) return undefined;
  return {
    base: workload.base,
    pod,
    isTemplate: workload.kind !== 'Pod',
    kind: workload.kind,
    volumeClaimTemplates: workload.kind === 'StatefulSet' ? claimNames(object) : [],
  };
}

/** The pod at a base path, or undefined where the path or its spec is missing. */
export function podAt(object: unknown, base: Path): Pod | undefined {
  let value: unknown = object;
  for (const key of base) {
    if (!isRecord(value)) return undefined;
    value = value[key];
  }
  return isRecord(value) && isRecord(value['spec']) ? (value as unknown as Pod) : undefined;
}

function claimNames(object: Record<string, unknown>): string[] {
  const spec = object['spec'];
  const templates: unknown = isRecord(spec) ? spec['volumeClaimTemplates'] : undefined;
  if (!Array.isArray(templates)) return [];
  return templates.flatMap((template: unknown) => {
    const metadata = isRecord(template) ? (template['metadata'] as ObjectMeta | undefined) : undefined;
    return typeof metadata?.name === 'string' ? [metadata.name] : [];
  });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
