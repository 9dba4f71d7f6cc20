import type { Container, PodSpec, Volume } from '../hardening/podSpec.js';
import { lastingMounts } from '../hardening/volumes.js';

/** A volume of the original that its copy does not have. */
export interface LeftOutVolume {
  readonly volume: string;
  /** What it was: `persistentVolumeClaim data-web-0`. */
  readonly was: string;
  /** An empty directory stands in its place, or nothing: a directory cannot stand for a file or a raw device. */
  readonly now: 'emptyDir' | 'nothing';
  /** Where containers had it, as mounted or as a device. */
  readonly at: readonly string[];
}

/**
 * Sources that hold nothing of the original's: made with each pod and gone with it, or given to each pod alike and read
 * only. All others are left out, so also one that Kubernetes has yet to invent.
 */
const KEPT_SOURCES: readonly string[] = [
  'emptyDir',
  'configMap',
  'secret',
  'downwardAPI',
  'projected',
  'image',
];

/**
 * The pod without any volume that outlives it: never a byte of the original's data, and never its files on the node.
 *
 * @param claims names of volumes that a StatefulSet's volumeClaimTemplates would give the pod
 * @returns the spec, which shares what is not changed with the one given, and what was left out
 */
export function withoutLastingVolumes(
  spec: PodSpec,
  claims: readonly string[],
): { readonly spec: PodSpec; readonly leftOut: readonly LeftOutVolume[] } {
  const own = spec.volumes ?? [];
  const fromClaims = claims
    .filter((claim) => !own.some(({ name }) => name === claim))
    .map((name): Volume => ({
      name,
      persistentVolumeClaim: { claimName: `${name} of volumeClaimTemplates` },
    }));
  const volumes = [...own, ...fromClaims];
  const leftOut = volumes.filter((volume) => !isKept(volume)).map((volume) => leaveOut(volume, spec));
  const now = new Map(leftOut.map((volume) => [volume.volume, volume.now]));
  const kept = volumes.flatMap((volume): Volume[] => {
    const instead = now.get(volume.name ?? '');
    if (instead === undefined) return [volume];
    return instead === 'nothing' ? [] : [{ name: volume.name ?? '', emptyDir: {} }];
  });
  const without = (container: Container): Container => withoutMounts(container, now);
  return {
    spec: {
      ...spec,
      ...((own.length > 0 || kept.length > 0) && { volumes: kept }),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(without) }),
      ...(spec.containers && { containers: spec.containers.map(without) }),
    },
    leftOut,
  };
}

function isKept(volume: Volume): boolean {
  return sourcesOf(volume).every((source) => KEPT_SOURCES.includes(source));
}

function sourcesOf(volume: Volume): string[] {
  return Object.keys(volume).filter((key) => key !== 'name' && volume[key] != null);
}

function leaveOut(volume: Volume, spec: PodSpec): LeftOutVolume {
  const name = volume.name ?? '';
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const mounts = containers
    .flatMap(({ volumeMounts }) => volumeMounts ?? [])
    .filter((mount) => mount.name === name);
  const devices = containers
    .flatMap(({ volumeDevices }) => volumeDevices ?? [])
    .filter((device) => device.name === name);
  const at = [
    ...mounts.map(({ mountPath = '' }) => mountPath),
    ...devices.map(({ devicePath = '' }) => devicePath),
  ];
  const isNothing = isHostFile(volume) || mounts.length === 0;
  return {
    volume: name,
    was: shownSource(volume),
    now: isNothing ? 'nothing' : 'emptyDir',
    at: [...new Set(at)],
  };
}

/** A mount of a directory where the image has a file makes a container fail for a reason that is only ours. */
function isHostFile(volume: Volume): boolean {
  if (!volume.hostPath) return false;
  const isSocket = (volume.hostPath.path ?? '').endsWith('.sock');
  const container = { volumeMounts: [{ name: 'any', mountPath: '/any' }] };
  return isSocket || lastingMounts(container, () => volume).length === 0;
}

function withoutMounts(container: Container, now: ReadonlyMap<string, LeftOutVolume['now']>): Container {
  const { volumeMounts, volumeDevices, ...rest } = container;
  const mounts = volumeMounts?.filter(({ name }) => now.get(name ?? '') !== 'nothing');
  const devices = volumeDevices?.filter(({ name }) => !now.has(name ?? ''));
  return {
    ...rest,
    ...(mounts && { volumeMounts: mounts }),
    ...(devices && devices.length > 0 && { volumeDevices: devices }),
  };
}

/** @example `hostPath /var/log`, `persistentVolumeClaim data`, `nfs` */
function shownSource(volume: Volume): string {
  const [source = 'volume'] = sourcesOf(volume).filter((key) => !KEPT_SOURCES.includes(key));
  const { path, claimName, driver } = (volume[source] ?? {}) as Record<string, unknown>;
  const which = [source === 'hostPath' ? path : undefined, claimName, driver].find(
    (value) => typeof value === 'string',
  );
  return which === undefined ? source : `${source} ${which}`;
}
