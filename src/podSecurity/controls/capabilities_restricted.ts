import type { PodSecurityControl } from '../control.js';
import { containerNames, containers } from '../message.js';
import { containerField, isWindowsPod } from '../podView.js';
import { addedBeyond, mustNotAdd } from './capabilities_baseline.js';

const ALLOWED_ADD: ReadonlySet<string> = new Set(['NET_BIND_SERVICE']);

/**
 * Every container must drop all capabilities, and may add back only NET_BIND_SERVICE.
 *
 * Fields: `securityContext.capabilities.drop` of every container. Must hold `ALL`, literally: `all` does not count, nor
 * does naming each one.
 * Fields: `securityContext.capabilities.add` of every container. Allowed: NET_BIND_SERVICE; empty; unset.
 * Since v1.25 Windows pods are exempt: the API server refuses the field there.
 * Source: policy/check_capabilities_restricted.go.
 */
export const capabilitiesRestricted: PodSecurityControl = {
  id: 'capabilities_restricted',
  level: 'restricted',
  since: 22,
  check(pod, minor) {
    if (minor >= 25 && isWindowsPod(pod)) return undefined;
    const notDropped = pod.containers.flatMap((place) => {
      const value = place.container.securityContext?.capabilities?.drop ?? undefined;
      if (value?.includes('ALL')) return [];
      const field = containerField(place, 'securityContext.capabilities.drop');
      return [{ field, container: place.name, ...(value && { value }) }];
    });
    const added = pod.containers.flatMap((place) => addedBeyond(ALLOWED_ADD, place));
    if (notDropped.length + added.length === 0) return undefined;

    const details: string[] = [];
    if (notDropped.length > 0) {
      details.push(
        `${containers(containerNames(notDropped))} must set securityContext.capabilities.drop=["ALL"]`,
      );
    }
    if (added.length > 0) details.push(mustNotAdd(added));
    return {
      message: `unrestricted capabilities (${details.join('; ')})`,
      fields: [...notDropped, ...added],
    };
  },
};
