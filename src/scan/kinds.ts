import { isRecord, type WorkloadKind } from '../hardening/locate.js';
import type { ApiObject } from '../cluster/apiClient.js';

/** A kind of object that pods come from, and where the API server lists it. */
export interface ScannedKind {
  readonly kind: Exclude<WorkloadKind, 'PodTemplate'>;
  readonly apiVersion: string;
  /** In the API's paths and in messages: `deployments`. */
  readonly resource: string;
  /** Pods that an object of this kind has, or would have if it ran now. */
  readonly replicas: (object: ApiObject) => number;
}

/**
 * In steps: what a controller makes is listed after the controller, so that it is known to be made by it. A PodTemplate
 * is left out, for no pod comes from it.
 */
export const STEPS: readonly (readonly ScannedKind[])[] = [
  [
    { kind: 'Deployment', apiVersion: 'apps/v1', resource: 'deployments', replicas: specReplicas },
    { kind: 'StatefulSet', apiVersion: 'apps/v1', resource: 'statefulsets', replicas: specReplicas },
    {
      kind: 'DaemonSet',
      apiVersion: 'apps/v1',
      resource: 'daemonsets',
      replicas: ({ status }) => numberIn(status, 'desiredNumberScheduled') ?? 0,
    },
    {
      kind: 'CronJob',
      apiVersion: 'batch/v1',
      resource: 'cronjobs',
      replicas: ({ spec }) => {
        const template = isRecord(spec) && spec['suspend'] !== true ? spec['jobTemplate'] : undefined;
        return isRecord(template) ? parallelPods(template['spec']) : 0;
      },
    },
  ],
  [
    { kind: 'ReplicaSet', apiVersion: 'apps/v1', resource: 'replicasets', replicas: specReplicas },
    {
      kind: 'ReplicationController',
      apiVersion: 'v1',
      resource: 'replicationcontrollers',
      replicas: specReplicas,
    },
    {
      kind: 'Job',
      apiVersion: 'batch/v1',
      resource: 'jobs',
      replicas: (job) => (isFinishedJob(job) ? 0 : parallelPods(job['spec'])),
    },
  ],
  [{ kind: 'Pod', apiVersion: 'v1', resource: 'pods', replicas: () => 1 }],
];

/** The path of a list, in one namespace or in all. */
export function listPath({ apiVersion, resource }: ScannedKind, namespace?: string): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${base}/${resource}` : `${base}/namespaces/${namespace}/${resource}`;
}

/** It has ended and frees what it had; its object stays for its log to be read. */
export function isFinishedPod({ status }: ApiObject): boolean {
  const phase = isRecord(status) ? status['phase'] : undefined;
  return phase === 'Succeeded' || phase === 'Failed';
}

function isFinishedJob({ status }: ApiObject): boolean {
  const conditions: unknown = isRecord(status) ? status['conditions'] : undefined;
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (condition) =>
        isRecord(condition) &&
        (condition['type'] === 'Complete' || condition['type'] === 'Failed') &&
        condition['status'] === 'True',
    )
  );
}

/** The API server writes its default of 1 itself. */
function specReplicas({ spec }: ApiObject): number {
  return numberIn(spec, 'replicas') ?? 1;
}

/** Of a Job's spec: as many pods as run at a time. */
function parallelPods(spec: unknown): number {
  if (isRecord(spec) && spec['suspend'] === true) return 0;
  const parallelism = numberIn(spec, 'parallelism') ?? 1;
  return Math.min(parallelism, numberIn(spec, 'completions') ?? parallelism);
}

function numberIn(value: unknown, field: string): number | undefined {
  const found = isRecord(value) ? value[field] : undefined;
  return typeof found === 'number' ? found : undefined;
}
