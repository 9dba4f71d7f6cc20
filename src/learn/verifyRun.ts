import { setTimeout as sleep } from 'node:timers/promises';
import { CHANGED_ANNOTATION } from '../admission/decide.js';
import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { ApiError } from '../cluster/apiError.js';
import type { Diagnosis } from '../doctor/finding.js';
import { copyState, type CopyState } from './verifyState.js';
import type { CopyPod } from './verifyCopy.js';

/** What a hardened copy showed. */
export interface Verification {
  readonly namespace: string;
  /** The copy's name. */
  readonly pod: string;
  /** It became ready and stayed so, or ran to its end; and nothing in its log or status blames a rule. */
  readonly passed: boolean;
  /** One sentence. */
  readonly outcome: string;
  /** Absent where the copy could not be made, or not be looked at. */
  readonly diagnosis?: Diagnosis;
  /** Rules with which the cluster's own webhook changed the copy once more: it ran with more than was learned. */
  readonly changedByWebhook: readonly string[];
}

export interface VerifyOptions {
  readonly api: ApiClient;
  readonly namespace: string;
  readonly pod: CopyPod;
  /** Until it is ready, in milliseconds. */
  readonly timeoutMs: number;
  /** Ctrl-C: the copy is removed, and what was seen is told. */
  readonly signal: AbortSignal;
  /** Asked once, before the copy is removed. */
  readonly diagnose: (pod: ApiObject) => Promise<Diagnosis>;
  /** Told what is under way. */
  readonly progress: (text: string) => void;
  /** Told that the copy may still be there, with what removes it. */
  readonly warn: (line: string) => void;
  /** Between two looks, and how long it has to stay ready; for tests. */
  readonly everyMs?: number;
  readonly settleMs?: number;
}

const EVERY_MS = 1000;

/** A program that cannot write or bind often says so and goes on, or ends, within its first seconds. */
const SETTLE_MS = 10_000;

/** Of the copy's own, at most: nobody waits for what it has to put in order. */
const GRACE_SECONDS = 30;

/** Longer than the grace period: the kubelet reports the end some time after it. */
const GONE_MS = 60_000;

/**
 * Creates the copy, waits until it is ready, has it diagnosed, and removes it: in every case in which this process lives
 * on. Where it does not, the copy's deadline ends it.
 *
 * @throws ApiError, UnreachableError or the system's error where the copy cannot be created
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { api, namespace, pod } = options;
  const { name } = pod.metadata;
  let created: ApiObject;
  try {
    created = await api.request('POST', podsPath(namespace), { body: pod });
  } catch (error) {
    // Where no answer came, or one that the server or what lies before it failed, it may have been created all the same.
    if (!(error instanceof ApiError) || error.status >= 500) await remove(options);
    throw error;
  }
  try {
    return { namespace, pod: name, ...(await look(options, created)) };
  } finally {
    options.progress(`removing pod ${name}`);
    await remove(options);
  }
}

function podsPath(namespace: string, name?: string): string {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
}

type Seen = Pick<Verification, 'passed' | 'outcome' | 'changedByWebhook'> & {
  readonly diagnosis?: Diagnosis;
};

async function look(options: VerifyOptions, created: ApiObject): Promise<Seen> {
  const changedByWebhook = (created.metadata?.annotations?.[CHANGED_ANNOTATION] ?? '')
    .split(',')
    .map((rule) => rule.trim())
    .filter((rule) => rule !== '');
  const { end, pod } = await waitFor(options, created);
  // Who interrupts does not wait for more.
  if (pod === undefined || end.kind === 'interrupted')
    return { passed: false, outcome: sentenceOf(end, options), changedByWebhook };
  const diagnosis = await options.diagnose(pod);
  const isWell = end.kind === 'ready' || end.kind === 'completed';
  const isBlamed = diagnosis.findings.some(({ certainty }) => certainty !== 'possible');
  const outcome =
    isWell && isBlamed ? `${sentenceOf(end, options)}, but complains` : sentenceOf(end, options);
  return { passed: isWell && !isBlamed, outcome, diagnosis, changedByWebhook };
}

type End = CopyState | { readonly kind: 'interrupted' | 'late' | 'gone' };

function sentenceOf(end: End, { timeoutMs }: VerifyOptions): string {
  switch (end.kind) {
    case 'ready':
      return end.restarts === 0
        ? 'it became ready and stayed so'
        : `it became ready, after ${end.restarts} ${end.restarts === 1 ? 'restart' : 'restarts'}`;
    case 'completed':
      return 'it ran to its end without an error';
    case 'broken':
      return end.why;
    case 'interrupted':
      return 'it was interrupted before the copy was ready';
    case 'gone':
      return 'somebody else removed the copy before it was ready';
    case 'starting':
    case 'late':
      return `it was not ready within ${Math.round(timeoutMs / 1000)} s`;
  }
}

/** @returns how it ended, and the pod as it was then; none where it is gone */
async function waitFor(
  options: VerifyOptions,
  created: ApiObject,
): Promise<{ readonly end: End; readonly pod: ApiObject | undefined }> {
  const { api, namespace, timeoutMs, signal, everyMs = EVERY_MS, settleMs = SETTLE_MS } = options;
  const { name } = options.pod.metadata;
  const path = podsPath(namespace, name);
  const until = performance.now() + timeoutMs;
  let pod: ApiObject = created;
  let ready: { readonly since: number; readonly restarts: number } | undefined;
  for (;;) {
    const state = copyState(pod);
    const now = performance.now();
    if (state.kind === 'completed' || state.kind === 'broken') return { end: state, pod };
    if (state.kind === 'ready') {
      if (ready?.restarts !== state.restarts) ready = { since: now, restarts: state.restarts };
      if (now - ready.since >= settleMs) return { end: state, pod };
    } else ready = undefined;
    if (signal.aborted) return { end: { kind: 'interrupted' }, pod };
    // One that is ready is given its time to settle, which is short.
    if (now >= until && ready === undefined) return { end: { kind: 'late' }, pod };
    options.progress(
      ready ? `pod ${name} is ready: does it stay so?` : `waiting for pod ${name} to become ready`,
    );
    await pause(everyMs, signal);
    try {
      pod = await api.request('GET', path);
    } catch (error) {
      if (isNotFound(error)) return { end: { kind: 'gone' }, pod: undefined };
      throw error;
    }
  }
}

/** Never throws: what it is called after has more to say. */
async function remove({ api, namespace, pod, warn, everyMs = EVERY_MS }: VerifyOptions): Promise<void> {
  const { name } = pod.metadata;
  const path = podsPath(namespace, name);
  const own = pod.spec['terminationGracePeriodSeconds'];
  const gracePeriodSeconds = Math.min(GRACE_SECONDS, typeof own === 'number' ? own : GRACE_SECONDS);
  try {
    await api.request('DELETE', path, { body: { gracePeriodSeconds } });
    const until = performance.now() + GONE_MS;
    while (performance.now() < until) {
      await api.request('GET', path);
      await pause(everyMs);
    }
    warn(`pod ${name} is still being removed; see kubectl get pod ${name} -n ${namespace}`);
  } catch (error) {
    if (isNotFound(error)) return;
    const why = error instanceof Error ? error.message : String(error);
    warn(`pod ${name} could not be removed (${why}); do it by kubectl delete pod ${name} -n ${namespace}`);
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Also over at once when the signal comes. */
async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, signal && { signal }).catch(() => undefined);
}
