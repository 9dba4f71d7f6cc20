import type { Json } from '../../controlPlane/apiClient.js';
import { TimeoutError, eventually, pause } from '../../support/wait.js';
import { world } from '../../support/world.js';
import { theNode } from '../theNode.js';
import type { BrokenWorkload } from './combination.js';
import { deploy } from './deployment.js';

/** Looks at a pod as the API server has it: what is wrong with it, once it is as broken as it will be. */
export type Until = (pod: Json) => string | undefined;

/** A kubelet counts the bytes of volumes once a minute, looks at its limits every ten seconds, and takes time to evict. */
const TIMEOUT_MS = 180_000;
const CRASHES = 2;

function statuses({ status }: Json): Json[] {
  const lists = [status.initContainerStatuses, status.containerStatuses, status.ephemeralContainerStatuses];
  return lists.flatMap((list) => list ?? []);
}

/** One of its containers has ended so often that it will not run. */
export const crashes: Until = (pod) => {
  const crashed = statuses(pod).find(({ restartCount }) => restartCount >= CRASHES);
  if (crashed === undefined) return undefined;
  const { terminated } = crashed.lastState;
  return `${terminated?.reason}, exit code ${terminated?.exitCode}${message(terminated)}`;
};

/** One of its containers waits for one of these reasons. */
export function waits(...reasons: readonly string[]): Until {
  return (pod) => {
    const waiting = statuses(pod)
      .map(({ state }) => state.waiting)
      .find((state) => reasons.includes(state?.reason));
    return waiting && `${waiting.reason}${message(waiting)}`;
  };
}

/** It has been on the node for so long, and none of its containers has been made. */
export function staysCreating(seconds: number): Until {
  return (pod) => {
    const isCreating = statuses(pod).every(({ state }) => state.waiting?.reason === 'ContainerCreating');
    const age = Date.now() - Date.parse(pod.status.startTime as string);
    return isCreating && age > seconds * 1000 ? `ContainerCreating after ${seconds} s` : undefined;
  };
}

/** The kubelet has refused or evicted it. */
export const fails: Until = ({ status }) =>
  status.phase === 'Failed' ? `${status.reason}${message(status)}` : undefined;

/** One of its containers has run for so long and is not ready. */
export function staysUnready(seconds: number): Until {
  return (pod) => {
    const running = statuses(pod).find(({ ready, state }) => !ready && state.running !== undefined);
    if (running === undefined) return undefined;
    const age = Date.now() - Date.parse(running.state.running.startedAt as string);
    return age > seconds * 1000 ? `not ready after ${seconds} s` : undefined;
  };
}

/** It runs, and is as broken as it will be after so long. */
export function runs(seconds: number): Until {
  return (pod) => {
    const running = statuses(pod).find(({ state }) => state.running !== undefined);
    if (running === undefined) return undefined;
    const age = Date.now() - Date.parse(running.state.running.startedAt as string);
    return age > seconds * 1000 ? `runs` : undefined;
  };
}

function message({ message: text }: Json): string {
  return text === undefined || text === '' ? '' : `: ${text}`;
}

interface PodList {
  readonly items?: readonly Json[];
}

/** Deploys it and waits until one of its pods is broken; resolves with nothing where none is in time. */
export async function deployBroken(
  namespace: string,
  name: string,
  spec: object,
  until: Until,
): Promise<BrokenWorkload | undefined> {
  await deploy(namespace, name, { terminationGracePeriodSeconds: 0, ...spec });
  return untilBroken(namespace, `deploy/${name}`, until);
}

/**
 * As `deployBroken`, of a bare pod that kubectl applies: a pod that the kubelet refuses to run is replaced at once by a
 * controller, without end.
 */
export async function applyBroken(
  namespace: string,
  name: string,
  spec: object,
  until: Until,
): Promise<BrokenWorkload | undefined> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { nodeName: theNode().name, terminationGracePeriodSeconds: 0, ...spec },
  };
  await world().controlPlane.kubectlOutput(['apply', '-f', '-'], { input: pod });
  return untilBroken(namespace, `pod/${name}`, until);
}

/** A Deployment none of whose pods is accepted: what its ReplicaSet was told. */
export async function deployRefused(
  namespace: string,
  name: string,
  spec: object,
): Promise<BrokenWorkload | undefined> {
  await deploy(namespace, name, spec);
  const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=reason%3DFailedCreate`;
  const quote = await eventually(`${namespace}/${name} without pods`, async () => {
    const { body } = await world().controlPlane.api<PodList>('GET', path);
    return body.items?.[0]?.message as string | undefined;
  });
  return { target: `deploy/${name}`, quote };
}

/** Creates an object beside the workload: what it mounts, or is told of. */
export async function create(namespace: string, object: object): Promise<void> {
  await world().controlPlane.kubectlOutput(['create', '--namespace', namespace, '-f', '-'], {
    input: object,
  });
}

/** Beside the workload may stand what it talks to. */
function isOf({ name, labels }: Json, workload: string): boolean {
  return name === workload || labels?.app === workload;
}

async function untilBroken(
  namespace: string,
  target: string,
  until: Until,
): Promise<BrokenWorkload | undefined> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  try {
    const broken = await eventually(
      `${target} in ${namespace} broken`,
      async () => {
        const { body } = await world().controlPlane.api<PodList>('GET', path);
        const name = target.slice(target.indexOf('/') + 1);
        for (const pod of (body.items ?? []).filter(({ metadata }) => isOf(metadata, name))) {
          const quote = until(pod);
          if (quote !== undefined) return { target, pod: pod.metadata.name as string, quote };
        }
        return undefined;
      },
      TIMEOUT_MS,
      200,
    );
    // Events are written after the status, and in their own time.
    await pause(500);
    return broken;
  } catch (error) {
    if (error instanceof TimeoutError) return undefined;
    throw error;
  }
}
