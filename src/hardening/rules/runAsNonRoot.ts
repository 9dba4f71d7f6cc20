import type { ContainerDraft } from '../containerDraft.js';
import type { PodDraft } from '../podDraft.js';
import type { Rule } from '../rule.js';
import { effectiveUid, endsNonRoot, sharedIds, startUser } from '../startUser.js';

const FIELD = ['securityContext', 'runAsNonRoot'];
const POD_FIELD = ['spec', 'securityContext', 'runAsNonRoot'];

/**
 * The kubelet refuses to start a container as uid 0 where `runAsNonRoot` is true. It does so too where it cannot tell
 * the image's user, so the field is written only where a uid stands or is written by runAsUser (CreateContainerConfigError).
 *
 * Restricted fields: `runAsNonRoot` of the pod's and every container's securityContext; allowed: true, or unset in a
 * container below a pod that says true. Source: kubernetes/pod-security-admission policy/check_runAsNonRoot.go.
 */
export const runAsNonRoot: Rule = {
  id: 'runAsNonRoot',
  title: 'Containers declare that they are not root',
  reason: 'The kubelet then refuses to start the container as root, whatever its image says.',
  risk: 'medium',
  control: { level: 'restricted', name: 'runAsNonRoot' },
  os: 'any',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: '`true` on the pod where it has a uid that is not root, else on each container that has one',
    Override: 'explicit `false`',
  },
  fields: [
    'spec.securityContext.runAsNonRoot',
    'spec.containers[*].securityContext.runAsNonRoot',
    'spec.initContainers[*].securityContext.runAsNonRoot',
    'spec.ephemeralContainers[*].securityContext.runAsNonRoot',
  ],

  apply(pod) {
    if (pod.isWindows) applyToWindows(pod);
    else applyToLinux(pod);
  },
};

function applyToLinux(pod: PodDraft): void {
  const onPod = pod.securityContext('runAsNonRoot');
  for (const container of pod.containers) {
    if (container.securityContext('runAsNonRoot') !== false) continue;
    // Override must not write true where the container stays root all the same: it would never start.
    if (canBeNonRoot(pod, container)) pod.replace(container, FIELD, false, true);
    else pod.report(container, FIELD, false);
  }
  const inheriting = pod.containers.filter(
    (container) => container.securityContext('runAsNonRoot') === undefined,
  );
  const holds = inheriting.filter((container) => canBeNonRoot(pod, container));
  const onAll = pod.podIsWritable && holds.length === inheriting.length;
  const podIsNonRoot = podUidIsNonRoot(pod);

  if (onPod === false && onAll) {
    pod.replace(undefined, POD_FIELD, false, true);
    return;
  }
  if (onPod === false && pod.podIsWritable) pod.report(undefined, POD_FIELD, false);
  if (onPod === undefined && onAll && holds.length > 0 && podIsNonRoot) {
    pod.fill(undefined, POD_FIELD, true);
    return;
  }
  for (const container of inheriting) fillContainer(pod, container, onPod);
}

function fillContainer(pod: PodDraft, container: ContainerDraft, onPod: boolean | undefined): void {
  if (onPod === true) return;
  const stance = pod.stance(container);
  const start = startUser(pod, container);
  // An inherited explicit false is the author's: only Override goes against it, container by container.
  if (onPod === false && !stance.replaces) {
    // On the pod it is reported once; where that is not looked at, with each container that comes to it.
    if (!pod.podIsWritable) pod.report(container, POD_FIELD, false);
    return;
  }
  if (endsNonRoot(start) || (start.kind === 'unwritten' && stance.reportsUnset) || stance.heldBack) {
    pod.fill(container, FIELD, true);
  } else if (stance.denies && 'because' in start) {
    pod.report(container, FIELD, undefined, start.because);
  } else if ('because' in start) {
    pod.skip(start.because, container, start.kind === 'root' ? start.detail : undefined);
  }
}

/**
 * Whether the pod itself ends up with a uid that is not root's. Where it does not (each container has its own), a
 * sidecar that another webhook injects after us would inherit `true` without a uid, pass for one that declares itself
 * non-root, and never start if its image runs as root. So then each container says it for itself.
 */
function podUidIsNonRoot(pod: PodDraft): boolean {
  const onPod = pod.securityContext('runAsUser');
  if (onPod !== undefined && onPod !== 0) return true;
  return sharedIds(pod) !== undefined;
}

/** Whether `true` can be written for it on the pod: it holds, and nothing holds this rule back there. */
function canBeNonRoot(pod: PodDraft, container: ContainerDraft): boolean {
  const stance = pod.stance(container);
  const start = startUser(pod, container);
  return !stance.heldBack && (endsNonRoot(start) || (start.kind === 'unwritten' && stance.reportsUnset));
}

/**
 * A Windows kubelet checks runAsNonRoot against ContainerAdministrator, which is what many images run as: without a
 * named user it may keep the container from starting.
 */
function applyToWindows(pod: PodDraft): void {
  for (const container of pod.containers) {
    const own = container.securityContext('runAsNonRoot');
    const effective = own ?? pod.securityContext('runAsNonRoot');
    if (effective === true) continue;
    const user =
      container.securityContext('windowsOptions')?.runAsUserName ??
      pod.securityContext('windowsOptions')?.runAsUserName;
    const isNamed =
      typeof user === 'string' &&
      user.toLowerCase() !== 'containeradministrator' &&
      effectiveUid(pod, container) !== 0;
    if (own === false) {
      if (isNamed) pod.replace(container, FIELD, false, true);
      else pod.report(container, FIELD, false);
    } else if (effective === false && !(isNamed && pod.stance(container).replaces)) {
      pod.report(container, POD_FIELD, false);
    } else if (isNamed && pod.stance(container).replaces) {
      pod.fill(container, FIELD, true);
    } else {
      pod.skip(pod.stance(container).heldBack ?? 'WindowsPod', container);
    }
  }
}
