/**
 * fast-check arbitraries for objects that the API server accepts, valid by construction, thick with the cases in which
 * hardening could go wrong. A case is drawn from a tape of bytes: a byte of 0 always takes the plainest alternative,
 * so that shrinking (which drives bytes to 0) leaves the one exotic thing that matters.
 */
import fc from 'fast-check';
import type { Json } from './apiValidation.js';
import { barePod, controllerPod } from './controllerPod.js';

export interface Generated {
  readonly kind: string;
  /**
   * `template`: a workload as its author wrote it; `bare`: a Pod as its author wrote it; `admitted`: that Pod as it
   * reaches admission; `owned`: the Pod that a controller sends; `ephemeral`: an update of pods/ephemeralcontainers.
   */
  readonly source: 'template' | 'bare' | 'admitted' | 'owned' | 'ephemeral';
  readonly object: Json;
  /** What the author wrote, where `object` is what became of it. */
  readonly manifest?: Json;
  /** The Pod before an `ephemeral` update. */
  readonly old?: Json;
}

export const TEMPLATE_KINDS = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'PodTemplate',
] as const;
type TemplateKind = (typeof TEMPLATE_KINDS)[number];

/** Decisions, one byte each. Past its end a tape says 0 for ever. */
class Tape {
  private next = 0;
  constructor(private readonly bytes: Uint8Array) {}

  private byte(): number {
    return this.bytes[this.next++] ?? 0;
  }

  chance(probability: number): boolean {
    return this.byte() >= 256 * (1 - probability);
  }

  pick<const L extends readonly [unknown, ...unknown[]]>(choices: L): L[number] {
    return choices[Math.floor((this.byte() * choices.length) / 256)];
  }

  /** Some of the choices, in their order. */
  some<T>(choices: readonly T[], probability: number): T[] {
    return choices.filter(() => this.chance(probability));
  }

  upTo(max: number): number {
    return Math.floor((this.byte() * (max + 1)) / 256);
  }
}

const TAPE_LENGTH = 700;
const tape = fc
  .noBias(fc.uint8Array({ minLength: TAPE_LENGTH, maxLength: TAPE_LENGTH }))
  .map((bytes) => new Tape(bytes));

/** Pods as their authors write them: nulls, odd quantities and all. */
export const barePodManifest: fc.Arbitrary<Generated> = tape.map((t) => {
  const manifest = podManifest(t);
  return { kind: 'Pod', source: 'bare', object: manifest };
});

/** The same as they reach admission. */
export const admittedPod: fc.Arbitrary<Generated> = tape.map(admitted);

/** Pods that a controller owns, DaemonSets among them. */
export const ownedPod: fc.Arbitrary<Generated> = tape.map(owned);

/** All eight kinds with a template. */
export const templateObject: fc.Arbitrary<Generated> = tape.map((t) => template(t, t.pick(TEMPLATE_KINDS)));

/** Updates of pods/ephemeralcontainers. */
export const ephemeralUpdate: fc.Arbitrary<Generated> = tape.map(ephemeral);

/** Everything above, in the proportions in which it is easy to go wrong. */
export const workload: fc.Arbitrary<Generated> = tape.map((t) => {
  const source = t.pick([
    'template',
    'template',
    'template',
    'admitted',
    'admitted',
    'bare',
    'owned',
    'owned',
    'ephemeral',
  ] as const);
  switch (source) {
    case 'template':
      return template(t, t.pick([...TEMPLATE_KINDS, 'StatefulSet', 'PodTemplate']));
    case 'bare':
      return { kind: 'Pod', source: 'bare', object: podManifest(t) };
    case 'admitted':
      return admitted(t);
    case 'owned':
      return owned(t);
    case 'ephemeral':
      return ephemeral(t);
  }
});

function admitted(t: Tape): Generated {
  const manifest = podManifest(t);
  return { kind: 'Pod', source: 'admitted', object: barePod(manifest), manifest };
}

function owned(t: Tape): Generated {
  const kind = t.pick([
    'Deployment',
    'DaemonSet',
    'StatefulSet',
    'Job',
    'DaemonSet',
    'ReplicaSet',
    'CronJob',
    'ReplicationController',
  ] as const);
  const manifest = template(t, kind).object;
  return { kind: 'Pod', source: 'owned', object: controllerPod(manifest), manifest };
}

function ephemeral(t: Tape): Generated {
  const before = (t.chance(0.5) ? owned(t) : admitted(t)).object;
  const spec = before.spec as Json;
  const debug = (i: number): Json => ({
    name: `debugger-${i}`,
    image: t.pick(IMAGES),
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    ...(t.chance(0.6) ? { stdin: true, tty: true } : {}),
    ...(t.chance(0.4) ? { targetContainerName: firstContainer(spec).name } : {}),
    ...(t.chance(0.6) ? { securityContext: withoutNulls(securityContext(t, traits(spec))) } : {}),
  });
  const existing = t.chance(0.5) ? [debug(0)] : [];
  const added = [debug(1), ...(t.chance(0.3) ? [debug(2)] : [])];
  const withContainers = (containers: Json[]): Json => ({
    ...before,
    metadata: { ...(before.metadata as Json), name: 'live', uid: '5b9a4b1e', resourceVersion: '42' },
    spec: {
      ...spec,
      nodeName: 'node-1',
      ...(containers.length === 0 ? {} : { ephemeralContainers: containers }),
    },
    status: { phase: 'Running' },
  });
  return {
    kind: 'Pod',
    source: 'ephemeral',
    object: withContainers([...existing, ...added]),
    old: withContainers(existing),
  };
}

const firstContainer = (spec: Json): Json => (spec.containers as Json[])[0] ?? {};

// ---------------------------------------------------------------------------------------------------------------------
// Objects

function podManifest(t: Tape): Json {
  const { metadata, spec } = podParts(t, { claims: [], restartPolicies: ['Always', 'OnFailure', 'Never'] });
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', ...metadata }, spec };
}

function template(t: Tape, kind: TemplateKind): Generated {
  const claims = kind === 'StatefulSet' ? distinct(t, [...VOLUME_NAMES, 'www'], 1 + t.upTo(2)) : [];
  const jobLike = kind === 'Job' || kind === 'CronJob';
  const { metadata, spec } = podParts(t, {
    claims,
    restartPolicies: jobLike ? ['OnFailure', 'Never'] : ['Always'],
  });
  const podTemplate = {
    metadata: { ...metadata, labels: { ...(metadata.labels as Json | null), app: 'demo' } },
    spec,
  };
  const meta = { name: 'demo', namespace: 'team-a' };
  const selector = { matchLabels: { app: 'demo' } };
  const apps = { apiVersion: 'apps/v1', kind, metadata: meta };
  const object = ((): Json => {
    switch (kind) {
      case 'Deployment':
      case 'DaemonSet':
      case 'ReplicaSet':
        return { ...apps, spec: { selector, template: podTemplate } };
      case 'StatefulSet':
        return {
          ...apps,
          spec: {
            serviceName: 'demo',
            selector,
            template: podTemplate,
            volumeClaimTemplates: claims.map((name) => ({
              metadata: { name },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            })),
          },
        };
      case 'ReplicationController':
        return {
          apiVersion: 'v1',
          kind,
          metadata: meta,
          spec: { selector: { app: 'demo' }, template: podTemplate },
        };
      case 'Job':
        return { apiVersion: 'batch/v1', kind, metadata: meta, spec: { template: podTemplate } };
      case 'CronJob':
        return {
          apiVersion: 'batch/v1',
          kind,
          metadata: meta,
          spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: podTemplate } } },
        };
      case 'PodTemplate':
        return { apiVersion: 'v1', kind, metadata: meta, template: podTemplate };
    }
  })();
  return { kind, source: 'template', object };
}

// ---------------------------------------------------------------------------------------------------------------------
// The pod

/** What a pod's other fields depend on. */
interface Traits {
  /** `spec.os` is windows: the API forbids every Linux field. */
  readonly linuxFields: boolean;
  readonly windows: 'no' | 'os' | 'nodeSelector' | 'affinity' | 'hostProcess' | 'linux';
  readonly hostNetwork: boolean;
  readonly hostUsers: boolean;
}

const traits = (spec: Json): Traits => ({
  linuxFields: (spec.os as Json | undefined)?.name !== 'windows',
  windows: (spec.os as Json | undefined)?.name === 'linux' ? 'linux' : 'no',
  hostNetwork: spec.hostNetwork === true,
  hostUsers: spec.hostUsers !== false,
});

interface Wishes {
  readonly claims: readonly string[];
  readonly restartPolicies: readonly [string, ...string[]];
}

function podParts(t: Tape, wishes: Wishes): { metadata: Json; spec: Json } {
  const windows = t.chance(0.32)
    ? t.pick(['os', 'nodeSelector', 'affinity', 'hostProcess', 'linux'] as const)
    : 'no';
  const linuxFields = windows !== 'os';
  const hostNetwork = windows === 'hostProcess' || t.chance(0.15);
  const hostPID = linuxFields && t.chance(0.08);
  const hostIPC = linuxFields && t.chance(0.08);
  const hostUsers = !(linuxFields && !hostNetwork && !hostPID && !hostIPC && t.chance(0.2));
  const pod: Traits = { linuxFields, windows, hostNetwork, hostUsers };

  const volumes = podVolumes(t, wishes.claims, hostUsers);
  const levels = linuxFields && t.chance(0.2) ? t.pick([PLENTY, LITTLE, REQUESTS_ONLY] as const) : undefined;
  const ports = new Set<number>();
  const names = distinct(t, CONTAINER_NAMES, 6);
  const container = (): Json => {
    const result: Json = { name: names.shift() ?? 'last', image: t.pick(IMAGES) };
    const context = t.chance(0.75) ? securityContext(t, pod) : undefined;
    if (context !== undefined) result.securityContext = context;
    else if (t.chance(0.15)) result.securityContext = null;
    const wanted = levels === LITTLE ? undefined : resources(t, levels !== undefined);
    if (wanted !== undefined) result.resources = wanted;
    mount(t, result, volumes, context?.privileged === true);
    if (t.chance(0.35)) result.ports = containerPorts(t, ports, hostNetwork);
    if (t.chance(0.2))
      result.command = t.pick([['sleep', '1d'], ['sh', '-c', '/usr/sbin/sshd -D'], ['dropbear']] as const);
    if (t.chance(0.1))
      result.env = [
        { name: '__proto__', value: '~/x' },
        { name: 'A~B', value: 'y' },
      ];
    return result;
  };
  const containers = Array.from({ length: 1 + t.upTo(2) }, container);
  const initContainers = Array.from({ length: t.chance(0.45) ? 1 + t.upTo(1) : 0 }, () => {
    const init = container();
    if (t.chance(0.5)) init.restartPolicy = 'Always';
    return init;
  });

  const spec: Json = { containers };
  if (initContainers.length > 0) spec.initContainers = initContainers;
  else if (t.chance(0.1)) spec.initContainers = null;
  if (wishes.restartPolicies[0] !== 'Always' || t.chance(0.2))
    spec.restartPolicy = t.pick(wishes.restartPolicies);
  if (volumes.declared.length > 0) spec.volumes = volumes.declared;
  else if (t.chance(0.2)) spec.volumes = null;
  if (windows === 'os') spec.os = { name: 'windows' };
  if (windows === 'linux') spec.os = { name: 'linux' };
  if (hostNetwork) spec.hostNetwork = true;
  else if (t.chance(0.1)) spec.hostNetwork = false;
  if (hostPID) spec.hostPID = true;
  if (hostIPC) spec.hostIPC = true;
  if (!hostUsers) spec.hostUsers = false;
  if (levels !== undefined) spec.resources = { ...levels };
  if (t.chance(0.2)) spec.automountServiceAccountToken = t.pick([true, false] as const);
  if (t.chance(0.2)) spec.serviceAccountName = 'runner';
  const context = podSecurityContext(t, pod, hostIPC);
  if (context !== undefined) spec.securityContext = context;
  scheduling(t, spec, windows);
  const metadata: Json = {};
  const labels = t.chance(0.4) ? freeFormMap(t, LABELS) : undefined;
  if (labels !== undefined) metadata.labels = labels;
  const annotations = podAnnotations(t, spec, [...initContainers, ...containers]);
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else if (t.chance(0.1)) metadata.annotations = null;
  return { metadata, spec };
}

const CONTAINER_NAMES = [
  'app',
  'constructor',
  'web',
  'istio-proxy',
  'a'.repeat(63),
  'main',
  'x',
  'to-string',
] as const;

const IMAGES: readonly [string, ...string[]] = [
  'nginx',
  'docker.io/library/postgres:16',
  `registry.example:5000/a/b@sha256:${'0123456789abcdef'.repeat(4)}`,
  'bitnami/nginx:1.27',
  'mirror.example/library/redis:7.4',
  'ghcr.io/acme/api:v1.2.3',
  'redis:latest',
  'httpd:2.4',
  'memcached:1.6-alpine',
  'haproxytech/haproxy',
  'linuxserver/openssh-server',
  'registry.example:5000/app',
];

const LABELS = ['example.com/team', 'constructor', 'app.kubernetes.io/name', 'toString', 'a.b_c-d'] as const;

/** Keys of maps in which everything goes (volumeAttributes, flexVolume options). */
const ODD_KEYS = ['a/b~c', '__proto__', 'constructor', '~1', '~0~', 'prototype', 'x y'];

/** Through JSON.parse: in a literal `__proto__` would set the prototype instead of a key. */
function freeFormMap(t: Tape, keys: readonly string[]): Json {
  const entries = t.some(keys, 0.5).map((key) => `${JSON.stringify(key)}:"v"`);
  return JSON.parse(`{${entries.join(',')}}`) as Json;
}

function distinct(t: Tape, choices: readonly string[], count: number): string[] {
  const left = [...choices];
  return Array.from(
    { length: Math.min(count, left.length) },
    () => left.splice(t.upTo(left.length - 1), 1)[0] ?? 'none',
  );
}

// ---------------------------------------------------------------------------------------------------------------------
// Security contexts

const CAPABILITIES_ADDED: readonly [string[], ...string[][]] = [
  ['NET_BIND_SERVICE'],
  ['CAP_NET_ADMIN'],
  ['net_raw', 'CHOWN'],
  ['ALL'],
  ['SYS_ADMIN'],
  ['CAP_SYS_ADMIN'],
  ['SYS_PTRACE', 'KILL'],
  ['all'],
  ['CAP_NET_BIND_SERVICE'],
];
const CAPABILITIES_DROPPED: readonly [string[] | null, ...(string[] | null)[]] = [
  ['ALL'],
  ['all'],
  ['All'],
  ['NET_RAW'],
  ['CAP_CHOWN', 'KILL'],
  ['KILL', 'ALL'],
  ['all', 'net_raw'],
  [],
  null,
  ['CAP_ALL'],
];
const SECCOMP: readonly [Json, ...Json[]] = [
  { type: 'RuntimeDefault' },
  { type: 'Unconfined' },
  { type: 'Localhost', localhostProfile: 'profiles/x.json' },
];
const USERS = [0, 1000, 0, 10001, 65534, 2147483647] as const;

function securityContext(t: Tape, pod: Traits): Json {
  const context: Json = {};
  const set = (key: string, probability: number, value: () => unknown): void => {
    if (t.chance(probability)) context[key] = value();
  };
  if (!pod.linuxFields) {
    set('runAsNonRoot', 0.4, () => t.pick([true, false] as const));
    set('windowsOptions', 0.4, () => ({ runAsUserName: t.pick(WINDOWS_USERS) }));
    return context;
  }
  if (t.chance(0.2)) return strongSecurityContext();
  set('privileged', 0.25, () => t.pick([true, true, false, null] as const));
  set('runAsUser', 0.35, () => t.pick([...USERS, null] as const));
  set('runAsGroup', 0.2, () => t.pick([0, 3000, null] as const));
  set('runAsNonRoot', 0.35, () => t.pick([true, false, null] as const));
  set('readOnlyRootFilesystem', 0.25, () => t.pick([true, false, null] as const));
  set('seccompProfile', 0.3, () => t.pick([...SECCOMP, null] as const));
  set('capabilities', 0.5, () => {
    const add = t.chance(0.6) ? t.pick(CAPABILITIES_ADDED) : undefined;
    const drop = t.chance(0.6) ? t.pick(CAPABILITIES_DROPPED) : undefined;
    return t.chance(0.05)
      ? null
      : { ...(add && { add: [...add] }), ...(drop !== undefined && { drop: drop && [...drop] }) };
  });
  set('allowPrivilegeEscalation', 0.4, () => {
    const added = (context.capabilities as { add?: string[] } | null | undefined)?.add ?? [];
    const mustBeTrue = context.privileged === true || added.includes('CAP_SYS_ADMIN');
    return mustBeTrue ? true : t.pick([true, false, null] as const);
  });
  set('procMount', 0.1, () => (pod.hostUsers ? 'Default' : 'Unmasked'));
  if (pod.windows === 'nodeSelector' || pod.windows === 'affinity')
    set('windowsOptions', 0.4, () => ({ runAsUserName: t.pick(WINDOWS_USERS) }));
  return context;
}

const WINDOWS_USERS = [
  'ContainerUser',
  'ContainerAdministrator',
  'containeradministrator',
  'NT AUTHORITY\\LocalService',
] as const;

const strongSecurityContext = (): Json => ({
  privileged: false,
  runAsNonRoot: true,
  runAsUser: 1000,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
});

function podSecurityContext(t: Tape, pod: Traits, hostIPC: boolean): Json | null | undefined {
  const context: Json = {};
  const set = (key: string, probability: number, value: () => unknown): void => {
    if (t.chance(probability)) context[key] = value();
  };
  if (pod.windows === 'hostProcess')
    context.windowsOptions = { hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM' };
  else if (pod.windows !== 'no' && pod.windows !== 'linux')
    set('windowsOptions', 0.4, () => ({ runAsUserName: t.pick(WINDOWS_USERS) }));
  set('runAsNonRoot', 0.2, () => t.pick([true, false] as const));
  if (pod.linuxFields) {
    set('runAsUser', 0.2, () => t.pick(USERS));
    set('runAsGroup', 0.1, () => t.pick([0, 3000] as const));
    set('fsGroup', 0.15, () => t.pick([0, 2000] as const));
    set('supplementalGroups', 0.1, () => [4000]);
    set('seccompProfile', 0.2, () => t.pick(SECCOMP));
    const sysctls = SYSCTLS.filter(
      ({ name }) => !(pod.hostNetwork && /^net[./]/.test(name)) && !(hostIPC && name.startsWith('kernel')),
    );
    set('sysctls', 0.2, () => t.some(sysctls, 0.5).map((sysctl) => ({ ...sysctl })));
  }
  if (Object.keys(context).length > 0) return context;
  return t.chance(0.2) ? t.pick([{}, null] as const) : undefined;
}

const SYSCTLS = [
  { name: 'net.ipv4.ip_unprivileged_port_start', value: '1024' },
  { name: 'net/ipv4/ip_local_port_range', value: '1024 65535' },
  { name: 'kernel.shm_rmid_forced', value: '1' },
  { name: 'net.core.somaxconn', value: '1024' },
];

// ---------------------------------------------------------------------------------------------------------------------
// Resources

type Quantity = string | number;

/** Request and limit in ascending order, in every way of writing a number. */
const PAIRS: Record<string, readonly [[Quantity, Quantity], ...[Quantity, Quantity][]]> = {
  cpu: [
    ['100m', '1'],
    ['0.5', '0.5'],
    [1, 2],
    ['1100n', '1m'],
    ['1e-1', '12e-1'],
    ['250000u', 1],
    [0, '0'],
  ],
  memory: [
    ['64Mi', '128Mi'],
    ['12e6', '256M'],
    ['1Gi', '1Gi'],
    [134217728, '1Gi'],
    ['0.5Gi', '1.5Gi'],
    ['100m', '1Ki'],
    ['+12E6', '.1G'],
  ],
  'ephemeral-storage': [['1Gi', '2Gi']],
};
const LARGE: Record<string, Quantity> = { cpu: '16', memory: '0.064Ti', 'ephemeral-storage': '100G' };

/** Pod-level: room for everything; so little that any default of ours is too much; no limits at all. */
const PLENTY = { requests: { cpu: '64', memory: '512Gi' }, limits: { cpu: '64', memory: '512Gi' } };
const LITTLE = { limits: { cpu: '10m', memory: '16Mi' } };
const REQUESTS_ONLY = { requests: { memory: '512Gi' } };

function resources(t: Tape, underPodLevel: boolean): Json | null | undefined {
  if (!t.chance(0.6))
    return t.chance(0.1) ? t.pick([{}, null, { requests: null, limits: {} }] as const) : undefined;
  const requests: Json = {};
  const limits: Json = {};
  for (const [name, pairs] of Object.entries(PAIRS)) {
    const shape = t.pick(['none', 'request', 'limit', 'both', 'both', 'large'] as const);
    const [request, limit] = t.pick(pairs);
    if (shape === 'request' || shape === 'both') requests[name] = request;
    if (shape === 'limit' || shape === 'both') limits[name] = limit;
    if (shape === 'large' && !underPodLevel) requests[name] = LARGE[name];
  }
  if (t.chance(0.08)) limits['example.com/gpu'] = requests['example.com/gpu'] = 1;
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// Volumes

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

const VOLUME_NAMES = [
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
  () => ({ source: { persistentVolumeClaim: { claimName: 'data-0' } }, paths: ['/var/lib/data', '/data'] }),
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

function podVolumes(t: Tape, claims: readonly string[], hostUsers: boolean): Volumes {
  const volumes: Volumes = { declared: [], mountable: [], devices: [] };
  for (const name of claims) volumes.mountable.push({ name, paths: ['/var/lib/data', '/data', '/tmp'] });
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

function mount(t: Tape, container: Json, volumes: Volumes, privileged: boolean): void {
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

function containerPorts(t: Tape, taken: Set<number>, hostNetwork: boolean): Json[] {
  return t.some([80, 8080, 443, 22, 53, 8443], 0.4).flatMap((containerPort) => {
    if (taken.has(containerPort)) return [];
    taken.add(containerPort);
    const hostPort = t.chance(0.15) ? { hostPort: hostNetwork ? containerPort : containerPort + 10000 } : {};
    return [
      {
        containerPort,
        ...hostPort,
        ...(t.chance(0.2) && { protocol: 'TCP' }),
        ...(t.chance(0.2) && { name: `p-${containerPort}` }),
      },
    ];
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Scheduling and annotations

function scheduling(t: Tape, spec: Json, windows: Traits['windows']): void {
  const windowsOnly = {
    key: t.pick(['kubernetes.io/os', 'beta.kubernetes.io/os'] as const),
    operator: 'In',
    values: ['windows'],
  };
  if (windows === 'nodeSelector') spec.nodeSelector = { 'kubernetes.io/os': 'windows' };
  else if (t.chance(0.3))
    spec.nodeSelector = t.chance(0.15) ? null : freeFormMap(t, ['example.com/pool', 'constructor', 'disk']);
  if (windows === 'affinity' || t.chance(0.25)) {
    const terms = Array.from({ length: 1 + t.upTo(2) }, () => {
      const expressions = t.some(EXPRESSIONS, 0.5).map((expression) => ({ ...expression }));
      return windows === 'affinity'
        ? { matchExpressions: [...expressions, windowsOnly] }
        : t.chance(0.3)
          ? {}
          : { matchExpressions: expressions };
    });
    const mixed = windows === 'no' && t.chance(0.2) ? [{ matchExpressions: [windowsOnly] }, {}] : [];
    spec.affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [...terms, ...mixed] },
        ...(t.chance(0.2) && {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }],
        }),
      },
    };
  } else if (t.chance(0.1)) {
    spec.affinity = t.pick([null, {}, { nodeAffinity: null }, { nodeAffinity: {} }] as const);
  }
  if (t.chance(0.3))
    spec.tolerations = t.chance(0.1)
      ? null
      : t.some(TOLERATIONS, 0.5).map((toleration) => ({ ...toleration }));
}

const EXPRESSIONS = [
  { key: 'example.com/pool', operator: 'In', values: ['a', 'b'] },
  { key: 'disk', operator: 'Exists' },
  { key: 'cores', operator: 'Gt', values: ['4'] },
  { key: 'kubernetes.io/os', operator: 'NotIn', values: ['windows'] },
];
const TOLERATIONS = [
  { operator: 'Exists' },
  { key: 'dedicated', operator: 'Equal', value: 'team-a', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
  { key: 'example.com/gpu', effect: 'PreferNoSchedule' },
];

const SECCOMP_ANNOTATIONS = [
  'runtime/default',
  'docker/default',
  'unconfined',
  'localhost/profiles/x.json',
  'localhost/other.json',
] as const;

function podAnnotations(t: Tape, spec: Json, containers: Json[]): Json {
  const annotations: Json = t.chance(0.35) ? freeFormMap(t, LABELS) : {};
  if (t.chance(0.25)) {
    const value = t.pick(SECCOMP_ANNOTATIONS);
    annotations['seccomp.security.alpha.kubernetes.io/pod'] = value;
    agree(spec.securityContext, value);
  }
  if (t.chance(0.25))
    for (const container of t.some(containers, 0.6)) {
      const value = t.pick(SECCOMP_ANNOTATIONS);
      annotations[`container.seccomp.security.alpha.kubernetes.io/${String(container.name)}`] = value;
      agree(container.securityContext, value);
    }
  if (t.chance(0.08))
    annotations[`container.apparmor.security.beta.kubernetes.io/${String(containers[0]?.name)}`] = t.pick([
      'runtime/default',
      'unconfined',
    ] as const);
  return annotations;
}

/** A field that the API would refuse beside this annotation goes. */
function agree(context: unknown, annotation: string): void {
  if (typeof context !== 'object' || context === null || !('seccompProfile' in context)) return;
  const field = context.seccompProfile as Json | null;
  const said =
    field === null
      ? undefined
      : field.type === 'Localhost'
        ? `localhost/${String(field.localhostProfile)}`
        : field.type === 'Unconfined'
          ? 'unconfined'
          : annotation === 'docker/default'
            ? annotation
            : 'runtime/default';
  if (said !== undefined && said !== annotation) delete context.seccompProfile;
}

function withoutNulls(value: Json): Json {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => (item === null ? undefined : item))) as Json;
}

// ---------------------------------------------------------------------------------------------------------------------
// Classes

interface Seen {
  readonly generated: Generated;
  readonly meta: Json;
  readonly spec: Json;
  /** All containers, with the list in which they stand. */
  readonly containers: { list: string; container: Json }[];
  readonly contexts: Json[];
  readonly podContext: Json;
  readonly volumes: Json[];
  /** The whole object as JSON, for what may stand anywhere. */
  readonly text: string;
}

const at = (value: unknown, ...keys: string[]): unknown =>
  keys.reduce<unknown>(
    (v, key) => (typeof v === 'object' && v !== null && Object.hasOwn(v, key) ? (v as Json)[key] : undefined),
    value,
  );
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];
const added = (context: Json): string[] => (at(context, 'capabilities', 'add') ?? []) as string[];
const dropped = (context: Json): string[] => (at(context, 'capabilities', 'drop') ?? []) as string[];
const resourceLists = (seen: Seen): unknown[] =>
  seen.containers.flatMap(({ container }) => [
    at(container, 'resources', 'requests'),
    at(container, 'resources', 'limits'),
  ]);
const isWindowsTerm = (term: Json): boolean =>
  list(term.matchExpressions).some(
    (e) =>
      String(e.key).endsWith('kubernetes.io/os') && e.operator === 'In' && String(e.values) === 'windows',
  );
const terms = (seen: Seen): Json[] =>
  list(
    at(
      seen.spec,
      'affinity',
      'nodeAffinity',
      'requiredDuringSchedulingIgnoredDuringExecution',
      'nodeSelectorTerms',
    ),
  );

const CLASSES: Record<string, (seen: Seen) => boolean> = {
  'source bare Pod': ({ generated }) => generated.source === 'bare' || generated.source === 'admitted',
  'source owned Pod': ({ generated }) => generated.source === 'owned',
  'source DaemonSet Pod': ({ meta }) =>
    list(meta.ownerReferences).some((owner) => owner.kind === 'DaemonSet'),
  'source pods/ephemeralcontainers': ({ generated }) => generated.source === 'ephemeral',
  ...Object.fromEntries(
    TEMPLATE_KINDS.map((kind) => [
      `kind ${kind}`,
      ({ generated }: Seen) => generated.kind === kind || kindOf(generated) === kind,
    ]),
  ),
  'ordinary container': ({ containers }) => containers.some((c) => c.list === 'containers'),
  'init container': ({ containers }) =>
    containers.some((c) => c.list === 'initContainers' && c.container.restartPolicy !== 'Always'),
  sidecar: ({ containers }) =>
    containers.some((c) => c.list === 'initContainers' && c.container.restartPolicy === 'Always'),
  'ephemeral container': ({ containers }) => containers.some((c) => c.list === 'ephemeralContainers'),
  'windows by os': ({ spec }) => at(spec, 'os', 'name') === 'windows',
  'windows by nodeSelector': ({ spec }) => at(spec, 'nodeSelector', 'kubernetes.io/os') === 'windows',
  'windows by affinity': (seen) => terms(seen).length > 0 && terms(seen).every(isWindowsTerm),
  'windows only in a fake hostProcess': ({ podContext }) =>
    at(podContext, 'windowsOptions', 'hostProcess') === true,
  'privileged true': ({ contexts }) => contexts.some((c) => c.privileged === true),
  'runAsUser 0': ({ contexts, podContext }) => [podContext, ...contexts].some((c) => c.runAsUser === 0),
  'runAsNonRoot false': ({ contexts, podContext }) =>
    [podContext, ...contexts].some((c) => c.runAsNonRoot === false),
  'allowPrivilegeEscalation true': ({ contexts }) =>
    contexts.some((c) => c.allowPrivilegeEscalation === true),
  'seccomp Unconfined': ({ contexts, podContext }) =>
    [podContext, ...contexts].some((c) => at(c, 'seccompProfile', 'type') === 'Unconfined'),
  'capability added': ({ contexts }) => contexts.some((c) => added(c).length > 0),
  'capability added with CAP_ or in lower case': ({ contexts }) =>
    contexts.some((c) => added(c).some((name) => /^CAP_|[a-z]/.test(name))),
  'capability ALL or SYS_ADMIN added': ({ contexts }) =>
    contexts.some((c) => added(c).some((name) => /all$|sys_admin$/i.test(name))),
  'drop that is not [ALL]': ({ contexts }) =>
    contexts.some((c) => dropped(c).length > 0 && String(dropped(c)) !== 'ALL'),
  'already strong': ({ contexts }) =>
    contexts.some(
      (c) => c.runAsNonRoot === true && String(dropped(c)) === 'ALL' && c.readOnlyRootFilesystem === true,
    ),
  'raw device': ({ containers }) => containers.some((c) => list(c.container.volumeDevices).length > 0),
  'persistent volume': ({ volumes, generated }) =>
    volumes.some((v) => v.persistentVolumeClaim !== undefined) || kindOf(generated) === 'StatefulSet',
  "author's kube-api-access volume": ({ volumes }) =>
    volumes.some(
      (v) =>
        String(v.name).startsWith('kube-api-access') &&
        at(v, 'projected', 'sources') !== undefined &&
        list(at(v, 'projected', 'sources')).length === 1,
    ),
  'injected token volume': ({ volumes }) => volumes.some((v) => v.name === 'kube-api-access-x7k2p'),
  'hostPath to a socket or above it': ({ volumes }) =>
    volumes.some((v) => /sock$|^\/+(var\/+run\/*|run\/*)?$/.test(String(at(v, 'hostPath', 'path')))),
  'hostPath that is not clean': ({ volumes }) =>
    volumes.some((v) => /\/\/|\/\.|.\/$/.test(text(at(v, 'hostPath', 'path')))),
  'mount at or above /tmp': ({ containers }) =>
    containers.some((c) =>
      list(c.container.volumeMounts).some((m) => /^\/*(tmp\/*|tmp\/\.\.\/tmp)?$/.test(String(m.mountPath))),
    ),
  'volume name that the engine would take': ({ text }) => text.includes('"kube-harden-tmp-'),
  flexVolume: ({ volumes }) => volumes.some((v) => v.flexVolume !== undefined),
  'pod-level resources': ({ spec }) => keysOf(spec.resources).length > 0,
  'request without limit': ({ containers }) =>
    containers.some(({ container }) =>
      keysOf(at(container, 'resources', 'requests')).some(
        (k) => !keysOf(at(container, 'resources', 'limits')).includes(k),
      ),
    ),
  'limit without request': ({ containers }) =>
    containers.some(({ container }) =>
      keysOf(at(container, 'resources', 'limits')).some(
        (k) => !keysOf(at(container, 'resources', 'requests')).includes(k),
      ),
    ),
  'odd quantity': (seen) =>
    resourceLists(seen).some((r) =>
      Object.values((r ?? {}) as Json).some((q) => typeof q === 'number' || /[.eE+]|[nu]$/.test(String(q))),
    ),
  'key that needs ~1': ({ meta, spec }) =>
    [meta.annotations, meta.labels, spec.nodeSelector].some((map) =>
      keysOf(map).some((key) => key.includes('/')),
    ),
  'key that needs ~0': ({ volumes }) =>
    volumes.some((v) =>
      [...keysOf(at(v, 'csi', 'volumeAttributes')), ...keysOf(at(v, 'flexVolume', 'options'))].some((key) =>
        key.includes('~'),
      ),
    ),
  'key __proto__': ({ volumes }) =>
    volumes.some((v) =>
      [at(v, 'csi', 'volumeAttributes'), at(v, 'flexVolume', 'options')].some((map) =>
        keysOf(map).includes('__proto__'),
      ),
    ),
  'key or name constructor': ({ text }) => text.includes('"constructor"'),
  'seccomp annotation on the pod': ({ meta }) =>
    at(meta.annotations, 'seccomp.security.alpha.kubernetes.io/pod') !== undefined,
  'seccomp annotation on a container': ({ meta }) =>
    keysOf(meta.annotations).some((key) => key.startsWith('container.seccomp')),
  'null where a field is optional': ({ text }) => /:null[,}]/.test(text),
  hostNetwork: ({ spec }) => spec.hostNetwork === true,
  'hostUsers false': ({ spec }) => spec.hostUsers === false,
  sysctls: ({ podContext }) => list(podContext.sysctls).length > 0,
  'port below 1024': ({ containers }) =>
    containers.some((c) => list(c.container.ports).some((p) => Number(p.containerPort) < 1024)),
  tolerations: ({ generated, spec }) =>
    list(spec.tolerations).length > (generated.source === 'template' || generated.source === 'bare' ? 0 : 2),
  'several or empty nodeSelectorTerms': (seen) =>
    terms(seen).length > 1 || terms(seen).some((term) => keysOf(term).length === 0),
  mountPropagation: ({ containers }) =>
    containers.some((c) =>
      list(c.container.volumeMounts).some(
        (m) => m.mountPropagation !== undefined && m.mountPropagation !== 'None',
      ),
    ),
  volumeClaimTemplates: ({ generated }) =>
    list(at(generated.object, 'spec', 'volumeClaimTemplates')).length > 0,
};

/** The kind from which an owned Pod came, else the object's own. */
const kindOf = ({ kind, source, manifest }: Generated): string =>
  source === 'owned' ? String(manifest?.kind) : kind;

/** All classes there are, for a table that also shows the empty ones. */
export const ALL_CLASSES: readonly string[] = Object.keys(CLASSES);

/** Which of the classes a generated object belongs to. */
export function classesOf(generated: Generated): string[] {
  const { object } = generated;
  const holder =
    object.kind === 'Pod'
      ? object
      : object.kind === 'PodTemplate'
        ? object.template
        : (at(object, 'spec', 'template') ?? at(object, 'spec', 'jobTemplate', 'spec', 'template'));
  const spec = (at(holder, 'spec') ?? {}) as Json;
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((name) =>
    list(spec[name]).map((container) => ({ list: name, container })),
  );
  const seen: Seen = {
    generated,
    meta: (at(holder, 'metadata') ?? {}) as Json,
    spec,
    containers,
    contexts: containers.map(({ container }) => (container.securityContext ?? {}) as Json),
    podContext: (spec.securityContext ?? {}) as Json,
    volumes: list(spec.volumes),
    text: JSON.stringify(object),
  };
  return ALL_CLASSES.filter((name) => CLASSES[name]?.(seen) === true);
}

/**
 * Whether a manifest names a null or an empty list. `kubectl apply` of such a manifest takes away what stands in that
 * field of the live object, also what we wrote there, and the API server never shows it to a webhook: a Pod that was
 * hardened there refuses the second apply, and nothing can be done about it.
 */
export const namesEmpty = (manifest: Json): boolean => /:(null|\[\])[,}]/.test(JSON.stringify(manifest));
