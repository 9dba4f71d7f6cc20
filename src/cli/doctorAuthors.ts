import type { KubernetesObject } from '../admission/types.js';
import type { ApiClient } from '../cluster/apiClient.js';
import { ApiError, isForbidden } from '../cluster/apiError.js';
import type { AuthoredPod } from '../doctor/facts.js';
import { controllerOf } from '../hardening/podSpec.js';
import type { Regarded } from '../doctor/gatherEvents.js';
import { apiVersionOf, resourcePath, workloadOf, type WorkloadResource } from './liveTarget.js';
import { isHardened, LAST_APPLIED, lastApplied, podLike } from './liveWorkload.js';

/** How far up controllers are followed: a pod's ReplicaSet, its Deployment, what made that. */
const MAX_OWNERS = 4;

/** Pods as their authors wrote them. Controllers are read once, for pods come in hundreds of one. */
export class PodAuthors {
  private readonly read = new Map<string, Promise<KubernetesObject | 'gone' | undefined>>();
  private readonly told = new Set<string>();

  /** @param tell told what may not be read, one line for each kind of object and namespace */
  constructor(
    private readonly api: ApiClient,
    private readonly tell: (line: string) => void,
  ) {}

  /**
   * The pod as the template of its controller says, or of that one's: the first that is not hardened itself. Of a pod
   * without one, and of a hardened template, what was last applied. Whether the pod bears our mark makes no difference:
   * anybody can write it, and take it away.
   *
   * @throws ApiError, UnreachableError or the system's error
   */
  async of(pod: KubernetesObject): Promise<AuthoredPod | undefined> {
    let below = pod;
    for (let steps = 0; steps < MAX_OWNERS; steps++) {
      if (!controllerOf(below.metadata)) return steps === 0 ? applied(pod, pod) : undefined;
      const owner = await this.controllerOf(below);
      if (!owner) return undefined;
      if (!isHardened(owner)) return authored(pod, owner, 'template');
      const found = applied(pod, owner);
      if (found) return found;
      below = owner;
    }
    return undefined;
  }

  /** @returns undefined where there is none, it is of a kind that is not known, it is gone, or it may not be read */
  async controllerOf(object: KubernetesObject): Promise<KubernetesObject | undefined> {
    const reference = controllerOf(object.metadata);
    const workload = workloadOf(reference?.apiVersion, reference?.kind);
    if (!workload || typeof reference?.name !== 'string') return undefined;
    const found = await this.get(workload, object.metadata?.namespace ?? '', reference.name);
    return found === 'gone' ? undefined : found;
  }

  /** What an event is about; undefined where it may not be read, or is of a kind that is not known. */
  async regarded(
    { apiVersion, kind, name }: Regarded,
    namespace: string,
  ): Promise<KubernetesObject | 'gone' | undefined> {
    const workload = workloadOf(apiVersion, kind);
    return workload && this.get(workload, namespace, name);
  }

  private get(
    workload: WorkloadResource,
    namespace: string,
    name: string,
  ): Promise<KubernetesObject | 'gone' | undefined> {
    const path = `${resourcePath(workload, namespace)}/${encodeURIComponent(name)}`;
    let answer = this.read.get(path);
    if (!answer) this.read.set(path, (answer = this.request(workload, namespace, path)));
    return answer;
  }

  /** @returns undefined where it may not be read */
  private async request(
    workload: WorkloadResource,
    namespace: string,
    path: string,
  ): Promise<KubernetesObject | 'gone' | undefined> {
    try {
      const object = await this.api.request('GET', path);
      return { ...object, apiVersion: apiVersionOf(workload), kind: workload.kind };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return 'gone';
      if (!isForbidden(error)) throw error;
      const kind = `${workload.resource} of namespace ${namespace}`;
      if (!this.told.has(kind))
        this.tell(`${kind}, so what was changed in their pods is not known for sure: ${error.message}`);
      this.told.add(kind);
      return undefined;
    }
  }
}

/** As an object was last applied: the pod itself, or a controller of it. */
function applied(pod: KubernetesObject, object: KubernetesObject): AuthoredPod | undefined {
  const found = lastApplied(object);
  if (!found) return undefined;
  const isAnnotated = object.metadata?.annotations?.[LAST_APPLIED] !== undefined;
  return authored(pod, found.author, isAnnotated ? 'lastApplied' : 'managedFields');
}

function authored(
  pod: KubernetesObject,
  object: KubernetesObject,
  from: AuthoredPod['from'],
): AuthoredPod | undefined {
  if (object.kind === 'Pod') return { object, from };
  const like = podLike(pod, object, '');
  return like && { object: like.author, from };
}
