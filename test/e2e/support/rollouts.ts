import type { Json } from '../controlPlane/apiClient.js';
import { eventually } from './wait.js';
import { world } from './world.js';

const LISTS: Readonly<Record<string, string>> = {
  Deployment: 'apis/apps/v1',
  StatefulSet: 'apis/apps/v1',
  DaemonSet: 'apis/apps/v1',
  ReplicaSet: 'apis/apps/v1',
  ReplicationController: 'api/v1',
  CronJob: 'apis/batch/v1',
};

/** All by which a rollout would show. */
export interface Rollouts {
  /** Those of Deployments: `name`, which ends in the pod template's hash. */
  readonly replicaSets: readonly string[];
  /** Those of StatefulSets and DaemonSets: `name`, which ends in the hash too. */
  readonly controllerRevisions: readonly string[];
  readonly templates: Readonly<Record<string, Json>>;
}

export async function rolloutsOf(namespace: string): Promise<Rollouts> {
  const { body } = await world().controlPlane.api(
    'GET',
    `/apis/apps/v1/namespaces/${namespace}/controllerrevisions`,
  );
  return {
    replicaSets: await replicaSetsOf(namespace),
    controllerRevisions: namesOf(body.items as Json[]),
    templates: await templatesOf(namespace, ({ spec }) => spec.jobTemplate ?? spec.template),
  };
}

/** Those of Deployments. */
export async function replicaSetsOf(namespace: string): Promise<string[]> {
  const replicaSets = await list(namespace, 'ReplicaSet');
  return namesOf(replicaSets.filter(({ metadata }) => metadata.ownerReferences !== undefined));
}

/** Something of each workload in a namespace, by `kind/name`; but not of a Deployment's ReplicaSets. */
export async function templatesOf(
  namespace: string,
  of: (object: Json) => unknown,
): Promise<Readonly<Record<string, Json>>> {
  const found: [string, unknown][] = [];
  for (const kind of Object.keys(LISTS))
    for (const object of await list(namespace, kind))
      if (object.metadata.ownerReferences === undefined)
        found.push([`${kind}/${object.metadata.name}`, of(object)]);
  return Object.fromEntries(found);
}

/** Every controller has seen the last version of its objects, and has made what it makes of them. */
export async function settled(namespace: string, timeoutMs?: number): Promise<void> {
  await eventually(
    `the controllers of ${namespace} to have seen all`,
    async () => {
      for (const kind of Object.keys(LISTS))
        for (const { metadata, spec, status } of await list(namespace, kind)) {
          // A CronJob has none.
          if (kind !== 'CronJob' && metadata.generation !== status?.observedGeneration) return false;
          if (kind === 'ReplicaSet' && spec.replicas !== (status.replicas ?? 0)) return false;
        }
      return true;
    },
    timeoutMs,
  );
}

async function list(namespace: string, kind: string): Promise<Json[]> {
  const path = `/${LISTS[kind] ?? ''}/namespaces/${namespace}/${kind.toLowerCase()}s`;
  const { body } = await world().controlPlane.api('GET', path);
  return (body as { items: Json[] }).items;
}

function namesOf(objects: readonly Json[]): string[] {
  return objects.map(({ metadata }) => String(metadata.name)).sort();
}
