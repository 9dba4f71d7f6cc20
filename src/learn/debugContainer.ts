import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { ApiError, isForbidden } from '../cluster/apiError.js';
import { isRecord } from '../hardening/locate.js';
import type { PodObject } from './observation.js';
import { ObserveError } from './observeError.js';

export interface DebugOptions {
  readonly image: string;
  /** The container whose process namespace it shares. */
  readonly target: string;
  /** It ends by itself after so long. */
  readonly lifetimeSeconds: number;
  /** Milliseconds since the epoch: until when it is waited for. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

export interface DebugContainer {
  readonly name: string;
  readonly image: string;
  /** As whom it runs, for people. */
  readonly user: string;
}

const PREFIX = 'kube-harden-learn-';
const ASK_EVERY_MS = 500;
/** One that ends sooner is not taken again: a look takes some seconds. */
const A_LOOK_MS = 20_000;

/**
 * Adds an ephemeral container to a pod that sees the processes of one of its containers, and waits until it runs. One that
 * is there from an earlier look and still runs is taken again: ephemeral containers stay in a pod's spec as long as the pod.
 *
 * It runs as root with SYS_PTRACE and DAC_READ_SEARCH and nothing else, which is what the kernel asks of whoever reads
 * /proc/PID/root of another user's process; where the namespace refuses that, as the container's own user, if the pod names it.
 *
 * @throws ObserveError
 */
export async function debugContainer(
  api: ApiClient,
  pod: PodObject,
  options: DebugOptions,
): Promise<DebugContainer> {
  const { namespace = '', name: podName = '' } = pod.metadata ?? {};
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(podName)}`;
  const at = `pod ${namespace}/${podName}`;
  const current = await api.request('GET', path);
  const running = runningOne(current, options);
  if (running !== undefined) return running;

  const uid = ownUid(pod, options.target);
  const users = [AS_ROOT, ...(uid === undefined ? [] : [asUser(uid)])];
  const refusals: string[] = [];
  for (const { securityContext, user } of users) {
    const name = `${PREFIX}${Math.random().toString(36).slice(2, 8)}`;
    const container = {
      name,
      image: options.image,
      targetContainerName: options.target,
      // It has nothing to do by itself: what is asked is run beside it.
      command: ['sleep', String(options.lifetimeSeconds)],
      securityContext,
    };
    try {
      // Merged by name: what others add meanwhile stays.
      await api.request('PATCH', `${path}/ephemeralcontainers`, {
        body: { spec: { ephemeralContainers: [container] } },
        contentType: 'application/strategic-merge-patch+json',
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refusals.push(error.message);
      continue;
    }
    await untilRunning(api, path, name, at, options);
    return { name, image: options.image, user };
  }
  const needs = 'learn --debug-image needs patch on pods/ephemeralcontainers';
  throw new ObserveError(`${at} takes no debug container: ${[...new Set(refusals)].join('; ')} (${needs})`);
}

const AS_ROOT = {
  user: 'as root with SYS_PTRACE and DAC_READ_SEARCH',
  securityContext: {
    runAsUser: 0,
    runAsGroup: 0,
    runAsNonRoot: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], add: ['SYS_PTRACE', 'DAC_READ_SEARCH'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

function asUser(uid: number): { user: string; securityContext: object } {
  return {
    user: `as uid ${uid}, the container's own`,
    securityContext: {
      runAsUser: uid,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

/** The uid that the pod gives the container; undefined where it gives none, or root's. */
function ownUid(pod: PodObject, target: string): number | undefined {
  const container = (pod.spec.containers ?? []).find(({ name }) => name === target);
  return container?.securityContext?.runAsUser || pod.spec.securityContext?.runAsUser || undefined;
}

interface ContainerState {
  readonly running?: { readonly startedAt?: string };
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly message?: string };
}

function stateOf(pod: ApiObject, name: string): ContainerState | undefined {
  const statuses = isRecord(pod['status']) ? pod['status']['ephemeralContainerStatuses'] : undefined;
  const found: unknown = Array.isArray(statuses)
    ? statuses.find((status) => isRecord(status) && status['name'] === name)
    : undefined;
  return isRecord(found) && isRecord(found['state']) ? found['state'] : undefined;
}

function runningOne(pod: ApiObject, { target }: DebugOptions): DebugContainer | undefined {
  const containers = isRecord(pod['spec']) ? pod['spec']['ephemeralContainers'] : undefined;
  if (!Array.isArray(containers)) return undefined;
  for (const container of containers) {
    if (!isRecord(container) || container['targetContainerName'] !== target) continue;
    const { name, image, command, securityContext } = container;
    if (typeof name !== 'string' || !name.startsWith(PREFIX) || typeof image !== 'string') continue;
    const running = stateOf(pod, name)?.running;
    if (!running) continue;
    const seconds = Array.isArray(command) ? Number(command[1]) : 0;
    if (Date.parse(running.startedAt ?? '') + seconds * 1000 < Date.now() + A_LOOK_MS) continue;
    const uid = isRecord(securityContext) ? Number(securityContext['runAsUser']) : 0;
    return { name, image, user: uid === 0 ? AS_ROOT.user : asUser(uid).user };
  }
  return undefined;
}

/** Reasons for which the kubelet goes on trying, and nothing will come of it. */
const HOPELESS =
  /^(?:ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError)$/;
const PULL_FAILED = /^(?:ErrImagePull|ImagePullBackOff)$/;

async function untilRunning(
  api: ApiClient,
  path: string,
  name: string,
  at: string,
  { image, deadline, signal }: DebugOptions,
): Promise<void> {
  let last = 'the kubelet has not begun with it';
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const pod = await api.request('GET', path).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404)
        throw new ObserveError(`${at} has gone meanwhile`, { cause: error });
      if (isForbidden(error)) throw new ObserveError(`${at}: ${error.message}`, { cause: error });
      throw error;
    });
    const state = stateOf(pod, name);
    if (state?.running) return;
    const ended = state?.terminated;
    if (ended) {
      const said = ended.message ?? ended.reason ?? 'no reason is given';
      throw new ObserveError(
        `${at}: the debug container ended at once: ${said}; has ${image} a sleep and a sh?`,
      );
    }
    const { reason = '', message = reason } = state?.waiting ?? {};
    if (HOPELESS.test(reason) || PULL_FAILED.test(reason))
      throw new ObserveError(`${at}: the debug container cannot start from ${image}: ${message}`);
    if (reason !== '') last = reason;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  throw new ObserveError(`${at}: the debug container did not start in time (${last})`);
}
