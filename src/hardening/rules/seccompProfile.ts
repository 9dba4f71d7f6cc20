import type { ContainerDraft } from '../containerDraft.js';
import type { PodDraft } from '../podDraft.js';
import type { Rule } from '../rule.js';
import type { Settings } from './seccompProfile.settings.js';

const FIELD = ['securityContext', 'seccompProfile'];
const POD_FIELD = ['spec', ...FIELD];
export const POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
export const CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/';
const AGREEING = ['runtime/default', 'docker/default'];

/**
 * Confines system calls with the container runtime's own profile.
 *
 * Restricted fields: `seccompProfile.type` of the pod's and every container's securityContext; allowed: RuntimeDefault,
 * Localhost, or unset in a container below a pod that has one.
 *
 * The old seccomp annotations have had no effect since Kubernetes 1.27, yet manifests carry them, and the API server
 * (1.36.4, measured) refuses a Pod whose annotation and field at the same level differ.
 * Source: policy/check_seccompProfile_restricted.go; core/v1 validation (validateSeccompAnnotationsAndFields).
 */
export const seccompProfile: Rule<Settings> = {
  id: 'seccompProfile',
  title: 'System calls are confined by the RuntimeDefault seccomp profile',
  reason: 'It forbids some 60 system calls that programs do not need and kernel exploits do.',
  risk: 'low',
  control: { level: 'restricted', name: 'seccompProfile_restricted' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: '`RuntimeDefault` on the pod, or on each container where one is left out',
    Override: '`Unconfined`, and the conflicting legacy annotation with it',
  },
  fields: [
    'spec.securityContext.seccompProfile',
    'spec.containers[*].securityContext.seccompProfile',
    'spec.initContainers[*].securityContext.seccompProfile',
    'spec.ephemeralContainers[*].securityContext.seccompProfile',
    'metadata.annotations[*]',
  ],

  apply(pod, settings) {
    const profile = { type: settings.type };
    const onPod = pod.securityContext('seccompProfile');
    const podAnnotation = conflict(pod, POD_ANNOTATION);
    for (const container of pod.containers) treatExplicit(pod, container, profile);

    if (onPod) {
      if (onPod.type === 'Unconfined') replaceOnPod(pod, onPod, profile, podAnnotation);
      return;
    }
    const inheriting = pod.containers.filter((container) => !container.securityContext('seccompProfile'));
    const eligible = inheriting.filter((container) => isEligible(pod, container));
    const isBlocked = podAnnotation !== undefined && !pod.stance().replaces;
    if (inheriting.length === 0) return;
    if (pod.podIsWritable && eligible.length === inheriting.length && !isBlocked) {
      if (pod.fill(undefined, POD_FIELD, profile) && podAnnotation !== undefined)
        removeAnnotation(pod, undefined, POD_ANNOTATION, podAnnotation);
      for (const container of inheriting) removeConflict(pod, container);
      return;
    }
    if (podAnnotation !== undefined && isBlocked) {
      pod.skip('LegacyAnnotation', undefined, `${POD_ANNOTATION}: ${podAnnotation}`);
    }
    for (const container of inheriting) {
      if (!isEligible(pod, container)) leaveOut(pod, container);
      else if (pod.fill(container, FIELD, profile)) removeConflict(pod, container);
    }
  },
};

type Profile = { readonly type?: string };

function treatExplicit(pod: PodDraft, container: ContainerDraft, profile: Profile): void {
  const own = container.securityContext('seccompProfile');
  if (own?.type !== 'Unconfined') return;
  if (container.needs('unconfinedSeccomp')) {
    pod.skip('ImageNeeds', container);
  } else if (container.isPrivileged && !pod.stance(container).denies) {
    pod.skip('PrivilegedContainer', container);
  } else if (pod.replace(container, FIELD, own, profile)) {
    removeConflict(pod, container);
  }
}

/** Whether RuntimeDefault may reach a container that has no profile of its own. */
function isEligible(pod: PodDraft, container: ContainerDraft): boolean {
  const stance = pod.stance(container);
  if (stance.heldBack || container.isPrivileged || container.needs('unconfinedSeccomp')) return false;
  return stance.replaces || conflict(pod, CONTAINER_ANNOTATION + container.ref.name) === undefined;
}

function leaveOut(pod: PodDraft, container: ContainerDraft): void {
  const { heldBack, denies } = pod.stance(container);
  const annotation = CONTAINER_ANNOTATION + container.ref.name;
  if (heldBack) pod.skip(heldBack, container);
  else if (container.isPrivileged) pod.skip('PrivilegedContainer', container);
  else if (container.needs('unconfinedSeccomp')) pod.skip('ImageNeeds', container);
  // An annotation of the author's must not be the way past Deny.
  else if (denies) pod.report(container, FIELD, undefined, 'LegacyAnnotation');
  else pod.skip('LegacyAnnotation', container, `${annotation}: ${conflict(pod, annotation) ?? ''}`);
}

/** An explicit Unconfined on the pod. Override must not reach a container that is left out. */
function replaceOnPod(pod: PodDraft, onPod: Profile, profile: Profile, annotation: string | undefined): void {
  const inheriting = pod.containers.filter((container) => !container.securityContext('seccompProfile'));
  const eligible = inheriting.filter((container) => isEligible(pod, container));
  if (pod.podIsWritable && eligible.length === inheriting.length) {
    if (!pod.replace(undefined, POD_FIELD, onPod, profile)) return;
    if (annotation !== undefined) removeAnnotation(pod, undefined, POD_ANNOTATION, annotation);
    for (const container of inheriting) removeConflict(pod, container);
    return;
  }
  if (pod.podIsWritable) pod.report(undefined, POD_FIELD, onPod);
  for (const container of inheriting) {
    if (!isEligible(pod, container)) leaveOut(pod, container);
    else if (pod.stance(container).replaces) {
      if (pod.replace(container, FIELD, undefined, profile)) removeConflict(pod, container);
    } else if (!pod.podIsWritable) pod.report(container, POD_FIELD, onPod);
  }
}

/** The value of a legacy annotation that does not agree with RuntimeDefault. */
function conflict(pod: PodDraft, annotation: string): string | undefined {
  if (!pod.hasLegacySeccomp) return undefined;
  const { annotations } = pod;
  const value = Object.hasOwn(annotations, annotation) ? annotations[annotation] : undefined;
  return value === undefined || AGREEING.includes(value) ? undefined : value;
}

function removeConflict(pod: PodDraft, container: ContainerDraft): void {
  if (!pod.podIsWritable) return;
  const annotation = CONTAINER_ANNOTATION + container.ref.name;
  const value = conflict(pod, annotation);
  if (value !== undefined) removeAnnotation(pod, container, annotation, value);
}

function removeAnnotation(
  pod: PodDraft,
  container: ContainerDraft | undefined,
  annotation: string,
  value: string,
): void {
  pod.write(container, ['metadata', 'annotations', annotation], value, undefined);
}
