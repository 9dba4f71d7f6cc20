import { CHANGED_ANNOTATION } from '../admission/decide.js';
import type { KubernetesObject } from '../admission/types.js';
import type { ApiClient } from '../cluster/apiClient.js';
import { ApiError } from '../cluster/apiError.js';
import { isRecord, locatePod } from '../hardening/locate.js';
import { controllerOf } from '../hardening/podSpec.js';
import { validatePod } from '../hardening/validatePod.js';
import type { LiveObject } from '../preview/explain.js';
import { appliedFields } from './appliedFields.js';
import { apiVersionOf, resourcePath, workloadOf, type LiveTarget } from './liveTarget.js';

/** A workload of a cluster, and what its author wrote, as far as the cluster still knows. */
export interface AuthoredWorkload extends LiveObject {
  /** The object with the author's values: what is explained. */
  readonly author: KubernetesObject;
}

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Reads a workload. Of one that the webhook has hardened already the author's values are those of its controller's
 * template or, where the object has none or the template is hardened too, of the manifest that was last applied.
 *
 * @throws ApiError, UnreachableError or the system's error
 */
export async function readWorkload(
  api: ApiClient,
  { workload, name }: LiveTarget,
  namespace: string,
): Promise<AuthoredWorkload> {
  const path = `${resourcePath(workload, namespace)}/${encodeURIComponent(name)}`;
  const answer = await api.request('GET', path);
  const running = { ...answer, apiVersion: apiVersionOf(workload), kind: workload.kind } as KubernetesObject;
  const applied = isHardened(running) ? lastApplied(running) : undefined;
  const found = (await ofController(api, running, namespace)) ?? applied;
  return found ? { ...found, running } : { author: running, running, comparedWith: undefined };
}

interface Authored {
  readonly author: KubernetesObject;
  readonly comparedWith: string;
}

/** How far up controllers are followed: a pod's ReplicaSet, its Deployment, what made that. */
const MAX_OWNERS = 4;

/**
 * The pod as the template of its controller says, or of that one's, and so on: the first that is not hardened. A pod of
 * a hardened template has nothing left to be marked for.
 *
 * @returns undefined where there is none, and where neither the pod nor its controller is hardened
 */
async function ofController(
  api: ApiClient,
  running: KubernetesObject,
  namespace: string,
): Promise<Authored | undefined> {
  if (running.kind !== 'Pod') return undefined;
  let below = running;
  for (let steps = 0; steps < MAX_OWNERS; steps++) {
    const owner = await readController(api, below, namespace);
    if (!owner || !(isHardened(below) || isHardened(owner))) return undefined;
    const name = `${String(owner.kind)} ${owner.metadata?.name ?? ''}`;
    if (!isHardened(owner)) return podLike(running, owner, `the template of ${name}`);
    const applied = lastApplied(owner);
    if (applied) return podLike(running, applied.author, `the last applied template of ${name}`);
    below = owner;
  }
  return undefined;
}

/** @returns undefined where there is none, it is no workload of Kubernetes' own, or it is gone or may not be read */
async function readController(
  api: ApiClient,
  object: KubernetesObject,
  namespace: string,
): Promise<KubernetesObject | undefined> {
  const reference = controllerOf(object.metadata);
  const workload = workloadOf(reference?.apiVersion, reference?.kind);
  if (!workload || typeof reference?.name !== 'string') return undefined;
  try {
    const path = `${resourcePath(workload, namespace)}/${encodeURIComponent(reference.name)}`;
    const owner = await api.request('GET', path);
    return { ...owner, apiVersion: apiVersionOf(workload), kind: workload.kind };
  } catch (error) {
    if (error instanceof ApiError && [403, 404].includes(error.status)) return undefined;
    throw error;
  }
}

/** The running pod with the fields of a template. */
export function podLike(
  running: KubernetesObject,
  owner: KubernetesObject,
  comparedWith: string,
): Authored | undefined {
  const template = locatePod(owner)?.pod;
  if (!template) return undefined;
  return { author: { ...unmarked(running), spec: template.spec }, comparedWith };
}

/**
 * What was last applied, by the client or by the server.
 *
 * @returns undefined where nobody applied it; anybody may write the annotation, and anything into it
 */
export function lastApplied(running: KubernetesObject): Authored | undefined {
  const applied = annotated(running) ?? appliedFields(running);
  if (!isRecord(applied)) return undefined;
  // Field owners are of the object itself, and leave its type out.
  const { kind = running.kind } = applied;
  if (kind !== running.kind) return undefined;
  const author = {
    ...applied,
    apiVersion: running.apiVersion,
    kind,
    metadata: unmarked(running).metadata,
  } as KubernetesObject;
  const located = locatePod(author);
  const isPod = located && validatePod(located.pod, located.base).length === 0;
  return isPod ? { author, comparedWith: 'the manifest that was last applied' } : undefined;
}

/** By `kubectl apply` without --server-side. */
function annotated({ metadata }: KubernetesObject): unknown {
  const text = metadata?.annotations?.[LAST_APPLIED];
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

export function isHardened({ metadata }: KubernetesObject): boolean {
  return Object.hasOwn(metadata?.annotations ?? {}, CHANGED_ANNOTATION);
}

/** Without the webhook's own mark: the author did not write it. */
function unmarked(object: KubernetesObject): KubernetesObject {
  const annotations = Object.entries(object.metadata?.annotations ?? {});
  const own = annotations.filter(([key]) => key !== CHANGED_ANNOTATION);
  return { ...object, metadata: { ...object.metadata, annotations: Object.fromEntries(own) } };
}
