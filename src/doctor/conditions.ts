import { capabilityName } from '../hardening/capabilityNames.js';
import type { RuleId } from '../hardening/rule.js';
import { isAtOrBelow } from '../hardening/volumes.js';
import type { PodFacts } from './facts.js';
import { lacks, mountOf, type ContainerView, type PodView } from './podView.js';
import type { Condition, NamedCondition } from './signature.js';
import type { Written } from './written.js';

/** A text in which a signature was found, and what it names. */
export interface Sighting {
  readonly pod: PodView;
  readonly facts: PodFacts;
  readonly written: readonly Written[];
  /** Absent where the pod as a whole is meant. */
  readonly container: ContainerView | undefined;
  readonly text: string;
  /** What the signature's pattern has in its first brackets. */
  readonly named: string | undefined;
  readonly path: string | undefined;
  readonly port: number | undefined;
}

/** Whether something holds of a sighting. */
export function isMet(condition: Condition, sighting: Sighting): boolean {
  if (condition.startsWith('lacks:')) {
    const names = condition.slice('lacks:'.length).split('|');
    const { container } = sighting;
    return container === undefined || names.some((name) => lacks(container, name));
  }
  return CONDITIONS[condition as NamedCondition](sighting);
}

type Test = (sighting: Sighting) => boolean;

const FIRST_UNPRIVILEGED_PORT = 1024;
const KERNEL_PATHS = ['/proc', '/sys', '/dev'];
/** Where images keep nothing. */
const TEMPORARY = ['/tmp', '/var/tmp'];

const CONDITIONS: Readonly<Record<NamedCondition, Test>> = {
  nonRoot: ({ container }) => container?.user !== 'root',
  mayBeRoot: ({ container }) => container?.user !== 'nonRoot',
  mayEscalate: ({ container }) => mayEscalate(container),
  // What it may add is of no use but to a set-uid program.
  becomesRoot: ({ container }) =>
    container?.user !== 'root' && mayEscalate(container) && addsCapability(container),
  lowPort: ({ port, container }) => {
    if (port !== undefined) return port < FIRST_UNPRIVILEGED_PORT;
    const declared = container?.spec.ports ?? [];
    return (
      declared.length === 0 ||
      declared.some(({ containerPort = 0 }) => containerPort < FIRST_UNPRIVILEGED_PORT)
    );
  },
  // A text that names no number says nothing against it.
  ourUid: ({ text, container }) => {
    const numbers: readonly string[] = text.match(/\b\d{1,10}\b/g) ?? [];
    const uid = container?.uid;
    return uid !== undefined && (numbers.includes(String(uid)) || !/\b(?:uid|id)\b\D{0,12}\d/i.test(text));
  },
  rootFilesystem: ({ path, container }) =>
    path === undefined || container === undefined || (!mountOf(container, path) && !isKernelPath(path)),
  ourVolume: (sighting) => isOnOurs(sighting),
  notOurVolume: (sighting) => !isOnOurs(sighting),
  authorVolume: (sighting) => {
    const { path, container } = sighting;
    return path !== undefined && container !== undefined && !!mountOf(container, path) && !isOnOurs(sighting);
  },
  notTemporary: ({ path }) => path !== undefined && !TEMPORARY.some((place) => isAtOrBelow(path, place)),
  kernelPath: ({ path }) => path !== undefined && isKernelPath(path),
  mountMadeReadOnly: ({ path, container, written }) => {
    const mount = path === undefined || !container ? undefined : mountOf(container, path);
    const index = mount ? (container?.spec.volumeMounts ?? []).indexOf(mount) : -1;
    return written.some(
      (field) =>
        field.rule === 'hostPath' &&
        field.container === container?.name &&
        endsWith(field, `volumeMounts[${index}].readOnly`),
    );
  },
  namedVolumeIsOurs: ({ named, written, pod }) => {
    const index = (pod.spec.volumes ?? []).findIndex(({ name }) => name === named);
    return index >= 0 && written.some(({ field }) => field === `spec.volumes[${index}]`);
  },
  allRequestsAreOurs: ({ pod, written, text }) => {
    const name = ['cpu', 'memory', 'ephemeral-storage'].find((resource) => text.includes(resource)) ?? '';
    const asking = pod.containers.filter(({ spec }) => spec.resources?.requests?.[name] !== undefined);
    return asking.every((container) =>
      written.some(
        (field) =>
          field.rule === 'resources' &&
          field.container === container.name &&
          endsWith(field, `requests.${name}`),
      ),
    );
  },
  authorSelectsNoNode: ({ facts }) => {
    const spec = (facts.author?.object.spec ?? {}) as { nodeSelector?: object; affinity?: object };
    return (
      facts.author !== undefined &&
      Object.keys(spec.nodeSelector ?? {}).length === 0 &&
      Object.keys(spec.affinity ?? {}).length === 0
    );
  },
};

/** A set-uid program that the container calls becomes root. */
function mayEscalate(container: ContainerView | undefined): boolean {
  return container?.spec.securityContext?.allowPrivilegeEscalation !== false;
}

/** Other than that for low ports, which a program's file may carry itself. */
function addsCapability(container: ContainerView | undefined): boolean {
  const added = container?.spec.securityContext?.capabilities?.add ?? [];
  return added.some((name) => capabilityName(name) !== 'NET_BIND_SERVICE');
}

function isKernelPath(path: string): boolean {
  return KERNEL_PATHS.some((place) => isAtOrBelow(path, place)) && !isAtOrBelow(path, '/dev/shm');
}

/** Whether the path lies on an emptyDir that readOnlyRootFilesystem put there. */
function isOnOurs({ path, container, written }: Sighting): boolean {
  const mount = path === undefined || !container ? undefined : mountOf(container, path);
  return (
    mount !== undefined &&
    written.some(
      ({ rule, after }) =>
        rule === 'readOnlyRootFilesystem' && (after as { name?: unknown } | null)?.name === mount.name,
    )
  );
}

/** Whether the field ends in `limits.memory`, however its last key is written (`limits["ephemeral-storage"]`). */
export function endsWith({ field }: Written, end: string): boolean {
  return field.replaceAll(/\["([^"]*)"\]/g, '.$1').endsWith(end);
}

const ON_SECURITY_CONTEXT = /^spec\.securityContext\.(\w+)$/;

/** What a rule wrote that reaches the container: its own fields, and those of the pod that it does not set itself. */
export function reaching(
  written: readonly Written[],
  rule: RuleId,
  container: ContainerView | undefined,
): Written[] {
  return written.filter((field) => {
    if (field.rule !== rule) return false;
    if (container === undefined) return true;
    if (field.container !== undefined) return field.container === container.name;
    if (field.field.startsWith('spec.volumes[')) return false;
    const name = ON_SECURITY_CONTEXT.exec(field.field)?.[1];
    const own = container.spec.securityContext as Record<string, unknown> | null | undefined;
    return name === undefined || own?.[name] == null;
  });
}
