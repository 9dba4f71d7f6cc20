import type { PodSecurityControl } from '../control.js';
import { containerNames, containers } from '../message.js';
import { containerField } from '../podView.js';

/**
 * A privileged container has almost every power over its host.
 *
 * Fields: `securityContext.privileged` of every container.
 * Allowed: false, unset.
 * Source: policy/check_privileged.go, v1.0+.
 */
export const privileged: PodSecurityControl = {
  id: 'privileged',
  level: 'baseline',
  check(pod) {
    const fields = pod.containers
      .filter(({ container }) => container.securityContext?.privileged === true)
      .map((place) => ({
        field: containerField(place, 'securityContext.privileged'),
        container: place.name,
        value: true,
      }));
    if (fields.length === 0) return undefined;
    return {
      message: `privileged (${containers(containerNames(fields))} must not set securityContext.privileged=true)`,
      fields,
    };
  },
};
