import type { EventFacts } from './facts.js';
import { isHistory } from './observations.js';
import type { ContainerStatus, ContainerView, PodView } from './podView.js';

/** A pod that has just been made is starting, not broken. */
const STARTING = 2 * 60 * 1000;

/**
 * What anybody can see to be wrong with a pod: `CrashLoopBackOff, 4 restarts`.
 *
 * @param now milliseconds since the epoch
 * @returns undefined where nothing is
 */
export function symptomOf(pod: PodView, events: readonly EventFacts[], now: number): string | undefined {
  const { phase, reason, conditions = [] } = pod.status;
  if (phase === 'Succeeded') return undefined;
  const said = pod.containers.flatMap((container) => ofContainer(container, pod, now) ?? []);
  if (said[0] !== undefined) return said.length === 1 ? said[0] : `${said[0]} (and ${said.length - 1} more)`;
  if (reason) return reason;
  if (phase === 'Failed' || phase === 'Unknown') return phase;
  const scheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (scheduled) return `Pending, ${scheduled.reason ?? 'not scheduled'}`;
  const hasStarted = pod.containers.some(({ status }) => status?.state?.running !== undefined);
  if (phase === 'Pending' && !hasStarted)
    return events.some(({ reason: why }) => why.startsWith('Failed')) || !isYoung(pod, now)
      ? 'Pending, not started'
      : undefined;
  const waiting = pod.containers.find(({ isInit, status }) => !isInit && status?.ready === false);
  const isProbed = events.some(({ reason: why }) => why === 'Unhealthy' || why === 'ProbeError');
  return waiting && (isProbed || !isYoung(pod, now))
    ? `Running, container "${waiting.name}" not ready`
    : undefined;
}

/** Waiting so is a stage of every start. */
const STAGES = ['ContainerCreating', 'PodInitializing'];

function ofContainer(container: ContainerView, { spec }: PodView, now: number): string | undefined {
  const { status, isInit } = container;
  if (!status) return undefined;
  const { waiting, terminated } = status.state ?? {};
  if (waiting?.reason !== undefined && !STAGES.includes(waiting.reason))
    return withRestarts(`${waiting.reason} of container "${container.name}"`, status);
  // A container that is to run for ever is not meant to end, however well.
  const mayEnd = isInit || ((spec['restartPolicy'] as string | undefined) ?? 'Always') !== 'Always';
  const isBad = ({ exitCode }: { readonly exitCode?: number }): boolean => exitCode !== 0 || !mayEnd;
  if (terminated)
    return isBad(terminated)
      ? withRestarts(`${terminated.reason ?? 'Error'} of container "${container.name}"`, status)
      : undefined;
  const last = status.lastState?.terminated;
  return last && !isHistory(container, now) && isBad(last)
    ? withRestarts(`${last.reason ?? 'Error'} of container "${container.name}"`, status)
    : undefined;
}

function withRestarts(text: string, { restartCount = 0 }: ContainerStatus): string {
  if (restartCount === 0) return text;
  return `${text}, ${restartCount} restart${restartCount === 1 ? '' : 's'}`;
}

function isYoung({ status }: PodView, now: number): boolean {
  return status.startTime !== undefined && now - Date.parse(status.startTime) < STARTING;
}
