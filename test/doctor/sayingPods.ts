import type { ContainerLogs, EventFacts, PodFacts } from '../../src/doctor/facts.js';
import type { PodStatus } from '../../src/doctor/podView.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import { container, hardenPod, planOf, pod, type HardenOptions } from '../support/harden.js';

/** When the tests' doctor looks: milliseconds since the epoch. */
export const NOW = Date.parse('2026-06-01T12:00:00Z');

/** All rules that act in the built-in policy `default`. */
export const AS_DEFAULT: HardenOptions = { policy: 'default' };

export interface Said {
  readonly author?: Pod;
  readonly options?: HardenOptions;
  /** Of the container `web`, whose instance is gone. */
  readonly log?: readonly string[];
  readonly logs?: Readonly<Record<string, ContainerLogs>>;
  readonly status?: PodStatus;
  readonly events?: readonly EventFacts[];
  /** What was wrong with the pod is not known any more. */
  readonly forgotten?: boolean;
}

/** What is read of a pod that was hardened, ended with exit code 1, and said something before. */
export function factsOf({
  author = pod(),
  options = AS_DEFAULT,
  log,
  logs,
  status = crashed(),
  events = [],
  forgotten = false,
}: Said): PodFacts {
  const { hardened } = hardenPod(author, options);
  const byName = logs ?? (log ? { web: { previous: { lines: log, cut: false } } } : {});
  return {
    pod: { apiVersion: 'v1', kind: 'Pod', metadata: hardened.metadata, spec: hardened.spec, status },
    ...(!forgotten && {
      author: { object: { metadata: author.metadata, spec: author.spec }, from: 'template' as const },
    }),
    namespaceLabels: { 'kube-harden.io/mode': 'enforce' },
    plan: planOf(options),
    events,
    logs: new Map(Object.entries(byName)),
    missing: [],
  };
}

/** The container ended and waits to be started again. */
export function crashed(name = 'web'): PodStatus {
  return {
    phase: 'Running',
    containerStatuses: [
      {
        name,
        ready: false,
        restartCount: 3,
        state: {
          waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' },
        },
        lastState: { terminated: { reason: 'Error', exitCode: 1, finishedAt: '2026-06-01T11:59:00Z' } },
      },
    ],
  };
}

/** Everything runs. */
export function running(name = 'web'): PodStatus {
  return {
    phase: 'Running',
    startTime: '2026-06-01T11:00:00Z',
    containerStatuses: [
      {
        name,
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: '2026-06-01T11:00:00Z' } },
      },
    ],
  };
}

/** A container in a state of waiting. */
export function waiting(reason: string, message = '', name = 'web'): PodStatus {
  return {
    phase: 'Pending',
    containerStatuses: [{ name, ready: false, restartCount: 0, state: { waiting: { reason, message } } }],
  };
}

export { container, pod };
