import type { PodSecurityControl } from '../control.js';
import { containerNames, containers } from '../message.js';
import { containerField, isWindowsPod } from '../podView.js';
import { mustNotSet, refusedProfiles } from './seccompProfile_baseline.js';

/**
 * Every container must run under a system call filter.
 *
 * Fields: `securityContext.seccompProfile.type` of the pod and of every container.
 * Allowed: RuntimeDefault, Localhost; unset on a container where the pod sets one. Unset everywhere is refused, because
 * it means Unconfined unless the kubelet says otherwise. Since v1.25 Windows pods are exempt: the API server refuses the
 * field there.
 * Source: policy/check_seccompProfile_restricted.go.
 */
export const seccompProfileRestricted: PodSecurityControl = {
  id: 'seccompProfile_restricted',
  level: 'restricted',
  since: 19,
  check(pod, minor) {
    if (minor >= 25 && isWindowsPod(pod)) return undefined;
    const explicit = refusedProfiles(pod);
    // Beside a refused profile on the pod it is the pod's field that has to change.
    const inherited = pod.spec.securityContext?.seccompProfile;
    const unset = pod.containers
      .filter(({ container }) => !inherited && !container.securityContext?.seccompProfile)
      .map((place) => ({
        field: containerField(place, 'securityContext.seccompProfile.type'),
        container: place.name,
      }));
    if (explicit.length + unset.length === 0) return undefined;
    const detail =
      explicit.length > 0
        ? mustNotSet(explicit)
        : `pod or ${containers(containerNames(unset))} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
    return { message: `seccompProfile (${detail})`, fields: [...explicit, ...unset] };
  },
};
