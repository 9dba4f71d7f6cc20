import type { SkipCode } from '../hardening/rule.js';

/** What one can do about a skip, one sentence for each code; the rule's page in docs/rules has the cases one by one. */
export const SKIP_REMEDIES: Readonly<Record<SkipCode, string>> = {
  ExplicitRoot:
    'give the container a user that is not root, or let the policy override it (action: Override)',
  NonRootDeclared:
    'nothing has to be done; to have a uid written, set runAsUser, or whenNonRootDeclared: Set in the policy',
  StartsAsRoot:
    'name a user that is not root (added capabilities, or a port below 1024, may be why it is one); to have capabilities dropped from an image that must start as root, write an image profile with startsAsRoot',
  PrivilegedContainer: 'take privileged: true away, and add the capabilities that it needs by name',
  ApiWouldReject:
    'change what stands in the way in the manifest; the page of the rule in docs/rules has the cases',
  NodeWouldReject: 'change what stands in the way: another id, or another kind of volume',
  LegacyAnnotation: 'delete the annotation: it has no effect any more',
  WindowsPod: 'nothing has to be done',
  PodLevelResources: 'write the limits that are missing beside those of the pod, if any',
  RequestDefaultsToLimit: 'nothing has to be done',
  QuotaScope: 'set resources in the manifest',
  EphemeralContainer: 'nothing has to be done',
  DaemonSetPod: 'nothing has to be done',
  BarePod: 'write the value in the manifest, or use a Deployment',
  StatefulUnknownImage:
    'write an image profile with the uid that owns the data (kube-harden profile IMAGE), or set existingVolumes: Set for runAsUser in the policy',
  UnknownImage:
    'write an image profile (kube-harden profile IMAGE), or set unknownImages: Harden in the policy',
  ImageNeeds: 'nothing, unless the image can do without; then change its image profile',
  OptedOut: 'take the label away',
  Excepted: 'let the exception expire, or narrow its match',
};
