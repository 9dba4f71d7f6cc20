import { capabilityName, DEFAULT_CAPABILITIES } from '../../src/hardening/capabilityNames.js';
import type { Container, Pod } from '../../src/hardening/podSpec.js';
import type { Json } from './apiValidation.js';

const CHANGED = 'kube-harden.io/changed';

/**
 * Every leaf that the author wrote and that is not there any more, or is another. Lists may only grow at their end.
 * The documented exception: an explicit `drop` that becomes [ALL].
 */
export function losses(before: unknown, after: unknown, path = ''): string[] {
  if (before === null || before === undefined) return [];
  if (Array.isArray(before)) {
    if (path.endsWith('.capabilities.drop')) return [];
    if (!Array.isArray(after)) return [path];
    return before.flatMap((item: unknown, index) => losses(item, after[index], `${path}[${index}]`));
  }
  if (typeof before === 'object') {
    if (typeof after !== 'object' || after === null) return [path];
    return Object.entries(before).flatMap(([key, value]) =>
      key === CHANGED ? [] : losses(value, (after as Json)[key], `${path}.${key}`),
    );
  }
  return Object.is(before, after)
    ? []
    : [`${path}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
}

/** What is weaker in the hardened pod than it was: effective values, container by container. */
export function weakenings(before: Pod, after: Pod): string[] {
  const found: string[] = [];
  const worse = (is: boolean, what: string): void => {
    if (is) found.push(what);
  };
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    worse(after.spec[field] === true && before.spec[field] !== true, field);
  }
  for (const field of ['hostUsers', 'enableServiceLinks'] as const) {
    worse(before.spec[field] === false && after.spec[field] !== false, field);
  }
  const groups = (pod: Pod): unknown => pod.spec.securityContext?.supplementalGroupsPolicy;
  worse(groups(before) === 'Strict' && groups(after) !== 'Strict', 'supplementalGroupsPolicy');
  before.spec.volumes?.forEach(({ name, image }) => {
    const hardened = after.spec.volumes?.find((volume) => volume.name === name);
    worse(image?.pullPolicy === 'Always' && hardened?.image?.pullPolicy !== 'Always', 'image.pullPolicy');
  });
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    (before.spec[list] ?? []).forEach((container, index) => {
      const hardened = after.spec[list]?.[index];
      if (!hardened) {
        found.push(`${list}[${index}] is gone`);
        return;
      }
      for (const what of weakerIn(view(before, container), view(after, hardened))) {
        worse(true, `${list}[${index}] ${what}`);
      }
    });
  }
  return found;
}

interface View {
  readonly privileged: boolean;
  readonly escalation: boolean | undefined;
  readonly readOnly: boolean;
  readonly uid: number | undefined;
  readonly nonRoot: boolean | undefined;
  readonly seccomp: string | undefined;
  readonly appArmor: string | undefined;
  readonly procMount: string;
  readonly pull: string | undefined;
  readonly drop: readonly string[];
  readonly add: readonly string[];
  readonly limits: readonly string[];
}

function view(pod: Pod, container: Container): View {
  const own = container.securityContext ?? {};
  const inherited = pod.spec.securityContext ?? {};
  return {
    privileged: own.privileged === true,
    escalation: own.allowPrivilegeEscalation ?? undefined,
    readOnly: own.readOnlyRootFilesystem === true,
    uid: own.runAsUser ?? inherited.runAsUser ?? undefined,
    nonRoot: own.runAsNonRoot ?? inherited.runAsNonRoot ?? undefined,
    seccomp: (own.seccompProfile ?? inherited.seccompProfile)?.type,
    appArmor: appArmorOf(pod, container),
    procMount: own.procMount ?? 'Default',
    pull: container.imagePullPolicy ?? undefined,
    drop: (own.capabilities?.drop ?? []).map(capabilityName),
    add: (own.capabilities?.add ?? []).map(capabilityName),
    limits: Object.keys(container.resources?.limits ?? {}),
  };
}

/** The annotation stands for the container's own field; an empty one says nothing. */
function appArmorOf(pod: Pod, { name, securityContext }: Container): string | undefined {
  const key = `container.apparmor.security.beta.kubernetes.io/${name ?? ''}`;
  const annotation = pod.metadata?.annotations?.[key];
  const annotated =
    annotation === 'unconfined'
      ? 'Unconfined'
      : annotation?.startsWith('localhost/')
        ? 'Localhost'
        : undefined;
  return (
    securityContext?.appArmorProfile?.type ?? annotated ?? pod.spec.securityContext?.appArmorProfile?.type
  );
}

function weakerIn(before: View, after: View): string[] {
  // What a container has without asking: the default set, less what it drops.
  const has = ({ drop, add }: View): Set<string> =>
    new Set([
      ...(drop.includes('ALL') ? [] : DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name))),
      ...add,
    ]);
  const had = has(before);
  const gained = [...has(after)].filter((name) => !had.has(name) && !had.has('ALL'));
  return [
    ...(after.privileged && !before.privileged ? ['privileged'] : []),
    ...(before.escalation === false && after.escalation !== false ? ['allowPrivilegeEscalation'] : []),
    ...(before.readOnly && !after.readOnly ? ['readOnlyRootFilesystem'] : []),
    ...(before.uid !== undefined && before.uid !== 0 && before.uid !== after.uid ? ['runAsUser'] : []),
    ...(after.uid === 0 && before.uid !== 0 ? ['runAsUser 0'] : []),
    ...(before.nonRoot === true && after.nonRoot !== true ? ['runAsNonRoot'] : []),
    ...(after.seccomp === 'Unconfined' && before.seccomp !== 'Unconfined' ? ['seccompProfile'] : []),
    ...(before.seccomp === 'Localhost' && after.seccomp !== 'Localhost' ? ['seccompProfile Localhost'] : []),
    ...(after.appArmor === 'Unconfined' && before.appArmor !== 'Unconfined' ? ['appArmorProfile'] : []),
    ...(before.appArmor === 'Localhost' && after.appArmor !== 'Localhost'
      ? ['appArmorProfile Localhost']
      : []),
    ...(before.appArmor === 'RuntimeDefault' && after.appArmor === undefined
      ? ['appArmorProfile unset']
      : []),
    ...(after.procMount !== 'Default' && before.procMount === 'Default' ? ['procMount'] : []),
    ...(before.pull === 'Always' && after.pull !== 'Always' ? ['imagePullPolicy'] : []),
    ...before.limits.filter((name) => !after.limits.includes(name)).map((name) => `limit ${name}`),
    ...gained.map((name) => `capability ${name}`),
  ];
}
