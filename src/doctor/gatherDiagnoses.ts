import { CHANGED_ANNOTATION } from '../admission/decide.js';
import type { KubernetesObject } from '../admission/types.js';
import { controllerOf } from '../hardening/podSpec.js';
import { diagnosePod } from './diagnosePod.js';
import type { Gathering } from './gather.js';
import { identityOf } from './gather.js';
import { isTroubled, logsOf } from './gatherLogs.js';
import type { Diagnosis } from './finding.js';

export interface DiagnosesOptions {
  readonly gathering: Gathering;
  /** One page after the other. */
  readonly pods: AsyncIterable<readonly KubernetesObject[]>;
  /** One workload was named: then all of its pods are looked at closely, and told. */
  readonly isNamed: boolean;
}

export interface Diagnoses {
  readonly diagnoses: readonly Diagnosis[];
  readonly pods: number;
  readonly podsWithoutLogs: number;
}

/** Pods that are looked at at a time. An API server takes as many requests of one user at once without queueing them. */
const AT_A_TIME = 8;
/** Pods of one controller are alike: of those that fail, and of those that run, the first so many tell. */
const ALIKE_TROUBLED = 10;
const ALIKE_RUNNING = 2;
/** Pods whose logs are read in one run. */
const LOGGED_MAX = 1000;

/** Diagnoses pods as they are listed, so that a large cluster's are never in memory together. */
export async function gatherDiagnoses({ gathering, pods, isNamed }: DiagnosesOptions): Promise<Diagnoses> {
  const alike = new Map<string, number>();
  const diagnoses: Diagnosis[] = [];
  let [count, logged, withoutLogs] = [0, 0, 0];

  /** Whether a pod's logs are among those that are read; counts it. */
  const isLogged = (pod: KubernetesObject, troubled: boolean): boolean => {
    if (logsOf(pod).length === 0) return false;
    const key = `${controllerOf(pod.metadata)?.uid ?? identityOf(pod).uid} ${String(troubled)}`;
    const before = alike.get(key) ?? 0;
    const isOneOfMany = before >= (troubled ? ALIKE_TROUBLED : ALIKE_RUNNING);
    if ((isOneOfMany && !isNamed) || logged >= LOGGED_MAX) {
      withoutLogs += 1;
      return false;
    }
    alike.set(key, before + 1);
    logged += 1;
    return true;
  };

  const look = async (pod: KubernetesObject): Promise<Diagnosis | undefined> => {
    const troubled = isTroubled(pod);
    const isHardened = await mayBeHardened(pod, gathering);
    if (!troubled && !isHardened && !isNamed) return undefined;
    const withLogs = (isHardened || isNamed) && isLogged(pod, troubled);
    if (!troubled && !withLogs && !isNamed) return undefined;
    const diagnosis = diagnosePod(await gathering.podFacts(pod, withLogs));
    const isTold = isNamed || diagnosis.state === 'broken' || diagnosis.findings.length > 0;
    return isTold ? diagnosis : undefined;
  };

  for await (const page of pods) {
    count += page.length;
    const found = await inParallel(page, look);
    for (const diagnosis of found) if (diagnosis) diagnoses.push(diagnosis);
  }
  return { diagnoses, pods: count, podsWithoutLogs: withoutLogs };
}

/** Only such a pod can be broken by it. Where the namespace does not say, it may be. */
async function mayBeHardened(pod: KubernetesObject, gathering: Gathering): Promise<boolean> {
  if (Object.hasOwn(pod.metadata?.annotations ?? {}, CHANGED_ANNOTATION)) return true;
  const { plan } = await gathering.namespaceOf(identityOf(pod).namespace);
  return plan === undefined || plan.mode === 'enforce';
}

/** In the order of the items, at most `AT_A_TIME` at once. The first error ends it. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return results;
}
