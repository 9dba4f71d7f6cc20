import { BoundedMap } from '../boundedMap.js';
import type { ContainerDraft } from '../containerDraft.js';
import type { PodDraft } from '../podDraft.js';
import type { Rule, SkipCode } from '../rule.js';
import { cleanPath, isAtOrBelow } from '../volumes.js';
import type { Settings } from './readOnlyRootFilesystem.settings.js';

const FIELD = ['securityContext', 'readOnlyRootFilesystem'];

/**
 * Makes the container's own file system read-only, and keeps what programs write to writable: each such path gets an
 * emptyDir, one per container, since two containers sharing one /tmp would be a new leak.
 *
 * Only where this rule writes the field: beside an author's `true` the program has what it needs already.
 * An emptyDir over its sizeLimit evicts the whole pod, so the default is generous.
 */
export const readOnlyRootFilesystem: Rule<Settings> = {
  id: 'readOnlyRootFilesystem',
  title: 'The root file system is read-only',
  reason: 'An intruder cannot change the program, leave a tool behind, or fill the node through the image.',
  risk: 'high',
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: '`true`, and an emptyDir at each writable path that nothing is mounted at or above',
    Override: 'explicit `false`',
  },
  fields: [
    'spec.containers[*].securityContext.readOnlyRootFilesystem',
    'spec.initContainers[*].securityContext.readOnlyRootFilesystem',
    'spec.containers[*].volumeMounts[]',
    'spec.initContainers[*].volumeMounts[]',
    'spec.volumes[]',
  ],

  apply(pod, settings) {
    let taken: TakenNames | undefined;
    for (const container of pod.containers) {
      const value = container.securityContext('readOnlyRootFilesystem');
      if (value === true) continue;
      const obstacle = obstacleOf(container);
      if (obstacle) {
        if (value === false && obstacle === 'PrivilegedContainer' && pod.stance(container).denies)
          pod.report(container, FIELD, false, obstacle);
        else pod.skip(obstacle, container);
        continue;
      }
      const written =
        value === false ? pod.replace(container, FIELD, false, true) : pod.fill(container, FIELD, true);
      if (!written) continue;
      taken ??= takenNames(pod);
      mountWritablePaths(pod, container, settings, taken);
    }
  },
};

function obstacleOf(container: ContainerDraft): SkipCode | undefined {
  // No volume can be added on pods/ephemeralcontainers, and a debug container needs to write.
  if (container.isEphemeral) return 'EphemeralContainer';
  if (container.isPrivileged) return 'PrivilegedContainer';
  return container.needs('writableRoot') ? 'ImageNeeds' : undefined;
}

function mountWritablePaths(
  pod: PodDraft,
  container: ContainerDraft,
  settings: Settings,
  taken: TakenNames,
): void {
  const profile = container.profile?.profile;
  const sizeLimit = profile?.sizeLimit ?? settings.sizeLimit;
  // Parents first, so that a path below another writable one needs no emptyDir of its own.
  const paths = profile?.writablePaths
    ? [...settings.writablePaths, ...profile.writablePaths].map(cleanPath).sort()
    : settings.writablePaths;
  const mounted: string[] = [];
  for (const mount of container.spec.volumeMounts ?? []) mounted.push(realPath(mount.mountPath));
  for (const device of container.spec.volumeDevices ?? []) mounted.push(realPath(device.devicePath));
  const dataPaths = profile?.dataPaths?.map(realPath);

  for (const path of paths) {
    const place = realPath(path);
    if (mounted.some((mount) => isAtOrBelow(place, mount))) continue;
    const data = dataPaths && coveredData(place, dataPaths, mounted);
    if (data !== undefined) {
      pod.skip('ImageNeeds', container, `no emptyDir at ${path}: the image keeps data at ${data}`);
      continue;
    }
    mounted.push(place);
    const name = volumeName(container.ref.name, path, taken);
    pod.write(container, ['volumeMounts', '-'], undefined, { name, mountPath: path });
    pod.write(container, VOLUME, undefined, { name, emptyDir: { sizeLimit } });
  }
}

/**
 * Where a path leads: in nearly every image /var/run is a link to /run, and of two mounts at one place the second hides
 * the first.
 */
function realPath(path = ''): string {
  const clean = cleanPath(path);
  return clean.startsWith('/var/run') && isAtOrBelow(clean, '/var/run') ? clean.slice('/var'.length) : clean;
}

/** The data of the image that an emptyDir at the place would hide; what is mounted itself is not hidden. */
function coveredData(
  place: string,
  dataPaths: readonly string[],
  mounted: readonly string[],
): string | undefined {
  return dataPaths.find(
    (data) =>
      isAtOrBelow(place, data) ||
      (isAtOrBelow(data, place) && !mounted.some((mount) => isAtOrBelow(data, mount))),
  );
}

const VOLUME = ['spec', 'volumes', '-'];

/** Names of volumes, each with the last number that was tried after it. */
type TakenNames = Map<string, number>;

function takenNames(pod: PodDraft): TakenNames {
  const taken: TakenNames = new Map();
  for (const name of pod.input.reservedVolumeNames ?? []) taken.set(name, 1);
  for (const volume of pod.spec.volumes ?? []) if (volume.name !== undefined) taken.set(volume.name, 1);
  return taken;
}

/** A DNS label of at most 63 characters that says what it is, is the same in every run, and clashes with none. */
function volumeName(container: string, path: string, taken: TakenNames): string {
  const name = nameFor(`${container} ${path}`, path);
  // Counting goes on where it stopped: thousands of containers of one name must not cost its square.
  let last = taken.get(name) ?? 0;
  let free = name;
  while (taken.has(free)) free = `${name}-${++last}`;
  taken.set(free, 1);
  if (free !== name) taken.set(name, last);
  return free;
}

/** The same few containers are made again and again. Bounded in number and length: their names come from pod authors. */
const names = new BoundedMap<string, string>(4096);
const KEY_MAX = 256;

function nameFor(key: string, path: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const words = path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 30)
    .replace(/^-+|-+$/g, '');
  const name = `kube-harden-${words}-${fingerprint(key)}`;
  if (key.length > KEY_MAX) return name;
  names.set(key, name);
  return name;
}

/** FNV-1a, 32 bits: enough to tell a pod's containers and paths apart, and clashes are counted up. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
