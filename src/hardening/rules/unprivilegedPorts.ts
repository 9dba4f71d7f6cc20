import { authorsPortStart, lowPort, PORT_SYSCTL, portSysctlObstacle } from '../lowPorts.js';
import type { Rule } from '../rule.js';
import { endsNonRoot, startUser } from '../startUser.js';

/**
 * Lets a non-root program listen on a port below 1024. An added NET_BIND_SERVICE does not: there are no ambient
 * capabilities, so a process that is not root gets nothing of it (measured).
 *
 * Field: `spec.securityContext.sysctls`; the sysctl is a safe one, allowed by Pod Security *restricted*, and refused by
 * the API server on the host's network.
 */
export const unprivilegedPorts: Rule = {
  id: 'unprivilegedPorts',
  title: 'Programs that are not root may listen on ports below 1024',
  reason:
    'A non-root process may bind this port only with the sysctl; without it the program would not start.',
  risk: 'low',
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: `sysctl \`${PORT_SYSCTL}: "0"\` where a container that ends up non-root uses a port below 1024`,
    Override: 'nothing more',
  },
  fields: ['spec.securityContext.sysctls[]'],
  wholePod: true,

  apply(pod) {
    if (!pod.podIsWritable) return;
    const listener = pod.containers.find(
      (container) => lowPort(container) !== undefined && endsNonRoot(startUser(pod, container)),
    );
    if (!listener || authorsPortStart(pod) !== undefined) return;
    switch (portSysctlObstacle(pod)) {
      case 'hostNetwork':
        pod.skip('ApiWouldReject', undefined, 'no sysctl of the network namespace on hostNetwork');
        break;
      case 'sysctls':
        pod.skip('BarePod');
        break;
      case undefined:
        pod.fill(undefined, ['spec', 'securityContext', 'sysctls', '-'], { name: PORT_SYSCTL, value: '0' });
    }
  },
};
