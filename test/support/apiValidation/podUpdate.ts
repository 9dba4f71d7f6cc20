import { fieldOf, isObject, type Json, objectsIn, own, textOf } from './json.js';
import { containersOf } from './podPlace.js';
import type { Path } from './report.js';
import { semanticallyEqual } from './semanticEquality.js';
import { VOLUME_SOURCES } from './volumes.js';

/** The fields of a pod's spec whose lists kubectl merges, and by which key; every other list is replaced as a whole. */
const MERGE_KEYS: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  env: 'name',
  ports: 'containerPort',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  resourceClaims: 'name',
  schedulingGates: 'name',
  ownerReferences: 'uid',
};

/** kubectl apply of a manifest that is its own last-applied configuration: nothing is deleted, what it names is set. */
export function applyOver(live: unknown, manifest: unknown, field: string, inAtomic: boolean): unknown {
  if (isObject(manifest) && isObject(live)) {
    const result: Json = { ...live };
    for (const [key, value] of Object.entries(manifest)) {
      // A null in the manifest differs from the live value, so the patch carries it, and a null in a patch deletes.
      if (value === null) Reflect.deleteProperty(result, key);
      else
        result[key] = Object.hasOwn(live, key)
          ? applyOver(live[key], value, key, inAtomic)
          : withoutNulls(value);
    }
    // Volumes are merged with retainKeys: the sources that the manifest does not name go.
    if (field === 'volumes')
      for (const key of Object.keys(result))
        if (VOLUME_SOURCES.has(key) && !Object.hasOwn(manifest, key) && namesSource(manifest))
          Reflect.deleteProperty(result, key);
    return result;
  }
  if (Array.isArray(manifest) && Array.isArray(live)) {
    const key = MERGE_KEYS[field];
    if (key === undefined || inAtomic) return withoutNulls(manifest);
    const merged = [...(live as unknown[])];
    for (const item of manifest as unknown[]) {
      const at = merged.findIndex((other) => isObject(other) && isObject(item) && other[key] === item[key]);
      if (at < 0) merged.push(withoutNulls(item));
      else merged[at] = applyOver(merged[at], item, field, false);
    }
    return merged;
  }
  return withoutNulls(manifest);
}

const namesSource = (volume: Json): boolean => Object.keys(volume).some((key) => VOLUME_SOURCES.has(key));

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, withoutNulls(item)]])),
  );
}

/** Fields of the spec that are no pointers, where the zero value is the same as none. */
const ZERO_IS_ABSENT = new Set([
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'readOnly',
  'hostPort',
  'stdin',
  'tty',
  'stdinOnce',
  'subPath',
  'value',
  'nodeName',
  'operator',
  'effect',
  'key',
]);

function normalise(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => normalise(item, field));
  if (!isObject(value)) return value;
  const result: Json = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === null || (ZERO_IS_ABSENT.has(key) && (item === false || item === 0 || item === ''))) continue;
    result[key] = normalise(item, key);
  }
  if (field === 'ports' && result.protocol === undefined) result.protocol = 'TCP';
  return result;
}

/** DefaultTolerationSeconds also admits updates: what an applied list of tolerations took away comes back. */
export function addDefaultTolerations(pod: Json): void {
  const spec = fieldOf(pod, 'spec') ?? {};
  const tolerations = objectsIn(spec, 'tolerations');
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = tolerations.some(
      (item) => ['', key].includes(textOf(item, 'key')) && ['', 'NoExecute'].includes(textOf(item, 'effect')),
    );
    if (!tolerated)
      tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  pod.spec = { ...spec, tolerations };
}

/** The defaults that run again on the merged object and that a difference could otherwise hide behind. */
export function defaulted(spec: Json): Json {
  const result = normalise(spec);
  if (!isObject(result)) return {};
  const hostNetwork = own(result, 'hostNetwork') === true;
  for (const { container, list } of containersOf(result)) {
    if (list === 'ephemeralContainers') continue;
    const resources = fieldOf(container, 'resources');
    const limits = fieldOf(resources, 'limits');
    if (resources !== undefined && limits !== undefined)
      resources.requests = { ...limits, ...fieldOf(resources, 'requests') };
    if (hostNetwork) for (const port of objectsIn(container, 'ports')) port.hostPort ??= port.containerPort;
  }
  for (const volume of objectsIn(result, 'volumes')) {
    if (!namesSource(volume)) volume.emptyDir = {};
    const hostPath = fieldOf(volume, 'hostPath');
    if (hostPath !== undefined) hostPath.type ??= '';
    for (const key of ['secret', 'configMap', 'projected', 'downwardAPI']) {
      const source = fieldOf(volume, key);
      if (source !== undefined) source.defaultMode ??= 420;
    }
    for (const source of objectsIn(fieldOf(volume, 'projected') ?? {}, 'sources')) {
      const token = fieldOf(source, 'serviceAccountToken');
      if (token !== undefined) token.expirationSeconds ??= 3600;
    }
  }
  return {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    ...result,
  };
}

export function differences(before: unknown, after: unknown, path: Path): Path[] {
  if (/ontainers\[\d+\]\.image$/.test(path)) return [];
  const field = /(\w+)(\[\d+\])?$/.exec(path)?.[1] ?? '';
  if (semanticallyEqual(before, after, field)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return before.flatMap((item, i) => differences(item, after[i], `${path}[${i}]`));
  if (isObject(before) && isObject(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      differences(own(before, key), own(after, key), `${path}.${key}`),
    );
  return [path];
}
