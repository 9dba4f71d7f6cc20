import { isRecord } from '../hardening/locate.js';

/** How far a copy has come. */
export type CopyState =
  | { readonly kind: 'starting' }
  /** All its containers are ready. `restarts` of all of them together. */
  | { readonly kind: 'ready'; readonly restarts: number }
  /** It has run to its end, without an error. */
  | { readonly kind: 'completed' }
  /** It will not become ready as it is. */
  | { readonly kind: 'broken'; readonly why: string };

interface Status {
  readonly name: string;
  readonly restarts: number;
  readonly waiting: string | undefined;
}

/** Reasons to wait that waiting does not mend, in the minutes that there are. Source: kubelet, images/types.go and container.go. */
const HOPELESS: readonly string[] = [
  'CrashLoopBackOff',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImagePullBackOff',
];

/** A program that waits for another one may end once or twice before it stays. */
const RESTARTS_MAX = 2;

/** @param pod as the API server has it */
export function copyState(pod: Readonly<Record<string, unknown>>): CopyState {
  const status = isRecord(pod['status']) ? pod['status'] : {};
  const { phase, reason, message } = status;
  if (phase === 'Succeeded') return { kind: 'completed' };
  if (phase === 'Failed') {
    const said = [reason, message].filter((part) => typeof part === 'string' && part !== '');
    return { kind: 'broken', why: said.length === 0 ? 'it failed' : said.join(': ') };
  }
  const containers = [...statuses(status['initContainerStatuses']), ...statuses(status['containerStatuses'])];
  for (const { name, waiting, restarts } of containers) {
    if (waiting !== undefined && HOPELESS.includes(waiting))
      return { kind: 'broken', why: `container "${name}" is in ${waiting}` };
    if (restarts > RESTARTS_MAX)
      return { kind: 'broken', why: `container "${name}" was started ${restarts + 1} times` };
  }
  if (!isReady(status['conditions'])) return { kind: 'starting' };
  return { kind: 'ready', restarts: containers.reduce((sum, { restarts }) => sum + restarts, 0) };
}

function statuses(list: unknown): Status[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).map(({ name, restartCount, state }) => {
    const waiting = isRecord(state) && isRecord(state['waiting']) ? state['waiting']['reason'] : undefined;
    return {
      name: String(name),
      restarts: typeof restartCount === 'number' ? restartCount : 0,
      waiting: typeof waiting === 'string' ? waiting : undefined,
    };
  });
}

function isReady(conditions: unknown): boolean {
  if (!Array.isArray(conditions)) return false;
  return conditions.some(
    (condition) => isRecord(condition) && condition['type'] === 'Ready' && condition['status'] === 'True',
  );
}
