import { capabilityName, DEFAULT_CAPABILITIES } from '../capabilityNames.js';
import type { ContainerDraft } from '../containerDraft.js';
import type { PodDraft } from '../podDraft.js';
import type { Rule } from '../rule.js';
import { endsNonRoot, startUser } from '../startUser.js';
import type { Settings } from './capabilities.settings.js';

const DROP = ['securityContext', 'capabilities', 'drop'];
const ADD = ['securityContext', 'capabilities', 'add'];
const ALL = 'ALL';

/**
 * Drops every capability. A container that starts as root needs some to drop to its own user by itself, so there ALL
 * goes only where the image's profile says what to give back, or where the platform team insists.
 *
 * Restricted fields: `securityContext.capabilities.drop` (must hold the literal `ALL`: `all` does not count) and
 * `.add` (NET_BIND_SERVICE alone) of every container.
 * Source: kubernetes/pod-security-admission policy/check_capabilities_{baseline,restricted}.go; PROGRAMS (measured).
 */
export const capabilities: Rule<Settings> = {
  id: 'capabilities',
  title: 'Containers drop all capabilities',
  reason: 'Capabilities are pieces of root; a program that does not start as root has no use for any.',
  risk: 'medium',
  control: { level: 'restricted', name: 'capabilities_restricted' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default:
      '`drop: [ALL]`; for a container that starts as root, only where its image profile says what to give back',
    Override: '`add` outside `allowedAdd`; and `drop: [ALL]` for containers that start as root',
  },
  fields: [
    'spec.containers[*].securityContext.capabilities.drop',
    'spec.containers[*].securityContext.capabilities.add',
    'spec.initContainers[*].securityContext.capabilities.drop',
    'spec.initContainers[*].securityContext.capabilities.add',
    'spec.ephemeralContainers[*].securityContext.capabilities.drop',
    'spec.ephemeralContainers[*].securityContext.capabilities.add',
  ],

  apply(pod, settings) {
    for (const container of pod.containers) {
      if (container.isPrivileged) {
        const adds = container.capabilities('add') ?? [];
        const drops = container.capabilities('drop') ?? [];
        if (adds.length > 0 || !drops.includes(ALL)) pod.skip('PrivilegedContainer', container);
      } else {
        treat(pod, container, settings);
      }
    }
  },
};

function treat(pod: PodDraft, container: ContainerDraft, settings: Settings): void {
  const stance = pod.stance(container);
  const profile = profileCapabilities(pod, container, settings);
  const add = container.capabilities('add') ?? [];
  const kept =
    add.length === 0 ? add : add.filter((name) => isAllowed(capabilityName(name), settings, profile));
  if (kept.length < add.length && !stance.replaces) pod.replace(container, ADD, add, undefined);

  const back = shouldDropAll(pod, container, profile) ? dropAll(pod, container, profile) : [];
  if (add.length === 0 && back.length === 0) return;
  const wanted = [...(stance.replaces ? kept.map(capabilityName) : add), ...back];
  if (wanted.length === add.length && wanted.every((name, index) => name === add[index])) return;
  const note = back.length > 0 ? { reason: GIVEN_BACK } : undefined;
  pod.write(container, ADD, add.length > 0 ? add : undefined, wanted.length > 0 ? wanted : undefined, note);
}

function isAllowed(name: string, settings: Settings, profile: ProfileCapabilities): boolean {
  return settings.allowedAdd.includes(name) || profile.names.includes(name);
}

const GIVEN_BACK = 'Given back because the image profile names it: the program needs it, and had it before.';
const BREAKS_ENTRYPOINTS =
  'All capabilities go from a container that starts as root: an entrypoint that drops to its own user will fail.';

function shouldDropAll(pod: PodDraft, container: ContainerDraft, profile: ProfileCapabilities): boolean {
  const drop = container.capabilities('drop');
  if (drop?.length === 1 && drop[0] === ALL) return false;
  const stance = pod.stance(container);
  const isExplicit =
    drop !== undefined || (container.capabilities('add') !== undefined && profile.names.length > 0);
  if (isExplicit && pod.authorsListStands(container)) {
    if (!drop?.includes(ALL)) pod.skip('BarePod', container);
    return false;
  }
  const isSafe = !profile.isRoot || dropsAll(drop) || profile.knowsRoot;
  if (isSafe || isInsistedOn(pod, container)) return true;
  if (stance.denies) pod.report(container, DROP, drop, 'StartsAsRoot');
  else pod.skip(stance.heldBack ?? 'StartsAsRoot', container);
  return false;
}

/** @returns what is to be given back */
function dropAll(pod: PodDraft, container: ContainerDraft, profile: ProfileCapabilities): readonly string[] {
  const drop = container.capabilities('drop');
  const isRisky = profile.isRoot && !profile.knowsRoot && !dropsAll(drop);
  const note = isRisky ? ({ risk: 'high', reason: BREAKS_ENTRYPOINTS } as const) : undefined;
  const written =
    drop === undefined
      ? pod.fill(container, DROP, [ALL], note)
      : pod.rewrite(container, DROP, drop, [ALL], note);
  if (profile.names.length === 0) return NONE;
  const dropped = drop?.map(capabilityName) ?? [];
  if (!written || dropped.includes(ALL)) return [];
  const had = [...dropped, ...(container.capabilities('add') ?? []).map(capabilityName)];
  return profile.names.filter((name) => !had.includes(name));
}

/** Override, or an opt-out that is Forbidden: the platform team wants ALL dropped whatever it breaks. */
function isInsistedOn(pod: PodDraft, container: ContainerDraft): boolean {
  const rulePlan = pod.plan.byId.capabilities;
  return pod.stance(container).fills && (rulePlan?.action === 'Override' || rulePlan?.optOut === 'Forbidden');
}

function dropsAll(drop: readonly string[] | undefined): boolean {
  return drop?.some((name) => capabilityName(name) === ALL) === true;
}

interface ProfileCapabilities {
  /** The container starts, or may start, as root. */
  readonly isRoot: boolean;
  /** The profile says what the entrypoint needs where it starts as root. */
  readonly knowsRoot: boolean;
  /** What may stand beside drop ALL. */
  readonly names: readonly string[];
}

/**
 * What the image's profile gives back beside drop ALL: what its entrypoint needs where it starts as root, and what
 * the binary itself carries. Only for the exact repositories that the entry names, and never more than a container
 * has by default. A built-in `needs` does not get past a platform team that insists.
 */
function profileCapabilities(
  pod: PodDraft,
  container: ContainerDraft,
  settings: Settings,
): ProfileCapabilities {
  const isRoot = !endsNonRoot(startUser(pod, container));
  const match = container.profile;
  if (!match?.exact) return { isRoot, knowsRoot: false, names: NONE };
  const { startsAsRoot, needs = NONE } = match.profile;
  const rulePlan = pod.plan.byId.capabilities;
  const insists =
    rulePlan?.action === 'Override' || rulePlan?.action === 'Deny' || rulePlan?.optOut === 'Forbidden';
  const carried = needs.filter((name) => match.fromPolicy || !insists || settings.allowedAdd.includes(name));
  const names = [...(isRoot ? (startsAsRoot?.capabilities ?? NONE) : NONE), ...carried];
  return {
    isRoot,
    knowsRoot: startsAsRoot !== undefined,
    names: names.filter(
      (name, index) => DEFAULT_CAPABILITIES.includes(name) && names.indexOf(name) === index,
    ),
  };
}

const NONE: readonly string[] = [];
