import type { Rule } from '../rule.js';

const FIELD = ['spec', 'securityContext', 'supplementalGroupsPolicy'];

/**
 * Gives processes the groups that the pod names and no others: with `Merge`, which unset means, the runtime adds those
 * that the image's own /etc/group gives to the uid, so an image can be made to bring the group of a shared volume.
 *
 * Field: `spec.securityContext.supplementalGroupsPolicy`; values: Merge, Strict. Generally available since Kubernetes
 * 1.35. A kubelet whose container runtime cannot do it (status.features.supplementalGroupsPolicy of its Node is not true)
 * refuses the pod: SupplementalGroupsPolicyNotSupported.
 * Source: k8s.io/kubernetes pkg/kubelet/lifecycle/predicate.go; issue kubernetes/kubernetes#112879.
 */
export const supplementalGroupsPolicy: Rule = {
  id: 'supplementalGroupsPolicy',
  title: 'Processes have only the groups that the pod names',
  reason: "Otherwise the image's own /etc/group can add the group of a shared volume to its process, unseen.",
  risk: 'high',
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: { Default: '`Strict`', Override: 'explicit `Merge`' },
  fields: ['spec.securityContext.supplementalGroupsPolicy'],
  wholePod: true,

  apply(pod) {
    if (!pod.podIsWritable) return;
    const value = pod.securityContext('supplementalGroupsPolicy');
    if (value === undefined) pod.fill(undefined, FIELD, 'Strict');
    else if (value !== 'Strict') pod.replace(undefined, FIELD, value, 'Strict');
  },
};
