/**
 * Pods as they reach a mutating webhook: decoded and encoded again by the API server (nulls and empty lists gone,
 * quantities canonical), with the API's defaults (pkg/apis/core/v1/defaults.go, v1.36.4) and with what the in-tree
 * admission plugins that run before webhooks have added (ServiceAccount, DefaultTolerationSeconds, Priority).
 */
import type { Json } from './apiValidation.js';
import { quantityNanos } from './apiValidation.js';

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const TOKEN_VOLUME = 'kube-api-access-';
const SUFFIX = 'x7k2p';
const HASH = '5d4f8c7b69';
const UID = '9d3f1a52-0c1f-4a57-9d7e-1f2b3c4d5e6f';

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const object = (value: unknown): Json => (isObject(value) ? value : {});
const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * The Pod of a workload's controller, as a webhook gets it.
 *
 * @param workload Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob; a PodTemplate
 *   has no controller and gives an unowned Pod; a Pod is returned as `barePod` gives it
 */
export function controllerPod(workload: Json): Json {
  return workload.kind === 'Pod' ? barePod(workload) : admitted(podFromController(workload));
}

/** The Pod that the controller of a workload sends, before the API server has filled in anything. */
export function podFromController(workload: Json): Json {
  const kind = text(workload.kind);
  const spec = object(workload.spec);
  const holder =
    kind === 'CronJob' ? object(object(spec.jobTemplate).spec) : kind === 'PodTemplate' ? workload : spec;
  const template = object(holder.template);
  const templateMeta = object(template.metadata);
  const name = text(object(workload.metadata).name) || 'workload';
  const owner = OWNERS[kind];
  const ownerName = owner === undefined ? name : name + owner.suffix;
  const labels: Json = { ...object(templateMeta.labels) };
  const pod: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${ownerName}-`,
      namespace: text(object(workload.metadata).namespace) || 'default',
      labels,
      ...(templateMeta.annotations === undefined ? {} : { annotations: templateMeta.annotations }),
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [
              {
                apiVersion: owner.apiVersion,
                kind: owner.kind,
                name: ownerName,
                uid: UID,
                controller: true,
                blockOwnerDeletion: true,
              },
            ],
          }),
    },
    spec: template.spec,
  };
  const sent = stored(pod);
  const sentMeta = object(sent.metadata);
  const sentSpec = object(sent.spec);
  sent.spec = sentSpec;
  const sentLabels = object(sentMeta.labels);
  sentMeta.labels = sentLabels;
  if (kind === 'Deployment') sentLabels['pod-template-hash'] = HASH;
  if (kind === 'DaemonSet') ownByDaemonSet(sentSpec, sentLabels);
  if (kind === 'StatefulSet') ownByStatefulSet(workload, name, sentMeta, sentSpec, sentLabels);
  if (kind === 'Job' || kind === 'CronJob') sentLabels['batch.kubernetes.io/job-name'] = ownerName;
  return sent;
}

/** The Pod that a user sends. What the manifest's author wrote stays in the argument, which is not changed. */
export function barePod(manifest: Json): Json {
  const pod = stored({ apiVersion: 'v1', kind: 'Pod', ...manifest });
  const meta = object(pod.metadata);
  meta.namespace ??= 'default';
  pod.metadata = meta;
  pod.spec = object(pod.spec);
  return admitted(pod);
}

const OWNERS: Record<string, { apiVersion: string; kind: string; suffix: string }> = {
  Deployment: { apiVersion: 'apps/v1', kind: 'ReplicaSet', suffix: `-${HASH}` },
  StatefulSet: { apiVersion: 'apps/v1', kind: 'StatefulSet', suffix: '' },
  DaemonSet: { apiVersion: 'apps/v1', kind: 'DaemonSet', suffix: '' },
  ReplicaSet: { apiVersion: 'apps/v1', kind: 'ReplicaSet', suffix: '' },
  ReplicationController: { apiVersion: 'v1', kind: 'ReplicationController', suffix: '' },
  Job: { apiVersion: 'batch/v1', kind: 'Job', suffix: '' },
  CronJob: { apiVersion: 'batch/v1', kind: 'Job', suffix: '-29384756' },
};

/** statefulset/stateful_set_utils.go updateIdentity, initIdentity, updateStorage: the claims replace volumes of their name. */
function ownByStatefulSet(workload: Json, name: string, meta: Json, spec: Json, labels: Json): void {
  delete meta.generateName;
  meta.name = `${name}-0`;
  labels['statefulset.kubernetes.io/pod-name'] = `${name}-0`;
  labels['apps.kubernetes.io/pod-index'] = '0';
  spec.hostname = `${name}-0`;
  const serviceName = text(object(workload.spec).serviceName);
  if (serviceName !== '') spec.subdomain = serviceName;
  const claims = objects(object(workload.spec).volumeClaimTemplates).map((claim) =>
    text(object(claim.metadata).name),
  );
  if (claims.length === 0) return;
  spec.volumes = [
    ...claims.map((claim) => ({
      name: claim,
      persistentVolumeClaim: { claimName: `${claim}-${name}-0` },
    })),
    ...objects(spec.volumes).filter((volume) => !claims.includes(text(volume.name))),
  ];
}

/** daemon/util/daemonset_util.go: tolerations for node conditions, and one required term that pins the node. */
function ownByDaemonSet(spec: Json, labels: Json): void {
  labels['controller-revision-hash'] = HASH;
  const affinity = object(spec.affinity);
  const nodeAffinity = object(affinity.nodeAffinity);
  nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution = {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }],
  };
  affinity.nodeAffinity = nodeAffinity;
  spec.affinity = affinity;
  const conditions = [
    ['not-ready', 'NoExecute'],
    ['unreachable', 'NoExecute'],
    ['disk-pressure', 'NoSchedule'],
    ['memory-pressure', 'NoSchedule'],
    ['pid-pressure', 'NoSchedule'],
    ['unschedulable', 'NoSchedule'],
    ...(spec.hostNetwork === true ? [['network-unavailable', 'NoSchedule']] : []),
  ];
  spec.tolerations = [
    ...objects(spec.tolerations),
    ...conditions.map(([key, effect]) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect })),
  ];
}

// ---------------------------------------------------------------------------------------------------------------------
// Decoding and encoding

/** Free-form maps, in which nothing is dropped and no key means anything. */
const FREE_FORM = new Set([
  'labels',
  'annotations',
  'nodeSelector',
  'matchLabels',
  'options',
  'volumeAttributes',
]);
/** Structs without a pointer, which are written even when empty. */
const RESOURCE_MAPS = new Set(['requests', 'limits']);
/** Fields that are no pointers: their zero value is not written. */
const NO_POINTER = new Set([
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'hostPort',
  'nodeName',
  'serviceAccountName',
  'subPath',
  'readOnly',
]);

/** What is left of a manifest after the API server has decoded and encoded it, as a new object. */
function stored(value: Json): Json {
  return object(encode(value, ''));
}

function encode(value: unknown, field: string): unknown {
  if (Array.isArray(value)) return value.map((item) => encode(item ?? {}, field));
  if (!isObject(value)) return field === 'sizeLimit' ? canonicalQuantity(value) : value;
  const result: Json = {};
  for (const [key, item] of Object.entries(value)) {
    const keep = FREE_FORM.has(field);
    const encoded = RESOURCE_MAPS.has(field)
      ? canonicalQuantity(item)
      : keep
        ? (item ?? '')
        : item === null
          ? undefined
          : encode(item, key);
    if (encoded === undefined) continue;
    if (!keep && Array.isArray(encoded) && encoded.length === 0) continue;
    if (!keep && FREE_FORM.has(key) && isObject(encoded) && Object.keys(encoded).length === 0) continue;
    if (!keep && NO_POINTER.has(key) && (encoded === false || encoded === 0 || encoded === '')) continue;
    // Not an assignment, which would set the prototype where the key is __proto__.
    Object.defineProperty(result, key, {
      value: encoded,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return result;
}

/** Quantity.String() after SetDefaults_ResourceList: whole thousandths, the largest suffix without a fraction. */
export function canonicalQuantity(value: unknown): unknown {
  const nanos = quantityNanos(value);
  if (nanos === undefined) return value;
  const milli = nanos >= 0n ? (nanos + 999_999n) / 1_000_000n : nanos / 1_000_000n;
  const written = String(value).trim();
  const whole = milli / 1000n;
  if (milli === 0n) return '0';
  if (/[KMGTPE]i$/.test(written) && milli % 1000n === 0n && (whole >= 1024n || whole <= -1024n)) {
    const suffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
    let number = whole;
    let step = 0;
    while (number % 1024n === 0n && step < 6) {
      number /= 1024n;
      step += 1;
    }
    return `${number}${suffixes[step] ?? ''}`;
  }
  const exponential = /[eE][+-]?\d+$/.test(written);
  const suffixes = exponential
    ? ['e-3', '', 'e3', 'e6', 'e9', 'e12', 'e15', 'e18']
    : ['m', '', 'k', 'M', 'G', 'T', 'P', 'E'];
  let number = milli;
  let step = 0;
  while (number % 1000n === 0n && step < 7) {
    number /= 1000n;
    step += 1;
  }
  return `${number}${suffixes[step] ?? ''}`;
}

// ---------------------------------------------------------------------------------------------------------------------
// Defaults and plugins

function admitted(pod: Json): Json {
  const spec = object(pod.spec);
  defaultPod(spec);
  addServiceAccount(spec);
  addTolerations(spec);
  spec.priority ??= 0;
  spec.preemptionPolicy ??= 'PreemptLowerPriority';
  return pod;
}

function defaultPod(spec: Json): void {
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.restartPolicy ??= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= 'default-scheduler';
  spec.enableServiceLinks ??= true;
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    for (const container of objects(spec[list])) defaultContainer(container, list, spec.hostNetwork === true);
  defaultPodRequests(spec);
  for (const volume of objects(spec.volumes)) defaultVolume(volume);
}

function defaultContainer(container: Json, list: string, hostNetwork: boolean): void {
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.imagePullPolicy ??= pullPolicy(text(container.image));
  const resources = object(container.resources);
  container.resources = resources;
  if (list === 'ephemeralContainers') return;
  if (isObject(resources.limits)) resources.requests = { ...resources.limits, ...object(resources.requests) };
  for (const port of objects(container.ports)) {
    port.protocol ??= 'TCP';
    if (hostNetwork) port.hostPort ??= port.containerPort;
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']
    .map((key) => container[key])
    .filter(isObject)) {
    probe.timeoutSeconds ??= 1;
    probe.periodSeconds ??= 10;
    probe.successThreshold ??= 1;
    probe.failureThreshold ??= 3;
    if (isObject(probe.httpGet)) {
      probe.httpGet.path ??= '/';
      probe.httpGet.scheme ??= 'HTTP';
    }
  }
  for (const variable of objects(container.env)) {
    const fieldRef = object(variable.valueFrom).fieldRef;
    if (isObject(fieldRef)) fieldRef.apiVersion ??= 'v1';
  }
}

function pullPolicy(image: string): string {
  const [name = '', digest] = image.split('@');
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent';
}

/** Only the part that a test can see: a limit of the pod's own becomes its request where no container asks for any. */
function defaultPodRequests(spec: Json): void {
  if (!isObject(spec.resources) || !isObject(spec.resources.limits)) return;
  const requests: Json = { ...object(spec.resources.requests) };
  const total = new Map<string, bigint>();
  for (const container of objects(spec.containers)) addUp(total, container);
  for (const container of objects(spec.initContainers))
    if (container.restartPolicy === 'Always') addUp(total, container);
  // An init container on its own is a floor, never less than what the API computes for pods with sidecars before it.
  let sidecars = new Map<string, bigint>();
  const floor = new Map<string, bigint>();
  for (const container of objects(spec.initContainers)) {
    const now = new Map(sidecars);
    addUp(now, container);
    if (container.restartPolicy === 'Always') sidecars = now;
    for (const [name, value] of now) if (value > (floor.get(name) ?? -1n)) floor.set(name, value);
  }
  for (const [name, value] of floor) if (value > (total.get(name) ?? -1n)) total.set(name, value);
  for (const [name, nanos] of total)
    if (!Object.hasOwn(requests, name) && (name === 'cpu' || name === 'memory'))
      requests[name] = canonicalQuantity(`${nanos / 1_000_000n}m`);
  for (const [name, limit] of Object.entries(spec.resources.limits))
    if (!Object.hasOwn(requests, name)) requests[name] = limit;
  spec.resources.requests = requests;
}

function addUp(total: Map<string, bigint>, container: Json): void {
  for (const [name, value] of Object.entries(object(object(container.resources).requests)))
    total.set(name, (total.get(name) ?? 0n) + (quantityNanos(value) ?? 0n));
}

function defaultVolume(volume: Json): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']
    .map((key) => volume[key])
    .filter(isObject))
    source.defaultMode ??= 420;
  if (isObject(volume.hostPath)) volume.hostPath.type ??= '';
  if (isObject(volume.image)) volume.image.pullPolicy ??= pullPolicy(text(volume.image.reference));
  for (const source of objects(object(volume.projected).sources))
    if (isObject(source.serviceAccountToken)) source.serviceAccountToken.expirationSeconds ??= 3600;
}

/**
 * plugin/pkg/admission/serviceaccount: mount paths are compared as written, and a volume whose name already begins
 * with `kube-api-access-` is taken for the token's, whatever it is.
 */
function addServiceAccount(spec: Json): void {
  spec.serviceAccountName ??= 'default';
  spec.serviceAccount = spec.serviceAccountName;
  if (spec.automountServiceAccountToken === false) return;
  const existing = objects(spec.volumes).find((volume) => text(volume.name).startsWith(TOKEN_VOLUME));
  const name = existing === undefined ? TOKEN_VOLUME + SUFFIX : text(existing.name);
  let needed = false;
  for (const container of [...objects(spec.initContainers), ...objects(spec.containers)]) {
    const mounts = objects(container.volumeMounts);
    if (mounts.some((mount) => mount.mountPath === TOKEN_PATH)) continue;
    container.volumeMounts = [...mounts, { name, readOnly: true, mountPath: TOKEN_PATH }];
    needed = true;
  }
  if (existing !== undefined || !needed) return;
  spec.volumes = [
    ...objects(spec.volumes),
    {
      name,
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
            },
          },
        ],
        defaultMode: 420,
      },
    },
  ];
}

function addTolerations(spec: Json): void {
  const tolerations = objects(spec.tolerations);
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = tolerations.some(
      (t) =>
        (text(t.key) === key || text(t.key) === '') &&
        (text(t.effect) === 'NoExecute' || text(t.effect) === ''),
    );
    if (!tolerated)
      tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  spec.tolerations = tolerations;
}
