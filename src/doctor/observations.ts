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
}

/** Everything that was said of a pod: statuses first, then events, then logs. */
export function observe(pod: PodView, facts: PodFacts): Observation[] {
  return [
    ...ofPod(pod),
    ...pod.containers.flatMap(ofStates),
    ...facts.events.flatMap((event) => ofEvent(event, pod)),
    ...pod.containers.flatMap((container) => ofLogs(container, facts)),
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

function ofStates(container: ContainerView): Observation[] {
  const { state, lastState } = container.status ?? {};
  const at = (which: string): string => `container "${container.name}", ${which}`;
  const found: Observation[] = [];
  if (state?.waiting?.reason !== undefined) {
    const { reason, message } = state.waiting;
    found.push(statusOf(container, at('waiting'), reason, message));
  }
  if (state?.terminated) found.push(ofTerminated(container, at('terminated'), state.terminated));
  if (lastState?.terminated) found.push(ofTerminated(container, at('last state'), lastState.terminated));
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

function ofLogs(container: ContainerView, facts: PodFacts): Observation[] {
  const { current, previous } = facts.logs.get(container.name) ?? {};
  const isDead = isDown(container);
  return [...ofLog(container, previous, 'previousLog', true), ...ofLog(container, current, 'log', isDead)];
}

function ofLog(
  container: ContainerView,
  log: LogFacts | undefined,
  source: 'log' | 'previousLog',
  isOfDead: boolean,
): Observation[] {
  const at = `container "${container.name}", ${source === 'log' ? 'log' : 'previous log'}`;
  return (log?.lines ?? []).map((text, index, lines) => ({
    ...{ source, at, container, reason: undefined, text, isOfDead },
    linesAfter: lines.length - 1 - index,
  }));
}

/** Whether the container is not running now. */
export function isDown(container: ContainerView | undefined): boolean {
  return container?.status?.state?.running === undefined;
}
