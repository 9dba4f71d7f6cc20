import type { Container, Nullable } from '../../hardening/podSpec.js';
import type { PodSecurityControl } from '../control.js';
import { containerNames, containers, distinct, plural, quote } from '../message.js';
import { containerField } from '../podView.js';

/** The part of a probe or a lifecycle handler that names a host. */
interface HostHandler {
  httpGet?: Nullable<{ host?: Nullable<string> }>;
  tcpSocket?: Nullable<{ host?: Nullable<string> }>;
}

/** The fields of a container that hold handlers; podSpec.ts leaves them untyped, because hardening never reads them. */
interface ContainerHandlers {
  livenessProbe?: Nullable<HostHandler>;
  readinessProbe?: Nullable<HostHandler>;
  startupProbe?: Nullable<HostHandler>;
  lifecycle?: Nullable<{ postStart?: Nullable<HostHandler>; preStop?: Nullable<HostHandler> }>;
}

const ACTIONS = ['httpGet', 'tcpSocket'] as const;

/**
 * A probe or lifecycle handler must not name a host: the kubelet would send requests there from the node's network.
 *
 * Fields: `httpGet.host` and `tcpSocket.host` of `livenessProbe`, `readinessProbe`, `startupProbe`,
 * `lifecycle.postStart` and `lifecycle.preStop` of every container.
 * Allowed: empty, unset, which mean the pod's own address. The loopback is refused too: it is the node's.
 * Source: policy/check_hostProbesAndhostLifecycle.go.
 */
export const hostProbesAndHostLifecycle: PodSecurityControl = {
  id: 'hostProbesAndHostLifecycle',
  level: 'baseline',
  since: 34,
  check(pod) {
    const fields = pod.containers.flatMap((place) =>
      handlersOf(place.container).flatMap(([path, handler]) =>
        ACTIONS.flatMap((action) => {
          const value = handler?.[action]?.host;
          return value
            ? [{ field: containerField(place, `${path}.${action}.host`), container: place.name, value }]
            : [];
        }),
      ),
    );
    if (fields.length === 0) return undefined;
    const names = containerNames(fields).sort();
    const hosts = distinct(fields.map(({ value }) => value));
    return {
      message: `probe or lifecycle host (${containers(names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('probe or lifecycle host', hosts.length)} ${quote(hosts)})`,
      fields,
    };
  },
};

function handlersOf(container: Container): [path: string, handler: Nullable<HostHandler>][] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container as Container &
    ContainerHandlers;
  return [
    ['livenessProbe', livenessProbe],
    ['readinessProbe', readinessProbe],
    ['startupProbe', startupProbe],
    ['lifecycle.postStart', lifecycle?.postStart],
    ['lifecycle.preStop', lifecycle?.preStop],
  ];
}
