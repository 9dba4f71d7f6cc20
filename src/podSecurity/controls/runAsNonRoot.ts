import type { PodSecurityControl, RefusedField } from '../control.js';
import { containerNames, containers, setters } from '../message.js';
import { containerField, inUserNamespace } from '../podView.js';

/**
 * Every container must be held to run as another user than root.
 *
 * Fields: `securityContext.runAsNonRoot` of the pod and of every container.
 * Allowed: true; unset on a container where the pod says true; since v1.35 anything in a user namespace
 * (`spec.hostUsers: false`). A false on the pod is refused even where every container says true.
 * Source: policy/check_runAsNonRoot.go.
 */
export const runAsNonRoot: PodSecurityControl = {
  id: 'runAsNonRoot',
  level: 'restricted',
  check(pod, minor) {
    if (minor >= 35 && inUserNamespace(pod)) return undefined;
    const onPod = pod.spec.securityContext?.runAsNonRoot ?? undefined;
    const explicit: RefusedField[] = [];
    const unset: RefusedField[] = [];
    if (onPod === false) explicit.push({ field: 'spec.securityContext.runAsNonRoot', value: false });
    for (const place of pod.containers) {
      const value = place.container.securityContext?.runAsNonRoot ?? undefined;
      const at = { field: containerField(place, 'securityContext.runAsNonRoot'), container: place.name };
      if (value === false) explicit.push({ ...at, value });
      // Beside a false on the pod it is the pod's field that has to change.
      if (value === undefined && onPod === undefined) unset.push(at);
    }
    if (explicit.length + unset.length === 0) return undefined;
    const detail =
      explicit.length > 0
        ? `${setters(explicit)} must not set securityContext.runAsNonRoot=false`
        : `pod or ${containers(containerNames(unset))} must set securityContext.runAsNonRoot=true`;
    return { message: `runAsNonRoot != true (${detail})`, fields: [...explicit, ...unset] };
  },
};
