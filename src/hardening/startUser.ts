import { capabilityName } from './capabilityNames.js';
import type { ContainerDraft } from './containerDraft.js';
import { becomesReadOnly } from './hostPaths.js';
import { isRecord } from './locate.js';
import { rootOnlyPort } from './lowPorts.js';
import type { StartsAsRoot } from './plan.js';
import type { PodDraft } from './podDraft.js';
import type { SkipCode } from './rule.js';
import type { Settings as CapabilitiesSettings } from './rules/capabilities.settings.js';
import type { Settings as RunAsUserSettings } from './rules/runAsUser.settings.js';
import type { Container, Volume } from './podSpec.js';
import { cleanPath, lastingMounts, mountsLastingVolume } from './volumes.js';

export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that a container will start as, once this pass is through. runAsNonRoot, runAsUser, capabilities and
 * unprivilegedPorts all depend on it, so it is worked out in one place.
 *
 * - `author`: the author names a non-root uid, or declares `runAsNonRoot: true` (then `declared`)
 * - `written`: runAsUser writes these ids
 * - `unwritten`: runAsUser would write these ids and does not (Warn, opted out, excepted, ...); it may start as root
 * - `root`: starts, or may start, as root, and no rule is to change that
 */
export type StartUser =
  | { readonly kind: 'author'; readonly declared: boolean }
  | ({ readonly kind: 'written' } & Ids)
  | ({ readonly kind: 'unwritten'; readonly because: SkipCode } & Ids)
  | { readonly kind: 'root'; readonly because: SkipCode; readonly detail?: string };

/** Whether the kubelet will not let the container be root. */
export function endsNonRoot(start: StartUser): boolean {
  return start.kind === 'author' || start.kind === 'written';
}

/** Worked out once for each container: what rules write afterwards must not change the answer. */
export function startUser(pod: PodDraft, container: ContainerDraft): StartUser {
  return (container.start ??= workOut(pod, container));
}

function workOut(pod: PodDraft, container: ContainerDraft): StartUser {
  const user = pod.stanceOf('runAsUser', container);
  const settings = pod.plan.byId.runAsUser?.settings as RunAsUserSettings | undefined;
  const uid = effectiveUid(pod, container);
  const nonRoot = container.securityContext('runAsNonRoot') ?? pod.securityContext('runAsNonRoot');

  if (uid !== undefined && uid !== 0) return { kind: 'author', declared: false };
  const declared = nonRoot === true;
  if (declared && uid === undefined && settings?.whenNonRootDeclared !== 'Set')
    return { kind: 'author', declared };
  // uid 0 beside `runAsNonRoot: true`: the kubelet refuses to start it, so it is no root either.
  if (declared && uid === 0 && !user?.replaces) return { kind: 'author', declared };

  const intent = declared ? undefined : rootIntent(pod, container, uid, nonRoot);
  if (intent === 'PrivilegedContainer') return { kind: 'root', because: intent };
  if (intent && !user?.replaces) return { kind: 'root', because: intent };
  if (!settings) return declared ? { kind: 'author', declared } : { kind: 'root', because: 'StartsAsRoot' };

  const kept =
    uid === undefined && settings.existingVolumes === 'Keep' ? keptByVolume(pod, container) : undefined;
  if (kept) return declared ? { kind: 'author', declared } : kept;
  const port = uid === undefined && !declared && !user?.replaces ? rootOnlyPort(pod, container) : undefined;
  if (port !== undefined) return { kind: 'root', because: 'StartsAsRoot', detail: port };
  const ids = idsFor(pod, container, settings);
  if (uid === 0 ? user?.replaces : user?.fills) return { kind: 'written', ...ids };
  if (declared) return { kind: 'author', declared };
  return { kind: 'unwritten', because: user?.heldBack ?? 'StartsAsRoot', ...ids };
}

/**
 * Root, where another user could not work on a volume that outlives the pod: nobody knows whose data it holds, or the
 * profile says that the program makes more of the directory than fsGroup allows. Any author can bring such a volume, so
 * a mirror's name wins nothing by it.
 */
function keptByVolume(pod: PodDraft, container: ContainerDraft): StartUser | undefined {
  const { reservedVolumeNames = [] } = pod.input;
  // A claim of a StatefulSet takes the place of a volume of its name.
  const volumeNamed = (name = ''): Volume | undefined =>
    reservedVolumeNames.includes(name) ? undefined : pod.volume(name);
  const spec = asItWillBeMounted(pod, container);
  const profile = container.profile?.profile;
  if (profile?.runAsUser === undefined) {
    const isLasting = mountsLastingVolume(spec, volumeNamed);
    return isLasting ? { kind: 'root', because: 'StatefulUnknownImage' } : undefined;
  }
  const paths = rootDirectories(container, profile.startsAsRoot);
  if (paths.length === 0) return undefined;
  const path = lastingMounts(spec, volumeNamed).find((mounted) => paths.includes(mounted));
  return path === undefined
    ? undefined
    : { kind: 'root', because: 'ImageNeeds', detail: `a volume at ${path}` };
}

/** What this pass makes read-only counts as that now, or a second pass would decide otherwise. */
function asItWillBeMounted(pod: PodDraft, container: ContainerDraft): Container {
  const { spec } = container;
  if (pod.stanceOf('hostPath', container)?.replaces !== true) return spec;
  const volumeMounts = (spec.volumeMounts ?? []).filter((mount) => !becomesReadOnly(pod, container, mount));
  return { ...spec, volumeMounts };
}

function rootDirectories(container: ContainerDraft, starts: StartsAsRoot | undefined): readonly string[] {
  const { volumes = [], volumeVariable } = starts ?? {};
  if (volumeVariable === undefined) return volumes;
  const value = variableOf(container, volumeVariable);
  // What comes from elsewhere (valueFrom), or is put together from other variables, cannot be known here.
  return value === '' || value.includes('$(') ? volumes : [cleanPath(value)];
}

/** The value that the container itself gives an environment variable, the last one of a name; else an empty text. */
function variableOf({ spec }: ContainerDraft, name: string): string {
  const variables: readonly unknown[] = Array.isArray(spec.env) ? spec.env : [];
  const found = variables.findLast((variable) => isRecord(variable) && variable['name'] === name);
  const value = isRecord(found) ? found['value'] : undefined;
  return typeof value === 'string' ? value : '';
}

/** The uid that the author gives the container, by itself or through the pod. */
export function effectiveUid(pod: PodDraft, container: ContainerDraft): number | undefined {
  return container.securityContext('runAsUser') ?? pod.securityContext('runAsUser');
}

/**
 * Whether the author means the container to start as root. What this pass overrides does not count.
 * Added capabilities do nothing for a non-root process, so whoever adds them wants root.
 */
function rootIntent(
  pod: PodDraft,
  container: ContainerDraft,
  uid: number | undefined,
  nonRoot: boolean | undefined,
): SkipCode | undefined {
  if (container.isPrivileged) return 'PrivilegedContainer';
  if (uid === 0) return 'ExplicitRoot';
  const nonRootIsOverridden = pod.stanceOf('runAsNonRoot', container)?.replaces === true;
  if (nonRoot === false && !nonRootIsOverridden) return 'ExplicitRoot';
  const adds = container.capabilities('add') ?? [];
  const kept = pod.stanceOf('capabilities', container)?.replaces ? adds.filter(isAllowedIn(pod)) : adds;
  return kept.some((name) => capabilityName(name) !== 'NET_BIND_SERVICE') ? 'StartsAsRoot' : undefined;
}

function isAllowedIn(pod: PodDraft): (name: string) => boolean {
  const settings = pod.plan.byId.capabilities?.settings as CapabilitiesSettings | undefined;
  return (name) => settings?.allowedAdd.includes(capabilityName(name)) === true;
}

/** The image's own ids before the namespace's range, and that before the policy's. */
function idsFor(pod: PodDraft, container: ContainerDraft, settings: RunAsUserSettings): Ids {
  const profile = container.profile?.profile;
  if (profile?.runAsUser !== undefined)
    return { uid: profile.runAsUser, gid: profile.runAsGroup ?? profile.runAsUser };
  const fallback = policyIds(pod, settings);
  return { uid: fallback.uid, gid: fallback.gid };
}

/** The ids for an image without a profile, and the fsGroup that goes with them. */
export function policyIds(pod: PodDraft, settings: RunAsUserSettings): Ids & { readonly fsGroup: number } {
  // In a user namespace (`hostUsers: false`) only ids below 65536 exist, and a namespace's range lies above them.
  const isRanged = settings.strategy === 'NamespaceRange' && pod.field('hostUsers') !== false;
  const first = isRanged ? pod.plan.uidRange?.first : undefined;
  return { uid: first ?? settings.value, gid: first ?? settings.group, fsGroup: first ?? settings.fsGroup };
}

/** The ids to write on the pod: where every container gets the same, and nothing of it lands beside an author's uid. */
export function sharedIds(pod: PodDraft): Ids | undefined {
  // An author's uid on the pod stays, unless it is root's, also where every container has another of its own.
  if (!pod.podIsWritable || pod.securityContext('runAsUser')) return undefined;
  let shared: Ids | undefined;
  for (const container of pod.containers) {
    const start = startUser(pod, container);
    const isWanted =
      start.kind === 'written' || (start.kind === 'unwritten' && pod.stance(container).reportsUnset);
    if (!isWanted || pod.stance(container).heldBack) return undefined;
    if (shared && (shared.uid !== start.uid || shared.gid !== start.gid)) return undefined;
    shared = start;
  }
  return shared;
}
