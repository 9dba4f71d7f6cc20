import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { ApiError } from '../cluster/apiError.js';
import { isRecord } from '../hardening/locate.js';
import type { Container, Pod } from '../hardening/podSpec.js';
import { isWindowsPod } from '../hardening/windows.js';

/** A pod of a cluster, with its status. */
export type RunningPod = ApiObject & Pod;

/** A container to be looked at. */
export interface LearnContainer {
  readonly pod: RunningPod;
  readonly container: Container & { readonly name: string; readonly image: string };
}

/** What of the pods can be looked at, and what cannot, one line each. */
export interface LearnTargets {
  readonly containers: readonly LearnContainer[];
  readonly told: readonly string[];
}

/** A hundred replicas of one image tell what ten tell, and each costs a process in every container. */
export const PODS_MAX = 10;

/** A DaemonSet has a pod on every node of a cluster. */
const NODES_MAX = 50;

/**
 * The running containers of these pods, the youngest pods first.
 *
 * @param only the name of the container that was asked for
 * @param lost names of nodes whose kubelet does not answer
 */
export function learnTargets(
  pods: readonly RunningPod[],
  only: string | undefined,
  lost: ReadonlySet<string> = new Set(),
): LearnTargets {
  const told: string[] = [];
  const looked = [...pods].sort((a, b) => createdAt(b).localeCompare(createdAt(a)));
  const usable = looked.filter((pod) => {
    const problem = podProblem(pod, lost);
    if (problem !== undefined) told.push(`pod ${nameOf(pod)} ${problem}`);
    return problem === undefined;
  });
  if (usable.length > PODS_MAX)
    told.push(`${PODS_MAX} of ${usable.length} running pods are looked at, the youngest`);
  const containers = usable.slice(0, PODS_MAX).flatMap((pod) => containersOf(pod, only, told));
  return { containers, told };
}

function createdAt({ metadata }: ApiObject): string {
  const at = metadata?.['creationTimestamp'];
  return typeof at === 'string' ? at : '';
}

function nameOf({ metadata }: ApiObject): string {
  return metadata?.name ?? '';
}

interface ContainerStatus {
  readonly name?: unknown;
  readonly state?: {
    readonly running?: unknown;
    readonly waiting?: { readonly reason?: unknown } | null;
  } | null;
}

interface PodStatus {
  readonly phase?: unknown;
  readonly reason?: unknown;
  readonly containerStatuses?: readonly ContainerStatus[] | null;
  readonly initContainerStatuses?: readonly ContainerStatus[] | null;
}

function statusOf(pod: RunningPod): PodStatus {
  return isRecord(pod['status']) ? pod['status'] : {};
}

/**
 * The nodes of these pods from which nothing has been heard. A pod goes on to say that it runs until it is evicted, five
 * minutes later.
 *
 * @throws UnreachableError or the system's error
 */
export async function lostNodes(api: ApiClient, pods: readonly RunningPod[]): Promise<ReadonlySet<string>> {
  const names = [...new Set(pods.flatMap(({ spec }) => spec.nodeName ?? []))].slice(0, NODES_MAX);
  const lost = await Promise.all(
    names.map(async (name) => {
      try {
        const { status } = await api.request('GET', `/api/v1/nodes/${encodeURIComponent(name)}`);
        const conditions: unknown = isRecord(status) ? status['conditions'] : undefined;
        const isLost =
          Array.isArray(conditions) &&
          conditions.some(
            (each) => isRecord(each) && each['type'] === 'Ready' && each['status'] === 'Unknown',
          );
        return isLost ? [name] : [];
      } catch (error) {
        // Few may read nodes, and one may be gone: a look that hangs has its own end.
        if (error instanceof ApiError) return [];
        throw error;
      }
    }),
  );
  return new Set(lost.flat());
}

/** Why nothing of a pod can be looked at. */
function podProblem(pod: RunningPod, lost: ReadonlySet<string>): string | undefined {
  const { phase, reason } = statusOf(pod);
  if (isWindowsPod(pod.spec)) return 'is a Windows pod: an image profile is for Linux containers';
  const { nodeName } = pod.spec;
  if (reason === 'NodeLost' || phase === 'Unknown' || lost.has(nodeName ?? ''))
    return `is on a lost node (${nodeName ?? 'unknown'}): its kubelet does not answer`;
  if (pod.metadata?.['deletionTimestamp'] !== undefined) return 'is being deleted';
  if (phase === 'Running') return undefined;
  const state = typeof phase === 'string' && phase !== '' ? phase : 'not running yet';
  return `is ${state}: only a running program shows what it needs`;
}

function containersOf(pod: RunningPod, only: string | undefined, told: string[]): LearnContainer[] {
  const { initContainers, containers } = pod.spec;
  const sidecars = (initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const ended = (initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== 'Always');
  const candidates = [...sidecars, ...(containers ?? [])].filter(
    ({ name }) => only === undefined || name === only,
  );
  if (candidates.length === 0) {
    const isInit = ended.some(({ name }) => name === only);
    const names = [...sidecars, ...(containers ?? [])].map(({ name }) => name ?? '').join(', ');
    told.push(
      isInit
        ? `container "${only ?? ''}" of pod ${nameOf(pod)} is an init container, and has ended: nothing of it can be looked at`
        : `pod ${nameOf(pod)} has no container "${only ?? ''}"; it has ${names}`,
    );
    return [];
  }
  return candidates.flatMap((container) => {
    const { name, image } = container;
    if (typeof name !== 'string' || typeof image !== 'string') return [];
    const state = stateOf(pod, name);
    if (state === 'running') return [{ pod, container: { ...container, name, image } }];
    told.push(
      `container "${name}" of pod ${nameOf(pod)} is ${state}: only a running program shows what it needs`,
    );
    return [];
  });
}

function stateOf(pod: RunningPod, name: string): string {
  const { containerStatuses, initContainerStatuses } = statusOf(pod);
  const status = [...(containerStatuses ?? []), ...(initContainerStatuses ?? [])].find(
    (each) => each.name === name,
  );
  if (status?.state?.running) return 'running';
  const reason = status?.state?.waiting?.reason;
  return typeof reason === 'string' ? `waiting (${reason})` : 'not running';
}

/**
 * What a container is kept from already, so that what it would do otherwise is not seen; a sentence each. By the fields
 * themselves, since anybody can write the webhook's annotation.
 */
export function hardenedAlready({ pod, container }: LearnContainer): string[] {
  const own = container.securityContext ?? {};
  const uid = own.runAsUser ?? pod.spec.securityContext?.runAsUser;
  const drops = (own.capabilities?.drop ?? []).some((name) => name.toUpperCase() === 'ALL');
  const where = `container "${container.name}" of pod ${nameOf(pod)}`;
  return [
    ...(own.readOnlyRootFilesystem === true
      ? [`${where} has a read-only root file system: where else it would write is not seen`]
      : []),
    ...(uid !== undefined && uid !== null && uid !== 0
      ? [
          `${where} runs as uid ${uid} by its securityContext: the uid that its image would choose is not seen`,
        ]
      : []),
    ...(drops ? [`${where} drops all capabilities: which ones it would use is not seen`] : []),
  ];
}
