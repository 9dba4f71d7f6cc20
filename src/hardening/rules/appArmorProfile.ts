import type { ContainerDraft } from '../containerDraft.js';
import type { PodDraft } from '../podDraft.js';
import type { AppArmorProfile } from '../podSpec.js';
import type { Rule } from '../rule.js';
import type { Settings } from './appArmorProfile.settings.js';

const FIELD = ['securityContext', 'appArmorProfile'];
const POD_FIELD = ['spec', ...FIELD];
export const ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

/**
 * Confines programs with the container runtime's own AppArmor profile.
 *
 * Restricted fields: `appArmorProfile.type` of the pod's and every container's securityContext, and the annotation
 * `container.apparmor.security.beta.kubernetes.io/<container>`, its name before 1.30; allowed: RuntimeDefault, Localhost,
 * unset. Unset means RuntimeDefault on a node with AppArmor and nothing on another; a named profile makes a kubelet
 * without AppArmor refuse the pod.
 *
 * Unlike seccomp's, the annotation still works: of a Pod the API server copies it into an unset field of the container,
 * after webhooks have run. It refuses an annotation beside another profile (in a template also one that the container
 * inherits from the pod), and an empty annotation beside any (1.36.4, measured).
 * Source: policy/check_appArmorProfile.go; core/v1 validation (validateAppArmorAnnotationsAndFieldsMatchOnCreate);
 * pkg/registry/core/pod/strategy.go (applyAppArmorVersionSkew); pkg/security/apparmor.
 */
export const appArmorProfile: Rule<Settings> = {
  id: 'appArmorProfile',
  title: "Programs are confined by the runtime's AppArmor profile",
  reason:
    'It keeps a program from mounting, and from writing to those files in /proc and /sys that change the node.',
  risk: 'high',
  control: { level: 'baseline', name: 'appArmorProfile' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default:
      '`RuntimeDefault` on the pod, or on each container where one is left out; with `whenUnset: Keep` nothing',
    Override: '`Unconfined`, in the field and in the annotation that stands for it',
  },
  fields: [
    'spec.securityContext.appArmorProfile',
    'spec.containers[*].securityContext.appArmorProfile',
    'spec.initContainers[*].securityContext.appArmorProfile',
    'spec.ephemeralContainers[*].securityContext.appArmorProfile',
    'metadata.annotations[*]',
  ],

  apply(pod, settings) {
    const profile = { type: settings.type };
    const annotated = annotatedContainers(pod);
    for (const [container, value] of annotated)
      if (value === 'unconfined' && !ownProfile(container)) freeAnnotated(pod, container, annotated);
    treatPod(pod, annotated, profile, settings);
    for (const container of pod.containers) treatUnconfined(pod, container, annotated, profile, settings);
    if (settings.whenUnset === 'Set') treatUnset(pod, annotated, profile);
  },
};

/** The annotations that are left, by their container; those that a change takes away are taken out. */
type Annotated = Map<ContainerDraft, string>;

function annotatedContainers(pod: PodDraft): Annotated {
  const { annotations } = pod;
  const found: Annotated = new Map();
  if (!Object.keys(annotations).some((key) => key.startsWith(ANNOTATION))) return found;
  for (const container of pod.containers) {
    const key = ANNOTATION + container.ref.name;
    if (Object.hasOwn(annotations, key)) found.set(container, annotations[key] ?? '');
  }
  return found;
}

function ownProfile(container: ContainerDraft): AppArmorProfile | undefined {
  return container.securityContext('appArmorProfile');
}

/** The runtime gives a privileged container no profile: naming one would confine it. */
function isLeftPrivileged(pod: PodDraft, container: ContainerDraft): boolean {
  return container.isPrivileged && !pod.stance(container).denies;
}

/** `unconfined` in the annotation is the author's `Unconfined`. */
function freeAnnotated(pod: PodDraft, container: ContainerDraft, annotated: Annotated): void {
  const path = ['metadata', 'annotations', ANNOTATION + container.ref.name];
  if (!pod.podIsWritable) return;
  if (isLeftPrivileged(pod, container)) pod.skip('PrivilegedContainer', container);
  else if (pod.replace(container, path, annotated.get(container), undefined)) annotated.delete(container);
}

/** An explicit Unconfined on the pod. Override must not reach a container that is left out. */
function treatPod(
  pod: PodDraft,
  annotated: Annotated,
  profile: AppArmorProfile,
  { whenUnset }: Settings,
): void {
  const onPod = pod.securityContext('appArmorProfile');
  if (onPod?.type !== 'Unconfined') return;
  const inheriting = pod.containers.filter((container) => !ownProfile(container));
  const isEligible = (container: ContainerDraft): boolean =>
    !pod.stance(container).heldBack && !container.isPrivileged && !annotated.has(container);
  if (pod.podIsWritable && inheriting.every(isEligible)) {
    pod.replace(undefined, POD_FIELD, onPod, whenUnset === 'Set' ? profile : undefined);
    return;
  }
  if (pod.podIsWritable) pod.report(undefined, POD_FIELD, onPod);
  for (const container of inheriting) {
    if (!isEligible(container)) leaveOut(pod, container, annotated);
    else if (pod.stance(container).replaces) pod.replace(container, FIELD, undefined, profile);
    else if (!pod.podIsWritable) pod.report(container, POD_FIELD, onPod);
  }
}

/** An explicit Unconfined on a container. Unset would not do where it would inherit one from the pod. */
function treatUnconfined(
  pod: PodDraft,
  container: ContainerDraft,
  annotated: Annotated,
  profile: AppArmorProfile,
  { whenUnset }: Settings,
): void {
  const own = ownProfile(container);
  if (own?.type !== 'Unconfined') return;
  const isNamed = whenUnset === 'Set' || pod.securityContext('appArmorProfile') !== undefined;
  if (isLeftPrivileged(pod, container)) pod.skip('PrivilegedContainer', container);
  else if (pod.replace(container, FIELD, own, isNamed ? profile : undefined))
    removeAnnotation(pod, container, annotated);
}

function treatUnset(pod: PodDraft, annotated: Annotated, profile: AppArmorProfile): void {
  if (pod.securityContext('appArmorProfile')) return;
  const unset = pod.containers.filter((container) => !ownProfile(container));
  // Any other annotation is a profile of the author's.
  const open = unset.filter((container) => (annotated.get(container) ?? '') === '');
  if (open.length === 0) return;
  const isEligible = (container: ContainerDraft): boolean => {
    const { heldBack, replaces } = pod.stance(container);
    return !heldBack && !container.isPrivileged && (replaces || !annotated.has(container));
  };
  const mayInherit = (container: ContainerDraft): boolean =>
    annotated.get(container) === 'runtime/default' || (open.includes(container) && isEligible(container));
  if (pod.podIsWritable && unset.every(mayInherit)) {
    if (!pod.fill(undefined, POD_FIELD, profile)) return;
    for (const container of open) removeAnnotation(pod, container, annotated);
    return;
  }
  for (const container of open) {
    if (!isEligible(container)) leaveOut(pod, container, annotated);
    else if (pod.fill(container, FIELD, profile)) removeAnnotation(pod, container, annotated);
  }
}

function leaveOut(pod: PodDraft, container: ContainerDraft, annotated: Annotated): void {
  const { heldBack, denies } = pod.stance(container);
  if (heldBack) pod.skip(heldBack, container);
  else if (container.isPrivileged) pod.skip('PrivilegedContainer', container);
  // `unconfined`, which freeAnnotated has reported.
  else if (annotated.get(container) !== '') return;
  // An annotation of the author's must not be the way past Deny.
  else if (denies) pod.report(container, FIELD, undefined, 'LegacyAnnotation');
  else pod.skip('LegacyAnnotation', container, `${ANNOTATION}${container.ref.name} is empty`);
}

function removeAnnotation(pod: PodDraft, container: ContainerDraft, annotated: Annotated): void {
  const value = annotated.get(container);
  if (value === undefined || !pod.podIsWritable) return;
  pod.write(container, ['metadata', 'annotations', ANNOTATION + container.ref.name], value, undefined);
  annotated.delete(container);
}
