import type { Json } from '../apiValidation/json.js';
import { distinct, freeFormMap, type Tape } from './tape.js';

/** Keys of maps in which everything goes (volumeAttributes, flexVolume options). */
const ODD_KEYS = ['a/b~c', '__proto__', 'constructor', '~1', '~0~', 'prototype', 'x y'];

/** As the engine names its volumes: an author's volume of that name is what it has to avoid. */
function engineVolumeName(container: string, path: string): string {
  let hash = 0x811c9dc5;
  for (const char of `${container} ${path}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  const words = path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `kube-harden-${words}-${(hash >>> 0).toString(16).padStart(8, '0')}`;
}

export const VOLUME_NAMES = [
  'data',
  'tmp',
  engineVolumeName('app', '/tmp'),
  `${engineVolumeName('app', '/tmp')}-2`,
  engineVolumeName('web', '/tmp'),
  engineVolumeName('constructor', '/tmp'),
  'constructor',
  'v'.repeat(63),
  'config',
] as const;

interface Volumes {
  readonly declared: Json[];
  readonly mountable: { name: string; paths: readonly [string, ...string[]] }[];
  readonly devices: string[];
}

type VolumeShape = (t: Tape) => { source: Json; paths: readonly [string, ...string[]]; device?: true };

const VOLUME_SHAPES: readonly [VolumeShape, ...VolumeShape[]] = [
  (t) => ({
    source: {
      emptyDir: t.pick([{}, { sizeLimit: '0.5Gi' }, { medium: 'Memory', sizeLimit: 1000000 }] as const),
    },
    paths: ['/cache', '/tmp/', '//tmp', '/tmp/../tmp', '/'],
  }),
  () => ({ source: { emptyDir: {} }, paths: ['/tmp', '/tmp/', '/var/tmp', '/tmp/sub', '/var/run'] }),
  () => ({ source: {}, paths: ['/implicit'] }),
  () => ({
    source: { configMap: { name: 'settings', defaultMode: 256 } },
    paths: ['/etc/app', '/tmp/config'],
  }),
  () => ({ source: { secret: { secretName: 'keys' } }, paths: ['/etc/keys'] }),
  () => ({
    source: { persistentVolumeClaim: { claimName: 'data-0' } },
    paths: ['/var/lib/data', '/data', '/var/lib/postgresql/data'],
  }),
  () => ({
    source: { persistentVolumeClaim: { claimName: 'raw-0' } },
    paths: ['/dev/xvda', '/tmp'],
    device: true,
  }),
  (t) => ({
    source: {
      hostPath: {
        path: t.pick(HOST_PATHS),
        ...(t.chance(0.5) && { type: t.pick(['', 'Directory', 'Socket', 'File', 'CharDevice'] as const) }),
      },
    },
    paths: ['/host', '/var/run/docker.sock', '/etc/localtime'],
  }),
  (t) => ({
    source: { hostPath: { path: t.pick(HOST_PATHS), type: null } },
    paths: ['/host2', '/host//var/'],
  }),
  (t) => ({
    source: { flexVolume: { driver: 'acme/nfs', options: freeFormMap(t, ODD_KEYS) } },
    paths: ['/flex'],
  }),
  (t) => ({
    source: { csi: { driver: 'secrets-store.csi.k8s.io', volumeAttributes: freeFormMap(t, ODD_KEYS) } },
    paths: ['/csi'],
  }),
  () => ({
    source: {
      projected: {
        sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 600, audience: 'vault' } }],
      },
    },
    paths: ['/var/run/secrets/tokens', '/var/run/secrets/kubernetes.io/serviceaccount/'],
  }),
  () => ({
    source: {
      ephemeral: {
        volumeClaimTemplate: {
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      },
    },
    paths: ['/scratch'],
  }),
  () => ({
    source: { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    paths: ['/etc/podinfo'],
  }),
  (t) => ({
    source: {
      image: {
        reference: 'registry.example/models/small:3',
        ...(t.chance(0.5) && { pullPolicy: t.pick(['IfNotPresent', 'Always', 'Never'] as const) }),
      },
    },
    paths: ['/models'],
  }),
  () => ({ source: { nfs: { server: 'nfs.example', path: '/' } }, paths: ['/mnt/nfs'] }),
];

/** No `..`: the API refuses it in a hostPath (not in a mountPath). */
const HOST_PATHS = [
  '/var/log',
  '/var/run/docker.sock',
  '//var//run/',
  '/',
  '/run/containerd/containerd.sock',
  '/etc/./',
  '/etc/localtime',
  '/opt/data/',
  '/var/lib/kubelet',
] as const;

export function podVolumes(t: Tape, claims: readonly string[], hostUsers: boolean): Volumes {
  const volumes: Volumes = { declared: [], mountable: [], devices: [] };
  for (const name of claims)
    volumes.mountable.push({ name, paths: ['/var/lib/data', '/data', '/var/lib/postgresql/data', '/tmp'] });
  const names = distinct(t, VOLUME_NAMES, t.chance(0.75) ? 1 + t.upTo(4) : 0).filter(
    (name) => !claims.includes(name),
  );
  for (const name of names) {
    const { source, paths, device } = t.pick(VOLUME_SHAPES)(t);
    volumes.declared.push({ name, ...source });
    if (device === true && hostUsers && t.chance(0.7)) volumes.devices.push(name);
    else volumes.mountable.push({ name, paths });
  }
  // The author's own token volume, which the ServiceAccount plugin takes for its own by its name.
  if (t.chance(0.15)) {
    const name = t.pick([
      'kube-api-access-custom',
      'kube-api-access',
      'kube-api-access-'.padEnd(30, 'z'),
    ] as const);
    volumes.declared.push({
      name,
      projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'vault' } }] },
    });
    volumes.mountable.push({
      name,
      paths: ['/var/run/secrets/vault', '/var/run/secrets/kubernetes.io/serviceaccount'],
    });
  }
  return volumes;
}

export function mount(t: Tape, container: Json, volumes: Volumes, privileged: boolean): void {
  const taken = new Set<string>();
  const mounts: Json[] = [];
  for (const { name, paths } of t.some(volumes.mountable, 0.7)) {
    const mountPath = t.pick(paths);
    if (taken.has(mountPath)) continue;
    taken.add(mountPath);
    const result: Json = { name, mountPath };
    if (t.chance(0.25)) result.readOnly = t.pick([true, false, null] as const);
    if (t.chance(0.15)) result.subPath = 'sub/dir';
    if (t.chance(0.35))
      result.mountPropagation = t.pick(
        privileged ? ['Bidirectional', 'HostToContainer'] : ['HostToContainer', 'None'],
      );
    mounts.push(result);
  }
  if (mounts.length > 0) container.volumeMounts = mounts;
  else if (t.chance(0.1)) container.volumeMounts = t.pick([null, []] as const);
  const devices: Json[] = [];
  for (const name of t.some(volumes.devices, 0.9)) {
    const devicePath = t.pick(['/dev/xvda', '/dev/xvdb', '/tmp'] as const);
    if (taken.has(devicePath)) continue;
    taken.add(devicePath);
    devices.push({ name, devicePath });
  }
  if (devices.length > 0) container.volumeDevices = devices;
}
