import type { PodSecurityControl, RefusedField } from '../control.js';
import { setters } from '../message.js';
import { containerField, inUserNamespace } from '../podView.js';

/**
 * Nobody may ask for root by its number.
 *
 * Fields: `securityContext.runAsUser` of the pod and of every container.
 * Allowed: any uid but 0; unset (then runAsNonRoot decides); since v1.35 anything in a user namespace
 * (`spec.hostUsers: false`). A 0 on the pod is refused even where every container has another uid.
 * Source: policy/check_runAsUser.go.
 */
export const runAsUser: PodSecurityControl = {
  id: 'runAsUser',
  level: 'restricted',
  since: 23,
  check(pod, minor) {
    if (minor >= 35 && inUserNamespace(pod)) return undefined;
    const fields: RefusedField[] = [];
    if (pod.spec.securityContext?.runAsUser === 0) {
      fields.push({ field: 'spec.securityContext.runAsUser', value: 0 });
    }
    for (const place of pod.containers) {
      if (place.container.securityContext?.runAsUser !== 0) continue;
      fields.push({
        field: containerField(place, 'securityContext.runAsUser'),
        container: place.name,
        value: 0,
      });
    }
    if (fields.length === 0) return undefined;
    return { message: `runAsUser=0 (${setters(fields)} must not set runAsUser=0)`, fields };
  },
};
