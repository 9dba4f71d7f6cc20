import type { ContainerDraft } from '../containerDraft.js';
import type { PodDraft } from '../podDraft.js';
import type { Rule } from '../rule.js';
import { policyIds, sharedIds, startUser, type Ids } from '../startUser.js';
import type { Settings } from './runAsUser.settings.js';

const UID = ['securityContext', 'runAsUser'];
const GID = ['securityContext', 'runAsGroup'];
const POD_UID = ['spec', ...UID];
const POD_GID = ['spec', ...GID];
const FS_GROUP = ['spec', 'securityContext', 'fsGroup'];
const FS_GROUP_CHANGE_POLICY = ['spec', 'securityContext', 'fsGroupChangePolicy'];

/**
 * Gives a container without a user one that is not root, and with it a gid and the pod's fsGroup: without a gid the
 * process gets the one of the image's passwd, or 0.
 *
 * Restricted fields: `runAsUser` of the pod's and every container's securityContext; allowed: unset, anything but 0.
 * Which container is left alone, and why, is worked out by `startUser`.
 * Source: kubernetes/pod-security-admission policy/check_runAsUser.go; PROGRAMS (measured on a kubelet).
 */
export const runAsUser: Rule<Settings> = {
  id: 'runAsUser',
  title: 'Containers run as a user that is not root',
  reason: 'Root in a container is root on the node once it gets out, and owns every file of the image.',
  risk: 'high',
  control: { level: 'restricted', name: 'runAsUser' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default:
      'a uid, and with it gid and fsGroup, where they are unset; the uid of the image profile before that of the policy',
    Override: 'uid 0',
  },
  fields: [
    'spec.securityContext.runAsUser',
    'spec.securityContext.runAsGroup',
    'spec.securityContext.fsGroup',
    'spec.securityContext.fsGroupChangePolicy',
    'spec.containers[*].securityContext.runAsUser',
    'spec.containers[*].securityContext.runAsGroup',
    'spec.initContainers[*].securityContext.runAsUser',
    'spec.initContainers[*].securityContext.runAsGroup',
    'spec.ephemeralContainers[*].securityContext.runAsUser',
    'spec.ephemeralContainers[*].securityContext.runAsGroup',
  ],

  apply(pod, settings) {
    const onPod = pod.securityContext('runAsUser');
    if (onPod === 0 && pod.podIsWritable && !pod.stance().replaces) pod.report(undefined, POD_UID, 0);

    const shared = sharedIds(pod);
    if (shared) writeOnPod(pod, shared, onPod);
    else for (const container of pod.containers) treat(pod, container, onPod);
    if (!shared && onPod === 0) replaceRootOnPod(pod, settings);
    writeFsGroup(pod, settings);
  },
};

function writeOnPod(pod: PodDraft, ids: Ids, onPod: number | undefined): void {
  const written =
    onPod === 0 ? pod.replace(undefined, POD_UID, 0, ids.uid) : pod.fill(undefined, POD_UID, ids.uid);
  for (const container of pod.containers) {
    if (container.securityContext('runAsUser') === 0) pod.replace(container, UID, 0, ids.uid);
  }
  if (written && pod.securityContext('runAsGroup') === undefined) pod.fill(undefined, POD_GID, ids.gid);
}

function treat(pod: PodDraft, container: ContainerDraft, onPod: number | undefined): void {
  const own = container.securityContext('runAsUser');
  const start = startUser(pod, container);
  if (start.kind === 'written') {
    writeOnContainer(pod, container, start, own ?? onPod);
  } else if (own === 0) {
    pod.report(container, UID, 0, start.kind === 'root' ? start.because : undefined);
  } else if (start.kind === 'unwritten') {
    pod.fill(container, UID, start.uid);
  } else if (start.kind === 'author') {
    if (start.declared) pod.skip('NonRootDeclared', container);
  } else if (onPod === 0) {
    // Reported once, on the pod; where that is not looked at, with each container that comes to it.
    if (!pod.podIsWritable) pod.report(container, POD_UID, 0);
  } else if (pod.stance(container).denies && start.because !== 'PrivilegedContainer') {
    pod.report(container, UID, undefined, start.because);
  } else {
    const { heldBack } = pod.stance(container);
    if (heldBack) pod.skip(heldBack, container);
    else pod.skip(start.because, container, start.detail);
  }
}

function writeOnContainer(
  pod: PodDraft,
  container: ContainerDraft,
  ids: Ids,
  effective: number | undefined,
): void {
  const written =
    effective === 0 ? pod.replace(container, UID, 0, ids.uid) : pod.fill(container, UID, ids.uid);
  const gid = container.securityContext('runAsGroup') ?? pod.securityContext('runAsGroup');
  if (written && gid === undefined) pod.fill(container, GID, ids.gid);
}

/** Pod Security refuses uid 0 on the pod even where no container inherits it. Left where one still does. */
function replaceRootOnPod(pod: PodDraft, settings: Settings): void {
  const isInherited = pod.containers.some(
    (container) => container.securityContext('runAsUser') === undefined,
  );
  if (!pod.podIsWritable || !pod.stance().replaces) return;
  if (isInherited) pod.report(undefined, POD_UID, 0);
  else pod.replace(undefined, POD_UID, 0, policyIds(pod, settings).uid);
}

/** fsGroup reaches every container and changes modes of existing files: only where this pass writes every uid. */
function writeFsGroup(pod: PodDraft, settings: Settings): void {
  if (!pod.podIsWritable || pod.containers.length === 0 || pod.securityContext('fsGroup') !== undefined)
    return;
  const fromProfiles = new Set<number>();
  for (const container of pod.containers) {
    const start = startUser(pod, container);
    if (start.kind !== 'written' || pod.stance(container).heldBack) return;
    if (container.profile?.profile.runAsUser !== undefined) fromProfiles.add(start.gid);
  }
  const [agreed] = fromProfiles.size === 1 ? fromProfiles : [];
  pod.fill(undefined, FS_GROUP, agreed ?? policyIds(pod, settings).fsGroup);
  if (pod.securityContext('fsGroupChangePolicy') === undefined) {
    pod.fill(undefined, FS_GROUP_CHANGE_POLICY, 'OnRootMismatch');
  }
}
