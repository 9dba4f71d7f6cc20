import type { KubernetesObject } from '../admission/types.js';
import { isRecord } from '../hardening/locate.js';

/** A log that can tell something of a pod. */
export interface WantedLog {
  readonly container: string;
  readonly previous: boolean;
}

const STATUSES = ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'] as const;

/**
 * The logs of a pod that the kubelet has. Those of a container that ended well are left out.
 *
 * Source: kubelet, validateContainerLogStatus: of a waiting container "current" is what ran last, and "previous" is there
 * where `lastState` says how it ended.
 */
export function logsOf(pod: KubernetesObject): WantedLog[] {
  return statusesOf(pod).flatMap(({ name, state, lastState }) => {
    const before = isRecord(lastState['terminated']) ? lastState['terminated'] : undefined;
    const ended = isRecord(state['terminated']) ? state['terminated'] : undefined;
    if (ended?.['exitCode'] === 0) return [];
    const hasCurrent = isRecord(state['running']) || ended !== undefined;
    const hasPrevious = typeof before?.['containerID'] === 'string' && before['containerID'] !== '';
    return [
      ...(hasCurrent ? [{ container: name, previous: false }] : []),
      ...(hasPrevious ? [{ container: name, previous: true }] : []),
    ];
  });
}

/** Whether anybody would say that the pod does not do what it should: it or a container waits, fails or has failed. */
export function isTroubled(pod: KubernetesObject): boolean {
  const status = isRecord(pod['status']) ? pod['status'] : {};
  if (status['phase'] === 'Succeeded') return false;
  if (status['phase'] !== 'Running') return true;
  return statusesOf(pod).some(({ kind, ready, restarts, state }) => {
    const ended = isRecord(state['terminated']) ? state['terminated'] : undefined;
    if (ended !== undefined) return ended['exitCode'] !== 0;
    if (kind === 'ephemeralContainerStatuses') return false;
    return restarts > 0 || !ready;
  });
}

interface ContainerStatus {
  readonly kind: (typeof STATUSES)[number];
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly state: Readonly<Record<string, unknown>>;
  readonly lastState: Readonly<Record<string, unknown>>;
}

/** A status may lack anything: it is written by a kubelet of any version, or by whoever may. */
function statusesOf(pod: KubernetesObject): ContainerStatus[] {
  const status = isRecord(pod['status']) ? pod['status'] : {};
  return STATUSES.flatMap((kind) => {
    const list: unknown = status[kind];
    return (Array.isArray(list) ? list : []).filter(isRecord).map((each) => ({
      kind,
      name: typeof each['name'] === 'string' ? each['name'] : '',
      ready: each['ready'] === true,
      restarts: typeof each['restartCount'] === 'number' ? each['restartCount'] : 0,
      state: isRecord(each['state']) ? each['state'] : {},
      lastState: isRecord(each['lastState']) ? each['lastState'] : {},
    }));
  });
}
