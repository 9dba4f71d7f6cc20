import type { PodDraft } from '../podDraft.js';
import type { Rule, SkipCode } from '../rule.js';
import type { Settings as RunAsUserSettings } from './runAsUser.settings.js';

const FIELD = ['spec', 'hostUsers'];

/** The kubelet gives a pod this many ids unless told otherwise (userNamespaces.idsPerPod): 0 to 65535 exist. */
const IDS_OF_A_POD = 65536;

/**
 * Gives the pod a user namespace of its own: its root is nobody on the node, and a capability holds in the pod alone.
 *
 * Field: `spec.hostUsers`; unset means true. The API server refuses `false` beside hostNetwork (but for the alpha gate
 * UserNamespacesHostNetworkSupport), hostPID, hostIPC and volumeDevices. Ids above 65535 do not exist in the pod's
 * namespace, and the kernel cannot map the ids of an NFS volume. Whether kernel and container runtime can do it at all
 * (Linux 6.3, containerd 2.0 or CRI-O 1.25, runc 1.2 or crun 1.9) nobody can tell from here.
 * Source: core/v1 validation (validateHostUsers); kubernetes.io/docs/concepts/workloads/pods/user-namespaces.
 */
export const hostUsers: Rule = {
  id: 'hostUsers',
  title: 'Pods have a user namespace of their own',
  reason:
    'Root in the container is then an ordinary user of the node, so who breaks out of it has gained little.',
  risk: 'high',
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: { Default: '`false`', Override: 'explicit `true`' },
  fields: ['spec.hostUsers'],
  wholePod: true,

  apply(pod) {
    if (!pod.podIsWritable) return;
    const value = pod.field('hostUsers');
    if (value === false) return;
    const obstacle = obstacleOf(pod);
    // What stands in the way is the author's choice, and must not be the way past Deny.
    if (obstacle && pod.stance().denies) pod.report(undefined, FIELD, value, obstacle.detail);
    else if (obstacle) pod.skip(obstacle.code, undefined, obstacle.detail);
    else if (value) pod.replace(undefined, FIELD, value, false);
    else pod.fill(undefined, FIELD, false);
  },
};

interface Obstacle {
  readonly code: SkipCode;
  readonly detail: string;
}

function obstacleOf(pod: PodDraft): Obstacle | undefined {
  const namespace = (['hostNetwork', 'hostPID', 'hostIPC'] as const).find((name) => isShared(pod, name));
  if (namespace) return { code: 'ApiWouldReject', detail: `${namespace} is true` };
  for (const { spec, isPrivileged, ref } of pod.containers) {
    if ((spec.volumeDevices ?? []).length > 0)
      return { code: 'ApiWouldReject', detail: `container "${ref.name}" has volumeDevices` };
    if (isPrivileged) return { code: 'PrivilegedContainer', detail: `container "${ref.name}" is privileged` };
  }
  const volume = pod.spec.volumes?.find((candidate) => candidate['nfs'] != null);
  if (volume) return { code: 'NodeWouldReject', detail: `volume "${volume.name ?? ''}" is NFS` };
  const id = idBeyond(pod);
  return id === undefined
    ? undefined
    : { code: 'NodeWouldReject', detail: `${id} is above ${IDS_OF_A_POD - 1}` };
}

/** This rule runs before hostNamespaces, which may take the pod out of the host's namespaces in this pass. */
function isShared(pod: PodDraft, name: 'hostNetwork' | 'hostPID' | 'hostIPC'): boolean {
  return pod.field(name) === true && pod.podStanceOf('hostNamespaces')?.replaces !== true;
}

/** A uid or gid, of the author's or one that runAsUser may write, that would not exist in the pod's namespace. */
function idBeyond(pod: PodDraft): string | undefined {
  const isBeyond = (id: number | undefined): boolean => id !== undefined && id >= IDS_OF_A_POD;
  for (const name of ['runAsUser', 'runAsGroup', 'fsGroup'] as const)
    if (isBeyond(pod.securityContext(name))) return name;
  if (pod.securityContext('supplementalGroups')?.some(isBeyond)) return 'one of supplementalGroups';
  for (const container of pod.containers) {
    for (const name of ['runAsUser', 'runAsGroup'] as const) {
      if (isBeyond(container.securityContext(name))) return `${name} of container "${container.ref.name}"`;
      if (isBeyond(container.profile?.profile[name]))
        return `${name} of the image profile of container "${container.ref.name}"`;
    }
  }
  // A range of the namespace is not among them: in a user namespace the policy's own ids apply (see policyIds).
  const settings = pod.plan.byId.runAsUser?.settings as RunAsUserSettings | undefined;
  const name = (['value', 'group', 'fsGroup'] as const).find((key) => isBeyond(settings?.[key]));
  return name && `runAsUser.${name} of the policy`;
}
