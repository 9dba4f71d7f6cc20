import type { ContainerDraft } from '../containerDraft.js';
import type { Rule } from '../rule.js';
import { endsNonRoot, startUser } from '../startUser.js';

const SYSCTL = 'net.ipv4.ip_unprivileged_port_start';
const FIRST_UNPRIVILEGED_PORT = 1024;

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
    Default: `sysctl \`${SYSCTL}: "0"\` where a container that ends up non-root uses a port below 1024`,
    Override: 'nothing more',
  },
  fields: ['spec.securityContext.sysctls[]'],
  wholePod: true,

  apply(pod) {
    if (!pod.podIsWritable) return;
    const listener = pod.containers.find(
      (container) => usesLowPort(container) && endsNonRoot(startUser(pod, container)),
    );
    if (!listener) return;
    const given = pod.securityContext('sysctls');
    if (given?.some(({ name }) => name?.replaceAll('/', '.') === SYSCTL)) return;
    if (pod.field('hostNetwork') === true) {
      pod.skip('ApiWouldReject', undefined, 'no sysctl of the network namespace on hostNetwork');
    } else if (given && pod.authorsListStands()) {
      pod.skip('BarePod');
    } else {
      pod.fill(undefined, ['spec', 'securityContext', 'sysctls', '-'], { name: SYSCTL, value: '0' });
    }
  },
};

function usesLowPort(container: ContainerDraft): boolean {
  const isLow = (port: number | undefined): boolean => port !== undefined && port < FIRST_UNPRIVILEGED_PORT;
  return (
    container.spec.ports?.some(({ containerPort }) => isLow(containerPort)) === true ||
    container.profile?.profile.ports?.some(isLow) === true
  );
}
