import type { SkipCode } from '../hardening/rule.js';

/** Why a rule left something alone: one sentence for each code, said the same in the preview and in the docs. */
export const SKIP_REASONS: Readonly<Record<SkipCode, string>> = {
  ExplicitRoot: 'the container says that it runs as root',
  NonRootDeclared: 'it declares runAsNonRoot without a uid, so it relies on the user of its image',
  StartsAsRoot:
    'the container starts, or may start, as root, and its entrypoint may need that to become another user',
  PrivilegedContainer:
    'the container is privileged: the field would have no effect, be refused, or break what needs the privileges',
  ApiWouldReject: 'the API server would refuse the object with this field',
  NodeWouldReject: 'no node could start the pod with this field',
  LegacyAnnotation:
    'an old seccomp or AppArmor annotation says something else, and the API server refuses both together',
  WindowsPod:
    'the pod runs on Windows, where this rule has nothing to govern or the API server refuses the field',
  PodLevelResources: 'the pod sets resources for all its containers together',
  RequestDefaultsToLimit: 'the limit is set, and the API server makes the request equal to it',
  QuotaScope:
    'a quota of the namespace counts pods without resources apart, and defaults would move this one',
  EphemeralContainer:
    'an ephemeral container may not have this field, or could not be used for debugging with it',
  DaemonSetPod: 'a DaemonSet has pinned the pod to its node already',
  BarePod:
    'a pod that nobody owns, or the template of a Job: replacing what its author wrote would make the next kubectl apply fail',
  StatefulUnknownImage:
    'it writes to a volume that outlives the pod, and nothing is known of its image: another user could not read the data',
  UnknownImage:
    'nothing is known of the image, and the policy hardens such images only where the risk is low',
  ImageNeeds: 'the image needs what the rule would take away, its profile says',
  OptedOut: "the namespace's label turns the rule off",
  Excepted: 'an exception of the policy lifts the rule',
};
