import type { PodSecurityControl, Refusal } from '../control.js';
import { containerNames, containers, distinct, quote } from '../message.js';
import { type PodView, containerField, inUserNamespace } from '../podView.js';

/**
 * The masks over /proc hide what a container could use against its host, and must stay.
 *
 * Fields: `securityContext.procMount` of every container.
 * Allowed: Default, unset; since v1.35 anything in a user namespace (`spec.hostUsers: false`), where the masks guard
 * nothing.
 * Source: policy/check_procMount_baseline.go.
 */
export const procMount: PodSecurityControl = {
  id: 'procMount',
  level: 'baseline',
  check: (pod, minor) => (minor >= 35 && inUserNamespace(pod) ? undefined : refuseUnmasked(pod)),
};

export function refuseUnmasked(pod: PodView): Refusal | undefined {
  const fields = pod.containers.flatMap((place) => {
    const value = place.container.securityContext?.procMount ?? 'Default';
    if (value === 'Default') return [];
    return [{ field: containerField(place, 'securityContext.procMount'), container: place.name, value }];
  });
  if (fields.length === 0) return undefined;
  const values = quote(distinct(fields.map(({ value }) => value)));
  return {
    message: `procMount (${containers(containerNames(fields))} must not set securityContext.procMount to ${values})`,
    fields,
  };
}
