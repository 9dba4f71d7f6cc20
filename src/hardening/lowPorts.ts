import type { ContainerDraft } from './containerDraft.js';
import type { PodDraft } from './podDraft.js';

/** With the value 0 a process that is not root may listen on every port of the pod. */
export const PORT_SYSCTL = 'net.ipv4.ip_unprivileged_port_start';
const FIRST_UNPRIVILEGED_PORT = 1024;

/** A port below 1024 on which the container listens, as its `ports` or its image's profile say. */
export function lowPort(container: ContainerDraft): number | undefined {
  return declaredLowPort(container) ?? container.profile?.profile.ports?.find(isLow);
}

function declaredLowPort(container: ContainerDraft): number | undefined {
  return container.spec.ports?.find(({ containerPort }) => isLow(containerPort))?.containerPort;
}

function isLow(port: number | undefined): boolean {
  return port !== undefined && port < FIRST_UNPRIVILEGED_PORT;
}

/** The first port that is free to all, where the pod's author sets it. */
export function authorsPortStart(pod: PodDraft): number | undefined {
  const sysctl = pod
    .securityContext('sysctls')
    ?.find(({ name }) => name?.replaceAll('/', '.') === PORT_SYSCTL);
  return sysctl && Number(sysctl.value);
}

/**
 * Why the sysctl cannot be given to the pod.
 *
 * - `hostNetwork`: the API server refuses it there
 * - `sysctls`: the author's list has to stand, see `authorsListStands`
 */
type PortObstacle = 'hostNetwork' | 'sysctls';

/** What decides, for the pod as a whole, whether a low port is free to a process that is not root. */
export interface LowPorts {
  /** As `authorsPortStart`. */
  readonly start: number | undefined;
  readonly obstacle: PortObstacle | undefined;
}

export function portSysctlObstacle(pod: PodDraft): PortObstacle | undefined {
  // Where this pass takes the pod off the host's network, it is not there any more.
  const isLeft = pod.podStanceOf('hostNamespaces')?.replaces === true;
  if (pod.field('hostNetwork') === true && !isLeft) return 'hostNetwork';
  const stance = pod.podStanceOf('unprivilegedPorts');
  const isDefault = stance?.fills === true && !stance.replaces;
  return pod.input.bare && isDefault && pod.securityContext('sysctls') ? 'sysctls' : undefined;
}

/**
 * What keeps a process that is not root from a port on which the container listens; undefined where nothing does.
 * Anyone can name an image like a mirror, and must not keep root by it: only what is declared counts, and the profile of
 * the very repository.
 */
export function rootOnlyPort(pod: PodDraft, container: ContainerDraft): string | undefined {
  const port = container.profile?.exact === true ? lowPort(container) : declaredLowPort(container);
  if (port === undefined) return undefined;
  // Of the whole pod, so worked out once: a hostile author's thousands of containers must not each look at all others.
  pod.lowPorts ??= { start: authorsPortStart(pod), obstacle: portSysctlObstacle(pod) };
  const { start, obstacle } = pod.lowPorts;
  if (start !== undefined)
    return start > port ? `port ${port} is root's: the pod says ${PORT_SYSCTL}: ${start}` : undefined;
  switch (obstacle) {
    case 'hostNetwork':
      return `port ${port} of the host's network is root's`;
    case 'sysctls':
      return `port ${port} is root's, and the pod's own list of sysctls has to stand`;
    case undefined:
      return undefined;
  }
}
