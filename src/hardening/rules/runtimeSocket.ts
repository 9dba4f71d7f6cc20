import { reportHostPaths } from '../hostPaths.js';
import type { Rule } from '../rule.js';
import { isAtOrBelow } from '../volumes.js';

/** Below /run, which /var/run is a link to on every current distribution. */
const SOCKETS = [
  'docker.sock',
  'dockershim.sock',
  'cri-dockerd.sock',
  'docker/containerd/containerd.sock',
  'containerd/containerd.sock',
  'crio/crio.sock',
  'podman/podman.sock',
  'k3s/containerd/containerd.sock',
  'k0s/containerd.sock',
].flatMap((socket) => [`/run/${socket}`, `/var/run/${socket}`]);

/**
 * `/proc/1/root` is the node's own `/` by another name; so is the `root` of any of its threads, and the `cwd` of most
 * programs that the node itself starts.
 */
const PROCESS_ROOT = /^(?:\/proc\/(?:[^/]+\/)+?(?:root|cwd)(?=\/|$))+/;

/**
 * Keeps container runtime sockets out of containers: who can talk to one can start a privileged container.
 *
 * Field: `spec.volumes[*].hostPath.path`, the socket itself or a directory above it. A read-only mount of a socket
 * still gives it away, so there is nothing that Override could write.
 */
export const runtimeSocket: Rule = {
  id: 'runtimeSocket',
  title: 'No container runtime socket is mounted',
  reason:
    "Whoever can write to the runtime's socket can start a privileged container: it is root on the node.",
  risk: 'high',
  control: { level: 'baseline', name: 'hostPathVolumes' },
  os: 'linux',
  actions: ['Default', 'Warn', 'Deny', 'Disabled'],
  refused: { Override: 'a read-only mount of a socket still gives it away; use Deny' },
  sets: {
    Default: 'nothing; every mount of a socket, or of a directory above one, is reported',
    Override: 'not possible: use Deny',
  },
  fields: [],

  apply(pod) {
    reportHostPaths(pod, {
      isSensitive: (path) => {
        const real = path.replace(PROCESS_ROOT, '') || '/';
        return SOCKETS.some((socket) => isAtOrBelow(socket, real));
      },
      isAllowed: () => false,
      makeReadOnly: false,
    });
  },
};
