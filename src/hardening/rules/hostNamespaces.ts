import type { PodDraft } from '../podDraft.js';
import type { Rule } from '../rule.js';

const FIELDS = ['hostNetwork', 'hostPID', 'hostIPC'] as const;

/**
 * Keeps pods out of their node's namespaces. There is no field for the UTS namespace: a pod on the host's network
 * shares the host's UTS namespace too.
 *
 * Restricted fields: `spec.hostNetwork`, `spec.hostPID`, `spec.hostIPC`; allowed: unset, false.
 * Source: kubernetes/pod-security-admission policy/check_hostNamespaces.go.
 */
export const hostNamespaces: Rule = {
  id: 'hostNamespaces',
  title: "Pods stay out of the host's network, PID, IPC and UTS namespaces",
  reason:
    "In the host's namespaces a pod reaches the node's own services, sees and signals its processes, reads its memory.",
  risk: 'high',
  control: { level: 'baseline', name: 'hostNamespaces' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: 'nothing, for unset means false; an explicit `true` is reported',
    Override:
      'hostNetwork, hostPID, hostIPC `false`; with hostNetwork go the hostPorts that the API server had set because of it, and windowsOptions.hostProcess, which needs it',
  },
  fields: [
    'spec.hostNetwork',
    'spec.hostPID',
    'spec.hostIPC',
    'spec.containers[*].ports[*].hostPort',
    'spec.initContainers[*].ports[*].hostPort',
    'spec.securityContext.windowsOptions.hostProcess',
    'spec.containers[*].securityContext.windowsOptions.hostProcess',
    'spec.initContainers[*].securityContext.windowsOptions.hostProcess',
  ],
  wholePod: true,

  apply(pod) {
    if (!pod.podIsWritable) return;
    for (const name of FIELDS) {
      if (pod.field(name) !== true) continue;
      const path = ['spec', name];
      if (name !== 'hostNetwork') {
        pod.replace(undefined, path, true, false);
      } else if (pod.stance().replaces) {
        pod.replace(undefined, path, true, false);
        removeHostPorts(pod);
        removeHostProcess(pod);
      } else {
        pod.report(undefined, path, true, "this is the host's UTS namespace too");
      }
    }
  },
};

/** On the host's network the API server sets hostPort = containerPort: left behind, Pod Security would refuse it. */
function removeHostPorts(pod: PodDraft): void {
  for (const container of pod.containers) {
    container.spec.ports?.forEach((port, index) => {
      if (port.hostPort && port.hostPort === port.containerPort) {
        pod.write(container, ['ports', index, 'hostPort'], port.hostPort, undefined);
      }
    });
  }
}

/**
 * The API server takes hostProcess only beside hostNetwork. A Linux kubelet ignores it and runs the pod, so leaving the
 * host's network to it would be a way to keep that.
 */
function removeHostProcess(pod: PodDraft): void {
  if (pod.securityContext('windowsOptions')?.hostProcess === true) {
    pod.write(undefined, ['spec', 'securityContext', 'windowsOptions', 'hostProcess'], true, false);
  }
  for (const container of pod.containers) {
    if (container.securityContext('windowsOptions')?.hostProcess !== true) continue;
    pod.write(container, ['securityContext', 'windowsOptions', 'hostProcess'], true, false);
  }
}
