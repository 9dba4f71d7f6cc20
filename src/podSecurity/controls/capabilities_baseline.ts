import { DEFAULT_CAPABILITIES } from '../../hardening/capabilityNames.js';
import type { PodSecurityControl } from '../control.js';
import { containerNames, containers, distinct, quote } from '../message.js';
import { type PlacedContainer, containerField } from '../podView.js';

/** What a container runtime gives by default, less NET_RAW. */
const ALLOWED: ReadonlySet<string> = new Set(DEFAULT_CAPABILITIES);

/**
 * No container may add NET_RAW, or a capability beyond the default set.
 *
 * Fields: `securityContext.capabilities.add` of every container.
 * Allowed: the default set; empty; unset. Names are compared literally: neither `chown` nor `CAP_CHOWN` is CHOWN.
 * Source: policy/check_capabilities_baseline.go, v1.0+.
 */
export const capabilitiesBaseline: PodSecurityControl = {
  id: 'capabilities_baseline',
  level: 'baseline',
  check(pod) {
    const fields = pod.containers.flatMap((place) => addedBeyond(ALLOWED, place));
    if (fields.length === 0) return undefined;
    return { message: `non-default capabilities (${mustNotAdd(fields)})`, fields };
  },
};

export interface AddedCapability {
  readonly field: string;
  readonly container: string;
  readonly value: string;
}

/** The capabilities that a container adds and the set does not hold. */
export function addedBeyond(allowed: ReadonlySet<string>, place: PlacedContainer): AddedCapability[] {
  const added = place.container.securityContext?.capabilities?.add ?? [];
  return added.flatMap((value, index) =>
    allowed.has(value)
      ? []
      : [
          {
            field: containerField(place, `securityContext.capabilities.add[${index}]`),
            container: place.name,
            value,
          },
        ],
  );
}

export function mustNotAdd(added: readonly AddedCapability[]): string {
  const names = quote(distinct(added.map(({ value }) => value)));
  return `${containers(containerNames(added))} must not include ${names} in securityContext.capabilities.add`;
}
