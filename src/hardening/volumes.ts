import type { Container, Volume, VolumeMount } from './podSpec.js';

// Made with the pod and gone with it, or not writable by it: no foreign data to lock a new uid out of.
const PASSING_SOURCES = [
  'emptyDir',
  'configMap',
  'secret',
  'downwardAPI',
  'projected',
  'image',
  'ephemeral',
  'gitRepo',
];

/** hostPath types that are one file, socket or device and not a data directory. */
const HOST_FILE_TYPES = ['File', 'FileOrCreate', 'Socket', 'CharDevice', 'BlockDevice'];

type VolumeNamed = (name: string | undefined) => Volume | undefined;

/** Whether a container has, writable, a volume that outlives the pod: a foreign uid cannot read the data there. */
export function mountsLastingVolume(container: Container, volumeNamed: VolumeNamed): boolean {
  if ((container.volumeDevices ?? []).length > 0) return true;
  return (container.volumeMounts ?? []).some((mount) => isLasting(mount, volumeNamed));
}

/** Where a container has mounted, writable, a volume that outlives the pod; cleaned paths. */
export function lastingMounts(container: Container, volumeNamed: VolumeNamed): string[] {
  return (container.volumeMounts ?? [])
    .filter((mount) => isLasting(mount, volumeNamed))
    .map(({ mountPath = '' }) => cleanPath(mountPath));
}

function isLasting({ name, readOnly }: VolumeMount, volumeNamed: VolumeNamed): boolean {
  if (readOnly === true) return false;
  const volume = volumeNamed(name);
  // A volume that is not in the pod comes from a StatefulSet's volumeClaimTemplates.
  return volume === undefined || outlivesPod(volume);
}

function outlivesPod(volume: Volume): boolean {
  const hostPath = volume.hostPath;
  if (hostPath) {
    return (
      !HOST_FILE_TYPES.includes(hostPath.type ?? '') && cleanPath(hostPath.path ?? '') !== '/etc/localtime'
    );
  }
  const sources = Object.keys(volume).filter((key) => key !== 'name' && volume[key] != null);
  // No source at all: the API server makes it an emptyDir.
  return sources.some((source) => !PASSING_SOURCES.includes(source));
}

/** As Go's path.Clean for an absolute path: `//etc/../etc/` is `/etc`. Windows separators are left alone. */
export function cleanPath(path: string): string {
  // Most paths are clean already: no empty, `.` or `..` component, no trailing slash.
  const isClean = path.startsWith('/') && !path.endsWith('/') && !path.includes('//') && !path.includes('/.');
  if (isClean) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether `path` is `ancestor` or lies below it; both cleaned. Compared by component: /etcetera is not below /etc. */
export function isAtOrBelow(path: string, ancestor: string): boolean {
  return ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`);
}
