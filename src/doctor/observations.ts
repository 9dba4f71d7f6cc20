import type { EventFacts, LogFacts, PodFacts } from './facts.js';
import type { Evidence } from './finding.js';
import type { ContainerView, PodView, Terminated } from './podView.js';

/** A text that may tell why something does not work, and whom it is about. */
export interface Observation {
  readonly source: Evidence['source'];
  readonly at: string;
  /** Undefined where it is about the pod. */
  readonly container: ContainerView | undefined;
  /** Of a state, a status or an event. */
  readonly reason: string | undefined;
  readonly text: string;
  /** Of a log line: how many lines follow it. */
  readonly linesAfter?: number;
  /** Whoever wrote it ended afterwards. */
  readonly isOfDead: boolean;
  /** The container that wrote it runs, is ready and was not restarted lately. */
  readonly isOfWell?: boolean;
}

/**
 * Everything that was said of a pod and is not past: statuses first, then events, then logs.
 *
 * @param now milliseconds since the epoch
 */
export function observe(pod: PodView, facts: PodFacts, now: number): Observation[] {
  return [
    ...ofPod(pod),
    ...pod.containers.flatMap((container) => ofStates(container, now)),
    ...facts.events.flatMap((event) => ofEvent(event, pod)),
    ...pod.containers.flatMap((container) => ofLogs(container, facts, now)),
  ];
}

function ofPod({ status }: PodView): Observation[] {
  const found: Observation[] = [];
  const add = (reason: string | undefined, message: string | undefined, at: string): void => {
    if (reason === undefined && message === undefined) return;
    const text = [reason, message].filter((part) => part !== undefined && part !== '').join(': ');
    found.push({ source: 'status', at, container: undefined, reason, text, isOfDead: true });
  };
  add(status.reason, status.message, 'status of the pod');
  for (const { type, status: holds, reason, message } of status.conditions ?? []) {
    if (type === 'PodScheduled' && holds === 'False') add(reason, message, 'condition PodScheduled');
  }
  return found;
}

function ofStates(container: ContainerView, now: number): Observation[] {
  const { state, lastState } = container.status ?? {};
  const at = (which: string): string => `container "${container.name}", ${which}`;
  const found: Observation[] = [];
  if (state?.waiting?.reason !== undefined) {
    const { reason, message } = state.waiting;
    found.push(statusOf(container, at('waiting'), reason, message));
  }
  if (state?.terminated) found.push(ofTerminated(container, at('terminated'), state.terminated));
  if (lastState?.terminated && !isHistory(container, now))
    found.push(ofTerminated(container, at('last state'), lastState.terminated));
  return found;
}

function statusOf(
  container: ContainerView,
  at: string,
  reason: string,
  message: string | undefined,
): Observation {
  const text = message ? `${reason}: ${message}` : reason;
  return { source: 'status', at, container, reason, text, isOfDead: true };
}

function ofTerminated(container: ContainerView, at: string, terminated: Terminated): Observation {
  const { reason = 'Error', message, exitCode, signal } = terminated;
  const ended = signal ? `signal ${signal}` : `exit code ${exitCode ?? '?'}`;
  return statusOf(container, at, reason, message ? `${ended}: ${message}` : ended);
}

/**
 * Events whose message may carry a rule's doing. Others are of the kubelet's own work on the node: a mount that it is
 * denied says nothing of the container.
 */
const EVENTS = [
  'Failed',
  'FailedScheduling',
  'FailedCreatePodSandBox',
  'FailedCreatePodContainer',
  'FailedPostStartHook',
  'FailedPreStopHook',
  'Unhealthy',
  'Evicted',
  'ProbeError',
];

function ofEvent(event: EventFacts, pod: PodView): Observation[] {
  if (!EVENTS.includes(event.reason)) return [];
  const name = /\{(.+)\}$/.exec(event.fieldPath ?? '')?.[1];
  const container = pod.container(name);
  if (isOver(event, container, pod)) return [];
  const at = container ? `event ${event.reason} of container "${container.name}"` : `event ${event.reason}`;
  return [
    {
      source: 'event',
      at,
      container,
      reason: event.reason,
      text: event.message,
      isOfDead: isDown(container),
    },
  ];
}

/** Events stay for an hour, also where what they tell of has been overcome. */
function isOver({ reason }: EventFacts, container: ContainerView | undefined, pod: PodView): boolean {
  if (reason === 'FailedScheduling')
    return (
      pod.status.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'True') === true
    );
  if (reason.startsWith('FailedCreatePod')) return !pod.containers.every(isDown);
  return (
    container !== undefined &&
    (container.status?.ready ?? false) &&
    (container.status?.restartCount ?? 0) === 0
  );
}

function ofLogs(container: ContainerView, facts: PodFacts, now: number): Observation[] {
  const logs = facts.logs.get(container.name);
  const { status } = container;
  const isPast = isHistory(container, now);
  const isWell = status?.ready === true && (status.lastState?.terminated === undefined || isPast);
  const of = (source: 'log' | 'previousLog'): Observation => ({
    source,
    at: `container "${container.name}", ${source === 'log' ? 'log' : 'previous log'}`,
    container,
    reason: undefined,
    text: '',
    isOfDead: source === 'previousLog' || isDown(container),
    isOfWell: source === 'log' && isWell,
  });
  return [
    ...(isPast ? [] : linesOf(logs?.previous, of('previousLog'))),
    ...linesOf(logs?.current, of('log')),
  ];
}

function linesOf(log: LogFacts | undefined, observation: Observation): Observation[] {
  return (log && isRead(log) ? log.lines : []).map((text, index, lines) => ({
    ...observation,
    text,
    linesAfter: lines.length - 1 - index,
  }));
}

/**
 * What the kubelet answers in place of a log, with status 200, where it has removed the container meanwhile, or its log:
 * `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log`. Programs too say that they cannot open their log files. Source:
 * kubelet v1.36, GetContainerLogs, and k8s.io/cri-client, ReadLogs.
 */
const NOT_A_LOG =
  /^unable to retrieve container logs for |^failed to (?:try resolving symlinks in path|open log file) "[^"]*\/[^/"_]+_[^/"_]+_[\da-f-]+\/[^/"]+\/\d+\.log"/;

/** Whether there is a log, if an empty one. */
export function isRead(log: LogFacts | undefined): boolean {
  return log !== undefined && !(log.lines.length > 0 && log.lines.every((line) => NOT_A_LOG.test(line)));
}

/** Whether the container is not running now. */
export function isDown(container: ContainerView | undefined): boolean {
  return container?.status?.state?.running === undefined;
}

/** A restart further back is history, where the container works again. */
const RECENT = 24 * 60 * 60 * 1000;

/** Whether the container runs and is ready, and its last restart is long ago. @param now milliseconds since the epoch */
export function isHistory({ status }: ContainerView, now: number): boolean {
  const finishedAt = status?.lastState?.terminated?.finishedAt;
  return status?.ready === true && finishedAt !== undefined && now - Date.parse(finishedAt) > RECENT;
}
