import type { PodSecurityControl } from '../control.js';
import { containerNames, containers } from '../message.js';
import { containerField, isWindowsPod } from '../podView.js';

/**
 * A process must not gain more privileges than its parent, as through a set-user-ID file.
 *
 * Fields: `securityContext.allowPrivilegeEscalation` of every container.
 * Allowed: false. Unset is refused, because it means true. Since v1.25 Windows pods are exempt: the API server refuses
 * the field there.
 * Source: policy/check_allowPrivilegeEscalation.go.
 */
export const allowPrivilegeEscalation: PodSecurityControl = {
  id: 'allowPrivilegeEscalation',
  level: 'restricted',
  since: 8,
  check(pod, minor) {
    if (minor >= 25 && isWindowsPod(pod)) return undefined;
    const fields = pod.containers.flatMap((place) => {
      const value = place.container.securityContext?.allowPrivilegeEscalation ?? undefined;
      if (value === false) return [];
      const field = containerField(place, 'securityContext.allowPrivilegeEscalation');
      return [{ field, container: place.name, ...(value !== undefined && { value }) }];
    });
    if (fields.length === 0) return undefined;
    const who = containers(containerNames(fields));
    return {
      message: `allowPrivilegeEscalation != false (${who} must set securityContext.allowPrivilegeEscalation=false)`,
      fields,
    };
  },
};
