import type { PodSecurityControl } from '../control.js';
import { containerNames, containers, distinct, plural } from '../message.js';
import { containerField } from '../podView.js';

/**
 * A container must not open a port of the host.
 *
 * Fields: `ports[*].hostPort` of every container.
 * Allowed: 0, unset. The API server sets hostPort = containerPort on pods with hostNetwork, so those fail here too once
 * they are stored.
 * Source: policy/check_hostPorts.go, v1.0+.
 */
export const hostPorts: PodSecurityControl = {
  id: 'hostPorts',
  level: 'baseline',
  check(pod) {
    const fields = pod.containers.flatMap((place) =>
      (place.container.ports ?? []).flatMap(({ hostPort }, index) =>
        hostPort
          ? [
              {
                field: containerField(place, `ports[${index}].hostPort`),
                container: place.name,
                value: hostPort,
              },
            ]
          : [],
      ),
    );
    if (fields.length === 0) return undefined;
    const names = containerNames(fields);
    const ports = distinct(fields.map(({ value }) => String(value)));
    return {
      message: `hostPort (${containers(names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('hostPort', ports.length)} ${ports.join(', ')})`,
      fields,
    };
  },
};
