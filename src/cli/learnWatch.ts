import { setTimeout as sleep } from 'node:timers/promises';
import type { UserConnection } from '../cluster/userConnection.js';
import type { Observation, ObserveOptions, LearnTarget, PodObject } from '../learn/observation.js';
import type { LearnContainer } from '../learn/target.js';

/** Looks at a container once: `observe`. */
export type Look = (
  connection: UserConnection,
  target: LearnTarget,
  options: ObserveOptions,
) => Promise<Observation>;

export interface WatchOptions {
  readonly connection: UserConnection;
  readonly look: Look;
  /** For how long, in milliseconds; 0: once. */
  readonly watchMs: number;
  readonly debugImage: string | undefined;
  /** Ctrl-C: ends with what was seen so far. */
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

export interface Watched {
  /** What was seen of each container, by its place in the list given. */
  readonly observations: readonly (readonly Observation[])[];
  /** What could not be looked at, one line each. */
  readonly told: readonly string[];
}

/** A look walks the container's file system: what it finds in two follows within seconds costs more than it tells. */
const INTERVAL_MIN_MS = 5000;

/** All of a container's looks are kept until the end. */
const LOOKS_MAX = 20;

/** A pod keeps every debug container that it was ever given. */
const DEBUG_CONTAINERS_MAX = 4;

/** So many containers at once: each look is a stream through the API server. */
const AT_ONCE = 4;

/** Looks at containers once or, with `watchMs`, again and again. */
export async function watchContainers(
  containers: readonly LearnContainer[],
  options: WatchOptions,
): Promise<Watched> {
  const { watchMs, signal, progress } = options;
  const observations = containers.map((): Observation[] => []);
  const told = new Set<string>();
  const until = performance.now() + watchMs;
  let isLast = watchMs === 0;
  for (;;) {
    const startedAt = performance.now();
    const left = `${Math.max(0, Math.round((until - startedAt) / 1000))} s left`;
    progress(
      watchMs === 0
        ? `looking at ${countOf(containers.length)}`
        : `watching ${countOf(containers.length)}, ${left}; Ctrl-C ends with what was seen`,
    );
    if (isAborted(signal)) break;
    await round(containers, observations, told, options);
    if (isAborted(signal) || isLast) break;
    const usesDebug = observations.some((seen) => seen.at(-1)?.way === 'ephemeral');
    const stepMs = Math.max(INTERVAL_MIN_MS, watchMs / (usesDebug ? DEBUG_CONTAINERS_MAX : LOOKS_MAX));
    // The last look is at the end.
    const next = Math.min(startedAt + stepMs, until);
    isLast = next >= until;
    await sleep(next - performance.now(), undefined, { signal }).catch(() => undefined);
  }
  return { observations, told: [...told] };
}

/** It changes while something is awaited, which the compiler does not reckon with. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function countOf(count: number): string {
  return count === 1 ? 'one container' : `${count} containers`;
}

/** One look at each. */
async function round(
  containers: readonly LearnContainer[],
  observations: readonly Observation[][],
  told: Set<string>,
  { connection, look, debugImage, signal }: WatchOptions,
): Promise<void> {
  const waiting = [...containers.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !isAborted(signal); next = waiting.shift()) {
      const [index, { pod, container }] = next;
      try {
        const target = { pod: pod as PodObject, container: container.name };
        observations[index]?.push(await look(connection, target, { debugImage, signal }));
      } catch (error) {
        if (isAborted(signal)) return;
        told.add(observeProblem(error, pod.metadata?.name ?? '', container.name));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** @throws a bug */
function observeProblem(error: unknown, pod: string, container: string): string {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  return error.message.includes(pod)
    ? error.message
    : `container "${container}" of pod ${pod}: ${error.message}`;
}
