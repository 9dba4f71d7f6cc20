import type { Json } from '../controlPlane/apiClient.js';
import type { PodManifest } from './podRequests.js';

type Spec = Readonly<Record<string, Json>>;

/** What a pod's author writes in the hope to get out of a rule. */
export interface WayOut {
  readonly what: string;
  readonly change: (pod: PodManifest) => PodManifest;
  /** What the same pod is without the trick, where that is not the pod as it was. */
  readonly without?: (pod: PodManifest) => PodManifest;
}

function withMetadata(more: Readonly<Record<string, Json>>): WayOut['change'] {
  return (pod) => ({ ...pod, metadata: { ...pod.metadata, ...more } });
}

function withSpec(more: Spec): WayOut['change'] {
  return (pod) => ({ ...pod, spec: { ...pod.spec, ...more } });
}

function onContainers(more: Spec): WayOut['change'] {
  return (pod) => ({
    ...pod,
    spec: {
      ...pod.spec,
      containers: (pod.spec['containers'] as Spec[]).map((container) => ({ ...container, ...more })),
    },
  });
}

function onContexts(more: Spec): WayOut['change'] {
  return (pod) => ({
    ...pod,
    spec: {
      ...pod.spec,
      containers: (pod.spec['containers'] as Spec[]).map((container) => ({
        ...container,
        securityContext: { ...(container['securityContext'] as Spec | undefined), ...more },
      })),
    },
  });
}

function withContext(more: Spec): WayOut['change'] {
  return (pod) =>
    withSpec({ securityContext: { ...(pod.spec['securityContext'] as Spec | undefined), ...more } })(pod);
}

function all(...changes: readonly WayOut['change'][]): WayOut['change'] {
  return (pod) => changes.reduce((changed, change) => change(changed), pod);
}

const EVERY_RULE_ID = [
  ...['privileged', 'runAsNonRoot', 'runAsUser', 'capabilities', 'allowPrivilegeEscalation'],
  ...['readOnlyRootFilesystem', 'seccompProfile', 'resources', 'hostNamespaces', 'hostPath', 'runtimeSocket'],
  ...[
    'sshd',
    'automountServiceAccountToken',
    'scheduling',
    'unprivilegedPorts',
    'procMount',
    'appArmorProfile',
  ],
  ...['hostUsers', 'enableServiceLinks', 'imagePullPolicy', 'supplementalGroupsPolicy'],
];
/** As a namespace's labels would say it. */
const OPT_OUTS = Object.fromEntries([
  ['kube-harden.io/mode', 'disabled'],
  ['kube-harden.io/policy', 'baseline'],
  ...EVERY_RULE_ID.map((rule) => [`kube-harden.io/${rule}`, 'disabled']),
]) as Record<string, string>;

const owner = (apiVersion: string, kind: string, controller = true): Json => ({
  ownerReferences: [{ apiVersion, kind, name: 'x', uid: '6d9a7d5e-3c1c-4a57-8d0b-0f5f3a0c7b11', controller }],
});

const hostProcess = { windowsOptions: { hostProcess: true } };
const asSystem = { windowsOptions: { hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM' } };
/** Without it the API server takes no hostProcess. */
const onHostNetwork = withSpec({ hostNetwork: true });

function windowsTerms(...terms: readonly Json[]): WayOut['change'] {
  return withSpec({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
    },
  });
}

const os = (operator: string, ...values: readonly string[]): Json => ({
  matchExpressions: [{ key: 'kubernetes.io/os', operator, ...(values.length > 0 ? { values } : {}) }],
});

/** The API server takes no mirror pod without a node, and gives it no token. */
const ofNode = withSpec({ nodeName: 'n', automountServiceAccountToken: false });

export const ANNOTATIONS_AND_NAMES: readonly WayOut[] = [
  {
    what: 'says that all is done',
    change: withMetadata({ annotations: { 'kube-harden.io/changed': EVERY_RULE_ID.join(', ') } }),
  },
  { what: "has a namespace's opt-outs as annotations", change: withMetadata({ annotations: OPT_OUTS }) },
  { what: "has a namespace's opt-outs as labels", change: withMetadata({ labels: OPT_OUTS }) },
  {
    what: 'says that it is a mirror pod',
    change: all(withMetadata({ annotations: { 'kubernetes.io/config.mirror': 'x' } }), ofNode),
    without: ofNode,
  },
  {
    what: 'says that it comes from a file of the node',
    change: withMetadata({
      annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.hash': 'x' },
    }),
  },
  {
    what: 'looks like one of the system',
    change: withMetadata({
      name: 'kube-proxy',
      labels: { 'k8s-app': 'kube-proxy', 'app.kubernetes.io/name': 'kube-harden', tier: 'control-plane' },
    }),
  },
  { what: 'calls its container like a sidecar', change: onContainers({ name: 'istio-proxy' }) },
  { what: 'has another scheduler', change: withSpec({ schedulerName: 'mine' }) },
  { what: 'is placed by its author', change: withSpec({ nodeName: 'n' }) },
  {
    what: 'is of the highest priority that it may have',
    change: withSpec({ priorityClassName: 'system-node-critical' }),
  },
];

/** Compared with the same pod under an owner that means nothing: a pod with one is not bare. */
export const OWNERS: readonly WayOut[] = [
  ['apps/v1', 'DaemonSet'],
  ['v1', 'Node'],
  ['kube-harden.io/v1alpha1', 'HardeningPolicy'],
].map(([apiVersion = '', kind = '']) => ({
  what: `says that a ${kind} made it`,
  change: withMetadata(owner(apiVersion, kind) as Record<string, Json>),
  without: withMetadata(owner('example.com/v1', 'Thing') as Record<string, Json>),
}));

export const HOST_PROCESS: readonly WayOut[] = [
  { what: 'of the pod', change: withContext(hostProcess) },
  { what: 'of its container', change: onContexts(hostProcess) },
  { what: 'of both', change: all(withContext(hostProcess), onContexts(hostProcess)) },
  { what: 'as SYSTEM', change: withContext(asSystem) },
  {
    what: 'beside what the Linux rules ask for',
    change: withContext({ ...hostProcess, runAsNonRoot: true }),
    without: withContext({ runAsNonRoot: true }),
  },
  {
    what: 'with a uid of root',
    change: withContext({ ...hostProcess, runAsUser: 0 }),
    without: withContext({ runAsUser: 0 }),
  },
].map(({ what, change, without = (pod: PodManifest) => pod }) => ({
  what: `has hostProcess ${what}`,
  change: all(change, onHostNetwork),
  without: all(without, onHostNetwork),
}));

/** Each can still run on a Linux node. */
export const ALMOST_WINDOWS: readonly WayOut[] = [
  { what: 'names Windows or Linux', change: windowsTerms(os('In', 'windows', 'linux')) },
  { what: 'names Windows in one of two terms', change: windowsTerms(os('In', 'windows'), os('In', 'linux')) },
  {
    what: 'names Windows in one of two terms, the other about something else',
    change: windowsTerms(os('In', 'windows'), { matchExpressions: [{ key: 'disk', operator: 'Exists' }] }),
  },
  { what: 'wants any system', change: windowsTerms(os('Exists')) },
  { what: 'wants a system other than one', change: windowsTerms(os('NotIn', 'darwin')) },
  {
    what: 'would rather have Windows',
    change: withSpec({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: os('In', 'windows') }],
        },
      },
    }),
  },
  {
    what: 'names Linux as its system, and Windows nodes',
    change: withSpec({ os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'windows' } }),
  },
  { what: 'names Windows in another label', change: withSpec({ nodeSelector: { os: 'windows' } }) },
  {
    what: 'writes Windows in capitals',
    change: withSpec({ nodeSelector: { 'kubernetes.io/os': 'Windows' } }),
  },
  { what: 'tolerates Windows nodes', change: withSpec({ tolerations: [{ key: 'os', value: 'windows' }] }) },
  {
    what: 'has a RuntimeClass of Windows in an annotation',
    change: withMetadata({ annotations: { 'kubernetes.io/os': 'windows' } }),
  },
];

/** Compared with an image that nobody knows. */
export const IMAGES: readonly WayOut[] = [
  'evil.example/library/nginx:1.27',
  'evil.example/docker.io/library/nginx',
  'evil.example/library/postgres',
  'docker.io/evil/library/httpd',
  'docker.io.evil.example/library/redis',
  'localhost:5000/library/tool',
  'registry.example/any/tool',
  'registry.example/trusted/tool/evil',
  'registry.example.evil/trusted/tool',
].map((image) => ({ what: `calls its image ${image}`, change: onContainers({ image }) }));
