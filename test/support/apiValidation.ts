/**
 * What kube-apiserver's validation refuses, as far as hardening could get it wrong: an oracle that is independent of
 * our rules. Written from kubernetes v1.36.4 (pkg/apis/core/validation/validation.go, pkg/apis/core/v1/defaults.go,
 * pkg/apis/apps/validation/validation.go, apimachinery/pkg/api/resource/quantity.go), and compared with that code,
 * compiled, over the corpora and generated objects.
 *
 * Left out on purpose, since hardening never touches it: probes, env, DNS, topology spread, affinity between pods, the
 * insides of most volume sources, selectors and everything of a controller but its pod template.
 */

/** A JSON object of which nothing is known. */
export type Json = Record<string, unknown>;

type Path = string;

/** Collects messages in the API's form: `spec.containers[0].image: Required value`. */
class Report {
  readonly errors: string[] = [];

  add(path: Path, message: string): void {
    this.errors.push(`${path}: ${message}`);
  }

  /** The value as the API's decoder would take it: null is absent, another type than the field's does not decode. */
  object(parent: Json, key: string, path: Path): Json | undefined {
    const value = own(parent, key);
    if (value === undefined) return undefined;
    if (isObject(value)) return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected an object');
    return undefined;
  }

  list(parent: Json, key: string, path: Path): unknown[] {
    const value = own(parent, key);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected a list');
    return [];
  }

  objects(parent: Json, key: string, path: Path): Json[] {
    return this.list(parent, key, path).map((item, i) => {
      if (item === null) return {};
      if (isObject(item)) return item;
      this.add(`${path}.${key}[${i}]`, 'json: cannot unmarshal, expected an object');
      return {};
    });
  }

  strings(parent: Json, key: string, path: Path): string[] {
    return this.list(parent, key, path).map((item, i) => {
      if (item === null) return '';
      if (typeof item === 'string') return item;
      this.add(`${path}.${key}[${i}]`, 'json: cannot unmarshal, expected a string');
      return '';
    });
  }

  string(parent: Json, key: string, path: Path): string | undefined {
    const value = own(parent, key);
    if (value === undefined || typeof value === 'string') return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected a string');
    return undefined;
  }

  boolean(parent: Json, key: string, path: Path): boolean | undefined {
    const value = own(parent, key);
    if (value === undefined || typeof value === 'boolean') return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected a boolean');
    return undefined;
  }

  integer(parent: Json, key: string, path: Path): number | undefined {
    const value = own(parent, key);
    if (value === undefined || (typeof value === 'number' && Number.isInteger(value))) return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected an integer');
    return undefined;
  }

  stringMap(parent: Json, key: string, path: Path): [string, string][] {
    const map = this.object(parent, key, path) ?? {};
    return Object.entries(map).map(([name, value]) => {
      if (value === null) return [name, ''];
      if (typeof value === 'string') return [name, value];
      this.add(`${path}.${key}[${name}]`, 'json: cannot unmarshal, expected a string');
      return [name, ''];
    });
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own field; null counts as absent. */
function own(parent: Json, key: string): unknown {
  return Object.hasOwn(parent, key) ? (parent[key] ?? undefined) : undefined;
}

const fieldOf = (parent: Json | undefined, key: string): Json | undefined => {
  const value = parent === undefined ? undefined : own(parent, key);
  return isObject(value) ? value : undefined;
};

const textOf = (parent: Json, key: string, fallback = ''): string => {
  const value = own(parent, key);
  return typeof value === 'string' ? value : fallback;
};

const objectsIn = (parent: Json, key: string): Json[] => {
  const value = own(parent, key);
  return Array.isArray(value) ? value.map((item) => (isObject(item) ? item : {})) : [];
};

// ---------------------------------------------------------------------------------------------------------------------
// Quantities: apimachinery/pkg/api/resource. Nanos in a BigInt are exact, for that is also the finest the API keeps.

const NANO = 1_000_000_000n;
const MILLI = 1_000_000n;
const DECIMAL_SUFFIX: Record<string, number> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_SUFFIX: Record<string, bigint> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/** The quantity in nanos, rounded away from zero as the API does; undefined where it is not a quantity. */
export function quantityNanos(value: unknown): bigint | undefined {
  if (value === null) return 0n;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[+-]?\d*)$/.exec(String(value).trim());
  if (match === null || match[0] === '') return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  let numerator = BigInt(whole + fraction || '0') * NANO;
  let denominator = 10n ** BigInt(fraction.length);
  const binary = BINARY_SUFFIX[suffix];
  if (binary !== undefined) {
    numerator <<= binary;
  } else {
    const decimal = DECIMAL_SUFFIX[suffix];
    const exponent = decimal ?? (/^[eE][+-]?\d+$/.test(suffix) ? Number(suffix.slice(1)) : undefined);
    if (exponent === undefined) return undefined;
    const scale = 10n ** BigInt(Math.min(Math.abs(exponent), 400));
    if (exponent >= 0) numerator *= scale;
    else denominator *= scale;
  }
  let nanos = ceilDivide(numerator, denominator);
  const max = ((1n << 63n) - 1n) * NANO;
  if (binary !== undefined && nanos > max) nanos = max;
  return sign === '-' ? -nanos : nanos;
}

const ceilDivide = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** SetDefaults_ResourceList: what stands in a ResourceList is rounded up to whole thousandths. */
const roundUpToMilli = (nanos: bigint): bigint =>
  nanos >= 0n ? ceilDivide(nanos, MILLI) * MILLI : -((-nanos / MILLI) * MILLI);

type Resources = Map<string, bigint>;

// ---------------------------------------------------------------------------------------------------------------------
// Names

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const KEY_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const isDns1123Label = (value: string): boolean => value.length <= 63 && LABEL.test(value);
const isDns1123Subdomain = (value: string): boolean => value.length <= 253 && SUBDOMAIN.test(value);
const isLabelValue = (value: string): boolean => value === '' || (value.length <= 63 && KEY_NAME.test(value));

/** IsQualifiedName: the syntax of label keys, annotation keys and resource names. */
function isQualifiedName(value: string): boolean {
  const parts = value.split('/');
  const [first = '', second] = parts;
  const name = second ?? first;
  if (parts.length > 2 || name.length > 63 || !KEY_NAME.test(name)) return false;
  return second === undefined || isDns1123Subdomain(first);
}

// ---------------------------------------------------------------------------------------------------------------------
// Where an object keeps its pod

interface PodPlace {
  readonly meta: Json;
  readonly spec: Json;
  readonly metaPath: Path;
  readonly specPath: Path;
  readonly isPod: boolean;
  /** What the controller accepts; undefined: anything. */
  readonly restartPolicies?: readonly string[];
  readonly claimTemplates: Json[];
}

function locate(object: Json, report: Report): PodPlace | undefined {
  const kind = own(object, 'kind');
  const inTemplate = (
    holder: Json | undefined,
    path: Path,
    restartPolicies?: readonly string[],
  ): PodPlace | undefined => {
    const template = fieldOf(holder, 'template') ?? {};
    const claims =
      kind === 'StatefulSet' && holder !== undefined ? objectsIn(holder, 'volumeClaimTemplates') : [];
    return {
      meta: fieldOf(template, 'metadata') ?? {},
      spec: fieldOf(template, 'spec') ?? {},
      metaPath: `${path}template.metadata`,
      specPath: `${path}template.spec`,
      isPod: false,
      ...(restartPolicies === undefined ? {} : { restartPolicies }),
      claimTemplates: claims,
    };
  };
  const spec = fieldOf(object, 'spec');
  switch (kind) {
    case 'Pod':
      return {
        meta: fieldOf(object, 'metadata') ?? {},
        spec: spec ?? {},
        metaPath: 'metadata',
        specPath: 'spec',
        isPod: true,
        claimTemplates: [],
      };
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'ReplicaSet':
    case 'ReplicationController':
      return inTemplate(spec, 'spec.', ['Always']);
    case 'Job':
      return inTemplate(spec, 'spec.', ['OnFailure', 'Never']);
    case 'CronJob':
      return inTemplate(fieldOf(fieldOf(spec, 'jobTemplate'), 'spec'), 'spec.jobTemplate.spec.', [
        'OnFailure',
        'Never',
      ]);
    case 'PodTemplate':
      return inTemplate(object, '');
    default:
      report.add('kind', `not a workload: ${String(kind)}`);
      return undefined;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Entry points

/**
 * What the API server would say to the creation of this object (after defaulting, which runs again after webhooks);
 * nothing means accepted. For kinds with a template: the controller's checks of its pod template.
 */
export function validateObject(object: Json): string[] {
  const report = new Report();
  const place = locate(object, report);
  if (place !== undefined) validatePod(place, report, true);
  return report.errors;
}

/**
 * What it would say to an update of `pods/ephemeralcontainers`: the whole pod is validated (without the checks that
 * only a creation gets, such as seccomp annotations), and containers that exist may neither change nor go.
 */
export function validateEphemeralContainersUpdate(old: Json, object: Json): string[] {
  const report = new Report();
  const place = locate(object, report);
  if (place === undefined) return report.errors;
  validatePod(place, report, false);
  const annotationsOf = (pod: Json): Json => fieldOf(fieldOf(pod, 'metadata'), 'annotations') ?? {};
  const [before, after] = [annotationsOf(old), annotationsOf(object)];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
    if (key.startsWith(APPARMOR_CONTAINER) && own(before, key) !== own(after, key))
      report.add(
        `metadata.annotations[${key}]`,
        'Forbidden: may not add, remove or update AppArmor annotations',
      );
  const path = 'spec.ephemeralContainers';
  const now = new Map(objectsIn(place.spec, 'ephemeralContainers').map((c) => [own(c, 'name'), c]));
  for (const container of objectsIn(fieldOf(old, 'spec') ?? {}, 'ephemeralContainers')) {
    const name = String(own(container, 'name'));
    const found = now.get(name);
    if (found === undefined)
      report.add(path, `Forbidden: existing ephemeral containers "${name}" may not be removed`);
    else if (!semanticallyEqual(container, found))
      report.add(path, `Forbidden: existing ephemeral containers "${name}" may not be changed`);
  }
  return report.errors;
}

/**
 * Not the API's business, but no container that we wrote to may end so: `runAsNonRoot: true` beside an effective
 * uid 0 is a container that the kubelet does not start (CreateContainerConfigError).
 */
export function runAsNonRootWithUidZero(object: Json): string[] {
  const place = locate(object, new Report());
  if (place === undefined) return [];
  const pod = fieldOf(place.spec, 'securityContext') ?? {};
  return containersOf(place.spec).flatMap(({ container, path }) => {
    const context = fieldOf(container, 'securityContext') ?? {};
    const nonRoot = own(context, 'runAsNonRoot') ?? own(pod, 'runAsNonRoot');
    const uid = own(context, 'runAsUser') ?? own(pod, 'runAsUser');
    return nonRoot === true && uid === 0
      ? [`${place.specPath}.${path}.securityContext: runAsNonRoot is true and the effective runAsUser is 0`]
      : [];
  });
}

/**
 * Not refused by the API either: a volumeClaimTemplate silently replaces a volume of its name
 * (apps/validation volumesToAddForTemplates, statefulset updateStorage), so an emptyDir of ours would be lost.
 */
export function volumeClaimTemplateClashes(object: Json): string[] {
  const place = locate(object, new Report());
  if (place === undefined) return [];
  const claims = new Set(place.claimTemplates.map((claim) => own(fieldOf(claim, 'metadata') ?? {}, 'name')));
  return objectsIn(place.spec, 'volumes').flatMap((volume, i) =>
    claims.has(own(volume, 'name'))
      ? [`${place.specPath}.volumes[${i}].name: ${String(own(volume, 'name'))} is also a volumeClaimTemplate`]
      : [],
  );
}

// ---------------------------------------------------------------------------------------------------------------------
// The pod

interface NamedContainer {
  readonly container: Json;
  readonly list: 'containers' | 'initContainers' | 'ephemeralContainers';
  readonly path: Path;
}

function containersOf(spec: Json): NamedContainer[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    objectsIn(spec, list).map((container, i) => ({ container, list, path: `${list}[${i}]` })),
  );
}

function validatePod(place: PodPlace, report: Report, creating: boolean): void {
  const { meta, spec, metaPath, specPath, isPod } = place;
  const labels = report.stringMap(meta, 'labels', metaPath);
  validateLabels(labels, `${metaPath}.labels`, report);
  const annotations = new Map(report.stringMap(meta, 'annotations', metaPath));
  validateAnnotations(annotations, `${metaPath}.annotations`, report);
  validateAppArmorAnnotations(annotations, spec, report);

  const volumes = validateVolumes(place, report);
  const hostUsers = report.boolean(spec, 'hostUsers', specPath) ?? true;
  const hostNetwork = report.boolean(spec, 'hostNetwork', specPath) ?? false;

  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    report.objects(spec, list, specPath);
  if (objectsIn(spec, 'containers').length === 0) report.add(`${specPath}.containers`, 'Required value');
  validateContainerNames(spec, specPath, report);
  for (const { container, list, path } of containersOf(spec)) {
    const at = `${specPath}.${path}`;
    validateContainer(container, at, volumes, hostUsers, isPod, report);
    if (list === 'initContainers') validateInitContainer(container, at, report);
    if (list === 'ephemeralContainers') validateEphemeralContainer(container, spec, at, report);
    if (list !== 'ephemeralContainers') {
      const policy = report.string(container, 'restartPolicy', at);
      if (policy !== undefined && policy !== '' && !['Always', 'OnFailure', 'Never'].includes(policy))
        report.add(`${at}.restartPolicy`, `Unsupported value: "${policy}"`);
    }
  }
  if (creating && isPod && objectsIn(spec, 'ephemeralContainers').length > 0)
    report.add(`${specPath}.ephemeralContainers`, 'Forbidden: cannot be set on create');
  if (!isPod && objectsIn(spec, 'ephemeralContainers').length > 0)
    report.add(
      `${specPath}.ephemeralContainers`,
      'Forbidden: ephemeral containers not allowed in pod template',
    );

  validatePodLevelResources(place, report);
  validateHostPorts(spec, hostNetwork, specPath, report);
  const restartPolicy = report.string(spec, 'restartPolicy', specPath) ?? 'Always';
  if (!(place.restartPolicies ?? ['Always', 'OnFailure', 'Never']).includes(restartPolicy))
    report.add(`${specPath}.restartPolicy`, `Unsupported value: "${restartPolicy}"`);
  validateLabels(report.stringMap(spec, 'nodeSelector', specPath), `${specPath}.nodeSelector`, report);
  validatePodSecurityContext(spec, hostNetwork, specPath, report);
  validateNodeAffinity(spec, specPath, report);
  validateTolerations(spec, specPath, report);
  validateHostProcess(spec, hostNetwork, specPath, report);
  if (!hostUsers) {
    if (hostNetwork) report.add(`${specPath}.hostNetwork`, 'Forbidden: when `hostUsers` is false');
    if (report.boolean(spec, 'hostPID', specPath))
      report.add(`${specPath}.HostPID`, 'Forbidden: when `hostUsers` is false');
    if (report.boolean(spec, 'hostIPC', specPath))
      report.add(`${specPath}.HostIPC`, 'Forbidden: when `hostUsers` is false');
    for (const { container, path } of containersOf(spec))
      if (objectsIn(container, 'volumeDevices').length > 0)
        report.add(`${specPath}.${path}.volumeDevices`, 'Forbidden: when `hostUsers` is false');
  }
  report.boolean(spec, 'automountServiceAccountToken', specPath);
  validateOs(spec, specPath, report);
  if (creating) {
    validateSeccompAnnotationsMatch(annotations, spec, specPath, report);
    validateAppArmorAnnotationsMatch(annotations, spec, specPath, report);
  }
}

function validateLabels(labels: [string, string][], path: Path, report: Report): void {
  for (const [key, value] of labels) {
    if (!isQualifiedName(key)) report.add(path, `Invalid value: "${key}": not a label key`);
    if (!isLabelValue(value)) report.add(path, `Invalid value: "${value}": not a label value`);
  }
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APPARMOR_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/';

function validateAnnotations(annotations: Map<string, string>, path: Path, report: Report): void {
  let bytes = 0;
  for (const [key, value] of annotations) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    if (!isQualifiedName(key.toLowerCase()))
      report.add(path, `Invalid value: "${key}": not an annotation key`);
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER)) {
      const known = ['runtime/default', 'docker/default', 'unconfined'].includes(value);
      if (value.startsWith('localhost/')) validateDescendingPath(value.slice(10), `${path}.${key}`, report);
      else if (!known)
        report.add(`${path}.${key}`, `Invalid value: "${value}": must be a valid seccomp profile`);
    }
  }
  if (bytes > 256 * 1024) report.add(path, 'Too long: may not be more than 262144 bytes');
}

/** A relative path without `..`. */
function validateDescendingPath(value: string, path: Path, report: Report): void {
  if (value.startsWith('/')) report.add(path, `Invalid value: "${value}": must be a relative path`);
  if (value.split('/').includes('..')) report.add(path, `Invalid value: "${value}": must not contain '..'`);
}

// ---------------------------------------------------------------------------------------------------------------------
// Volumes

const VOLUME_SOURCES = new Set([
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
]);
const HOST_PATH_TYPES = [
  '',
  'DirectoryOrCreate',
  'Directory',
  'FileOrCreate',
  'File',
  'Socket',
  'CharDevice',
  'BlockDevice',
];

/** The volumes that mounts may name. Like the API, one that is itself invalid cannot be mounted. */
function validateVolumes(place: PodPlace, report: Report): Map<string, Json> {
  const found = new Map<string, Json>();
  const claims = new Map<string, Json>();
  for (const template of place.claimTemplates) {
    const name = own(fieldOf(template, 'metadata') ?? {}, 'name');
    if (typeof name === 'string') claims.set(name, { name, persistentVolumeClaim: { claimName: name } });
  }
  for (const [name, volume] of claims) {
    if (isDns1123Label(name)) found.set(name, volume);
    else report.add(`${place.specPath}.volumes`, `Invalid value: "${name}": not a DNS-1123 label`);
  }
  report.objects(place.spec, 'volumes', place.specPath).forEach((volume, i) => {
    const path = `${place.specPath}.volumes[${i}]`;
    const before = report.errors.length;
    const name = report.string(volume, 'name', path) ?? '';
    if (claims.has(name)) return;
    validateVolumeSource(volume, path, report);
    if (name === '') report.add(`${path}.name`, 'Required value');
    else if (!isDns1123Label(name))
      report.add(`${path}.name`, `Invalid value: "${name}": not a DNS-1123 label`);
    if (found.has(name)) report.add(`${path}.name`, `Duplicate value: "${name}"`);
    if (report.errors.length === before) found.set(name, volume);
  });
  return found;
}

function validateVolumeSource(volume: Json, path: Path, report: Report): void {
  const sources = Object.keys(volume).filter(
    (key) => VOLUME_SOURCES.has(key) && own(volume, key) !== undefined,
  );
  // None at all is an emptyDir (SetDefaults_Volume).
  if (sources.length > 1)
    report.add(path, `Forbidden: may not specify more than 1 volume type (${sources.join(', ')})`);
  const emptyDir = report.object(volume, 'emptyDir', path);
  if (emptyDir !== undefined && own(emptyDir, 'sizeLimit') !== undefined) {
    const nanos = quantityNanos(own(emptyDir, 'sizeLimit'));
    if (nanos === undefined)
      report.add(`${path}.emptyDir.sizeLimit`, 'quantities must match the regular expression');
    else if (nanos < 0n)
      report.add(
        `${path}.emptyDir.sizeLimit`,
        'Forbidden: SizeLimit field must be a valid resource quantity',
      );
  }
  const hostPath = report.object(volume, 'hostPath', path);
  if (hostPath !== undefined) {
    const where = report.string(hostPath, 'path', `${path}.hostPath`) ?? '';
    if (where === '') report.add(`${path}.hostPath.path`, 'Required value');
    if (where.split('/').includes('..'))
      report.add(`${path}.hostPath.path`, `Invalid value: "${where}": must not contain '..'`);
    const type = report.string(hostPath, 'type', `${path}.hostPath`) ?? '';
    if (!HOST_PATH_TYPES.includes(type)) report.add(`${path}.hostPath.type`, `Unsupported value: "${type}"`);
  }
  const claim = report.object(volume, 'persistentVolumeClaim', path);
  if (claim !== undefined && !report.string(claim, 'claimName', path))
    report.add(`${path}.persistentVolumeClaim.claimName`, 'Required value');
  const flex = report.object(volume, 'flexVolume', path);
  if (flex !== undefined) {
    if (!report.string(flex, 'driver', `${path}.flexVolume`))
      report.add(`${path}.flexVolume.driver`, 'Required value');
    for (const [key] of report.stringMap(flex, 'options', `${path}.flexVolume`))
      if (/\.(kubernetes|k8s)\.io$/i.test(`.${key.includes('/') ? key.slice(0, key.indexOf('/')) : key}`))
        report.add(
          `${path}.flexVolume.options[${key}]`,
          'Invalid value: kubernetes.io and k8s.io namespaces are reserved',
        );
  }
  const csi = report.object(volume, 'csi', path);
  if (csi !== undefined) {
    const driver = report.string(csi, 'driver', `${path}.csi`) ?? '';
    if (driver === '') report.add(`${path}.csi.driver`, 'Required value');
    else if (driver.length > 63 || !SUBDOMAIN.test(driver.toLowerCase()))
      report.add(`${path}.csi.driver`, `Invalid value: "${driver}"`);
    report.stringMap(csi, 'volumeAttributes', `${path}.csi`);
  }
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI'] as const) {
    const value = report.object(volume, source, path);
    if (value === undefined) continue;
    const mode = report.integer(value, 'defaultMode', `${path}.${source}`) ?? 0;
    if (mode < 0 || mode > 0o777) report.add(`${path}.${source}.defaultMode`, `Invalid value: ${mode}`);
    const named = { secret: 'secretName', configMap: 'name', projected: '', downwardAPI: '' }[source];
    if (named !== '' && !report.string(value, named, `${path}.${source}`))
      report.add(`${path}.${source}.${named}`, 'Required value');
  }
}

function validateMounts(container: Json, path: Path, volumes: Map<string, Json>, report: Report): void {
  const mounts = report.objects(container, 'volumeMounts', path);
  const devices = report.objects(container, 'volumeDevices', path);
  // Maps by name, of which the last wins, exactly as GetVolumeMountMap and GetVolumeDeviceMap.
  const mountPaths = new Map(
    mounts.map((mount) => [own(mount, 'name') ?? '', own(mount, 'mountPath') ?? '']),
  );
  const devicePaths = new Map(
    devices.map((device) => [own(device, 'name') ?? '', own(device, 'devicePath') ?? '']),
  );
  const privileged = own(fieldOf(container, 'securityContext') ?? {}, 'privileged') === true;
  const seen = new Set<string>();
  mounts.forEach((mount, i) => {
    const at = `${path}.volumeMounts[${i}]`;
    const name = report.string(mount, 'name', at) ?? '';
    const mountPath = report.string(mount, 'mountPath', at) ?? '';
    const subPath = report.string(mount, 'subPath', at) ?? '';
    const subPathExpr = report.string(mount, 'subPathExpr', at) ?? '';
    const readOnly = report.boolean(mount, 'readOnly', at) ?? false;
    const propagation = report.string(mount, 'mountPropagation', at);
    if (name === '') report.add(`${at}.name`, 'Required value');
    if (!volumes.has(name)) report.add(`${at}.name`, `Not found: "${name}"`);
    if (mountPath === '') report.add(`${at}.mountPath`, 'Required value');
    if (seen.has(mountPath)) report.add(`${at}.mountPath`, `Invalid value: "${mountPath}": must be unique`);
    seen.add(mountPath);
    if (devicePaths.has(name))
      report.add(`${at}.name`, `Invalid value: "${name}": must not already exist in volumeDevices`);
    if ([...devicePaths.values()].includes(mountPath))
      report.add(
        `${at}.mountPath`,
        `Invalid value: "${mountPath}": must not already exist as a path in volumeDevices`,
      );
    if (subPath !== '') validateDescendingPath(subPath, `${at}.subPath`, report);
    if (subPathExpr !== '') validateDescendingPath(subPathExpr, `${at}.subPathExpr`, report);
    if (subPath !== '' && subPathExpr !== '')
      report.add(
        `${at}.subPathExpr`,
        `Invalid value: "${subPathExpr}": subPathExpr and subPath are mutually exclusive`,
      );
    if (propagation !== undefined) {
      if (!['Bidirectional', 'HostToContainer', 'None'].includes(propagation))
        report.add(`${at}.mountPropagation`, `Unsupported value: "${propagation}"`);
      if (propagation === 'Bidirectional' && !privileged)
        report.add(
          `${at}.mountPropagation`,
          'Forbidden: Bidirectional mount propagation is available only to privileged containers',
        );
    }
    const recursive = report.string(mount, 'recursiveReadOnly', at);
    if (recursive === 'Enabled' || recursive === 'IfPossible') {
      if (!readOnly)
        report.add(`${at}.recursiveReadOnly`, 'Forbidden: may only be specified when readOnly is true');
      if (propagation !== undefined && propagation !== 'None')
        report.add(
          `${at}.recursiveReadOnly`,
          'Forbidden: may only be specified when mountPropagation is None or not specified',
        );
    } else if (recursive !== undefined && recursive !== 'Disabled') {
      report.add(`${at}.recursiveReadOnly`, `Unsupported value: "${recursive}"`);
    }
  });
  const deviceNames = new Set<string>();
  const seenDevicePaths = new Set<string>();
  devices.forEach((device, i) => {
    const at = `${path}.volumeDevices[${i}]`;
    const name = report.string(device, 'name', at) ?? '';
    const devicePath = report.string(device, 'devicePath', at) ?? '';
    const volume = volumes.get(name);
    if (name === '') report.add(`${at}.name`, 'Required value');
    if (deviceNames.has(name)) report.add(`${at}.name`, `Invalid value: "${name}": must be unique`);
    if (volume === undefined) report.add(`${at}.name`, `Not found: "${name}"`);
    else if (own(volume, 'persistentVolumeClaim') === undefined && own(volume, 'ephemeral') === undefined)
      report.add(
        `${at}.name`,
        `Invalid value: "${name}": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`,
      );
    if (devicePath === '') report.add(`${at}.devicePath`, 'Required value');
    if (seenDevicePaths.has(devicePath))
      report.add(`${at}.devicePath`, `Invalid value: "${devicePath}": must be unique`);
    if (devicePath.split('/').includes('..'))
      report.add(`${at}.devicePath`, `Invalid value: "${devicePath}": can not contain backsteps ('..')`);
    if (mountPaths.has(name))
      report.add(`${at}.name`, `Invalid value: "${name}": must not already exist in volumeMounts`);
    if ([...mountPaths.values()].includes(devicePath))
      report.add(
        `${at}.devicePath`,
        `Invalid value: "${devicePath}": must not already exist as a path in volumeMounts`,
      );
    deviceNames.add(name);
    seenDevicePaths.add(devicePath);
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Containers

function validateContainerNames(spec: Json, specPath: Path, report: Report): void {
  const seen = new Set<unknown>();
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const)
    objectsIn(spec, list).forEach((container, i) => {
      const name = own(container, 'name');
      if (typeof name !== 'string') return;
      if (seen.has(name)) report.add(`${specPath}.${list}[${i}].name`, `Duplicate value: "${name}"`);
      seen.add(name);
    });
}

function validateContainer(
  container: Json,
  path: Path,
  volumes: Map<string, Json>,
  hostUsers: boolean,
  isPod: boolean,
  report: Report,
): void {
  const name = report.string(container, 'name', path) ?? '';
  if (name === '') report.add(`${path}.name`, 'Required value');
  else if (!isDns1123Label(name))
    report.add(`${path}.name`, `Invalid value: "${name}": not a DNS-1123 label`);
  const image = report.string(container, 'image', path) ?? '';
  if (image === '') report.add(`${path}.image`, 'Required value');
  if (isPod && image !== image.trim())
    report.add(`${path}.image`, 'Invalid value: must not have leading or trailing whitespace');
  const pullPolicy = report.string(container, 'imagePullPolicy', path) ?? '';
  if (!['', 'Always', 'IfNotPresent', 'Never'].includes(pullPolicy))
    report.add(`${path}.imagePullPolicy`, `Unsupported value: "${pullPolicy}"`);
  validatePorts(container, path, report);
  validateMounts(container, path, volumes, report);
  validateResources(container, path, 'container', report);
  const context = report.object(container, 'securityContext', path);
  if (context !== undefined) validateSecurityContext(context, `${path}.securityContext`, hostUsers, report);
}

function validatePorts(container: Json, path: Path, report: Report): void {
  const names = new Set<string>();
  report.objects(container, 'ports', path).forEach((port, i) => {
    const at = `${path}.ports[${i}]`;
    const name = report.string(port, 'name', at) ?? '';
    if (name !== '' && names.has(name)) report.add(`${at}.name`, `Duplicate value: "${name}"`);
    if (
      name.length > 15 ||
      !(name === '' || (/^[-a-z0-9]+$/.test(name) && /[a-z]/.test(name) && !/--|^-|-$/.test(name)))
    )
      report.add(`${at}.name`, `Invalid value: "${name}"`);
    names.add(name);
    const containerPort = report.integer(port, 'containerPort', at) ?? 0;
    if (containerPort === 0) report.add(`${at}.containerPort`, 'Required value');
    else if (containerPort < 1 || containerPort > 65535)
      report.add(`${at}.containerPort`, `Invalid value: ${containerPort}`);
    const hostPort = report.integer(port, 'hostPort', at) ?? 0;
    if (hostPort < 0 || hostPort > 65535) report.add(`${at}.hostPort`, `Invalid value: ${hostPort}`);
    const protocol = report.string(port, 'protocol', at) ?? '';
    if (!['', 'TCP', 'UDP', 'SCTP'].includes(protocol))
      report.add(`${at}.protocol`, `Unsupported value: "${protocol}"`);
  });
}

/** The hostPort a port ends with: a Pod on the host's network gets its containerPort by default, a template does not. */
function validateHostPorts(spec: Json, hostNetwork: boolean, specPath: Path, report: Report): void {
  const check = (containers: { container: Json; path: Path }[]): void => {
    const taken = new Set<string>();
    for (const { container, path } of containers)
      objectsIn(container, 'ports').forEach((port, i) => {
        const declared = own(port, 'hostPort') ?? 0;
        const hostPort = hostNetwork && declared === 0 ? own(port, 'containerPort') : declared;
        if (typeof hostPort !== 'number' || hostPort === 0) return;
        const key = `${textOf(port, 'protocol', 'TCP')}/${textOf(port, 'hostIP')}/${hostPort}`;
        if (taken.has(key))
          report.add(`${specPath}.${path}.ports[${i}].hostPort`, `Duplicate value: "${key}"`);
        taken.add(key);
        if (hostNetwork && path.startsWith('containers') && hostPort !== own(port, 'containerPort'))
          report.add(
            `${specPath}.${path}.ports[${i}].hostPort`,
            `Invalid value: ${hostPort}: must match \`containerPort\` when \`hostNetwork\` is true`,
          );
      });
  };
  const isTemplate = specPath !== 'spec';
  const effective = (list: NamedContainer[]): NamedContainer[] =>
    isTemplate && hostNetwork
      ? list.map((c) => ({ ...c, container: withDeclaredHostPortsOnly(c.container) }))
      : list;
  const all = effective(containersOf(spec));
  check(all.filter((c) => c.list === 'containers'));
  for (const init of all.filter((c) => c.list === 'initContainers')) check([init]);
}

const withDeclaredHostPortsOnly = (container: Json): Json => ({
  ...container,
  ports: objectsIn(container, 'ports').filter((port) => (own(port, 'hostPort') ?? 0) !== 0),
});

function validateInitContainer(container: Json, path: Path, report: Report): void {
  if (own(container, 'restartPolicy') === 'Always') return;
  for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'])
    if (own(container, key) !== undefined)
      report.add(
        `${path}.${key}`,
        'Forbidden: may not be set for init containers without restartPolicy=Always',
      );
}

const EPHEMERAL_FORBIDDEN = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
  'restartPolicy',
];

function validateEphemeralContainer(container: Json, spec: Json, path: Path, report: Report): void {
  // A list that is present but empty is already "set" (reflect.DeepEqual with the zero value); an empty struct is not.
  for (const key of EPHEMERAL_FORBIDDEN)
    if (own(container, key) !== undefined && own(container, key) !== '')
      report.add(`${path}.${key}`, 'Forbidden: cannot be set for an Ephemeral Container');
  const resources = fieldOf(container, 'resources') ?? {};
  if (['requests', 'limits', 'claims'].some((key) => own(resources, key) !== undefined))
    report.add(`${path}.resources`, 'Forbidden: cannot be set for an Ephemeral Container');
  objectsIn(container, 'volumeMounts').forEach((mount, i) => {
    for (const key of ['subPath', 'subPathExpr'])
      if ((own(mount, key) ?? '') !== '')
        report.add(
          `${path}.volumeMounts[${i}].${key}`,
          'Forbidden: cannot be set for an Ephemeral Container',
        );
  });
  const target = report.string(container, 'targetContainerName', path) ?? '';
  const others = [...objectsIn(spec, 'containers'), ...objectsIn(spec, 'initContainers')];
  if (target !== '' && !others.some((other) => own(other, 'name') === target))
    report.add(`${path}.targetContainerName`, `Not found: "${target}"`);
}

// ---------------------------------------------------------------------------------------------------------------------
// Resources

const CONTAINER_RESOURCES = ['cpu', 'memory', 'ephemeral-storage'];
const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
const allowsOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);
const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`);

function readResources(holder: Json, key: 'requests' | 'limits', path: Path, report: Report): Resources {
  const result: Resources = new Map();
  for (const [name, value] of Object.entries(report.object(holder, key, path) ?? {})) {
    const nanos = quantityNanos(value);
    if (nanos === undefined)
      report.add(`${path}.${key}[${name}]`, 'quantities must match the regular expression');
    else result.set(name, roundUpToMilli(nanos));
  }
  return result;
}

function validateResources(owner: Json, ownerPath: Path, level: 'container' | 'pod', report: Report): void {
  const resources = report.object(owner, 'resources', ownerPath);
  if (resources === undefined) return;
  const path = `${ownerPath}.resources`;
  const limits = readResources(resources, 'limits', path, report);
  const requests = readResources(resources, 'requests', path, report);
  for (const [key, map] of [
    ['limits', limits],
    ['requests', requests],
  ] as const)
    for (const [name, nanos] of map) {
      const at = `${path}.${key}[${name}]`;
      const standard = CONTAINER_RESOURCES.includes(name) || isHugePages(name);
      const supported =
        level === 'pod'
          ? name === 'cpu' || name === 'memory' || isHugePages(name)
          : standard || (name.includes('/') && (isNative(name) || isExtended(name)));
      if (!isQualifiedName(name) || !supported)
        report.add(at, `Invalid value: "${name}": not a resource of a ${level}`);
      if (nanos < 0n) report.add(at, 'Invalid value: must be greater than or equal to 0');
      if (isExtended(name) && nanos % NANO !== 0n) report.add(at, 'Invalid value: must be an integer');
      if (isHugePages(name)) {
        const page = quantityNanos(name.slice('hugepages-'.length));
        if (page === undefined || page <= 0n || nanos % page !== 0n)
          report.add(at, 'Invalid value: must be a multiple of the page size');
      }
    }
  for (const [name, request] of requests) {
    const limit = limits.get(name);
    if (limit === undefined) {
      if (!allowsOvercommit(name))
        report.add(`${path}.limits`, 'Required value: Limit must be set for non overcommitable resources');
    } else if (request !== limit && !allowsOvercommit(name)) {
      report.add(`${path}.requests`, `Invalid value: must be equal to ${name} limit`);
    } else if (request > limit) {
      report.add(`${path}.requests`, `Invalid value: must be less than or equal to ${name} limit`);
    }
  }
  const names = [...limits.keys(), ...requests.keys()];
  if (names.some(isHugePages) && !names.some((name) => name === 'cpu' || name === 'memory'))
    report.add(path, 'Forbidden: HugePages require cpu or memory');
}

/** A container's requests after defaulting, which on a Pod (not in a template) fills them from its limits. */
function defaultedRequests(container: Json, isPod: boolean): Resources {
  const silent = new Report();
  const resources = fieldOf(container, 'resources') ?? {};
  const requests = readResources(resources, 'requests', '', silent);
  if (!isPod) return requests;
  return new Map([...readResources(resources, 'limits', '', silent), ...requests]);
}

const plus = (a: Resources, b: Resources): Resources => {
  const sum = new Map(a);
  for (const [name, value] of b) sum.set(name, (sum.get(name) ?? 0n) + value);
  return sum;
};
const larger = (a: Resources, b: Resources): Resources => {
  const result = new Map(a);
  for (const [name, value] of b) {
    const other = result.get(name);
    result.set(name, other === undefined || value > other ? value : other);
  }
  return result;
};

/** AggregateContainerRequests: containers and sidecars add up; an init container is the least the pod must have. */
function aggregate(spec: Json, of: (container: Json) => Resources): Resources {
  let total: Resources = new Map();
  for (const container of objectsIn(spec, 'containers')) total = plus(total, of(container));
  let sidecars: Resources = new Map();
  let init: Resources = new Map();
  for (const container of objectsIn(spec, 'initContainers')) {
    if (own(container, 'restartPolicy') === 'Always') {
      total = plus(total, of(container));
      sidecars = plus(sidecars, of(container));
      init = larger(init, sidecars);
    } else {
      init = larger(init, plus(of(container), sidecars));
    }
  }
  return larger(total, init);
}

function validatePodLevelResources(place: PodPlace, report: Report): void {
  const { spec, specPath, isPod } = place;
  const resources = report.object(spec, 'resources', specPath);
  if (resources === undefined) return;
  const path = `${specPath}.resources`;
  if (own(fieldOf(spec, 'os') ?? {}, 'name') === 'windows') {
    report.add(path, 'Forbidden: may not be set for a windows pod');
    return;
  }
  if (own(resources, 'claims') !== undefined)
    report.add(`${path}.claims`, 'Forbidden: claims may not be set for Resources at pod-level');
  const silent = new Report();
  const limits = readResources(resources, 'limits', path, silent);
  const declared = readResources(resources, 'requests', path, silent);
  const total = aggregate(spec, (container) => defaultedRequests(container, isPod));
  const requests = new Map(declared);
  if (isPod && limits.size > 0) {
    // defaultPodRequests: from the containers where they name the resource, else from the pod's own limit.
    for (const [name, value] of total)
      if (!requests.has(name) && (name === 'cpu' || name === 'memory')) requests.set(name, value);
    for (const [name, value] of limits) if (!requests.has(name)) requests.set(name, value);
  }
  const before = report.errors.length;
  validateResources(spec, specPath, 'pod', report);
  if (report.errors.length === before)
    for (const [name, request] of requests) {
      const limit = limits.get(name);
      if (limit !== undefined && request > limit)
        report.add(`${path}.requests`, `Invalid value: must be less than or equal to ${name} limit`);
    }
  for (const [name, value] of total) {
    const request = requests.get(name);
    if (request !== undefined && value > request)
      report.add(
        `${path}.requests[${name}]`,
        'Invalid value: must be greater than or equal to aggregate container requests',
      );
  }
  objectsIn(spec, 'containers').forEach((container, i) => {
    for (const [name, value] of readResources(fieldOf(container, 'resources') ?? {}, 'limits', '', silent)) {
      const limit = limits.get(name);
      if (limit !== undefined && value > limit)
        report.add(
          `${path}.containers[${i}][${name}].limits`,
          'Invalid value: must be less than or equal to pod limits',
        );
    }
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Security contexts

function validateId(holder: Json, key: string, path: Path, report: Report): void {
  const value = report.integer(holder, key, path);
  if (value !== undefined && (value < 0 || value > 2147483647))
    report.add(`${path}.${key}`, `Invalid value: ${value}: must be between 0 and 2147483647, inclusive`);
}

function validateSecurityContext(context: Json, path: Path, hostUsers: boolean, report: Report): void {
  validateId(context, 'runAsUser', path, report);
  validateId(context, 'runAsGroup', path, report);
  report.boolean(context, 'runAsNonRoot', path);
  report.boolean(context, 'readOnlyRootFilesystem', path);
  const privileged = report.boolean(context, 'privileged', path) ?? false;
  const escalation = report.boolean(context, 'allowPrivilegeEscalation', path) ?? true;
  const procMount = report.string(context, 'procMount', path);
  if (procMount !== undefined && !['Default', 'Unmasked'].includes(procMount))
    report.add(`${path}.procMount`, `Unsupported value: "${procMount}"`);
  if (procMount === 'Unmasked' && hostUsers)
    report.add(`${path}.procMount`, 'Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`');
  validateSeccompProfile(context, path, report);
  const capabilities = report.object(context, 'capabilities', path) ?? {};
  const add = report.strings(capabilities, 'add', `${path}.capabilities`);
  report.strings(capabilities, 'drop', `${path}.capabilities`);
  if (!escalation) {
    if (privileged)
      report.add(
        path,
        'Invalid value: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      );
    // Literally this spelling and no other: SYS_ADMIN, ALL and cap_sys_admin pass.
    if (add.includes('CAP_SYS_ADMIN'))
      report.add(
        path,
        'Invalid value: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      );
  }
  validateWindowsOptions(context, path, report);
  validateAppArmorProfile(context, path, report);
}

function validateSeccompProfile(context: Json, contextPath: Path, report: Report): void {
  const profile = report.object(context, 'seccompProfile', contextPath);
  if (profile === undefined) return;
  const path = `${contextPath}.seccompProfile`;
  const type = report.string(profile, 'type', path) ?? '';
  const localhost = report.string(profile, 'localhostProfile', path);
  if (type === '') report.add(`${path}.type`, 'Required value: type is required when seccompProfile is set');
  else if (!['Localhost', 'RuntimeDefault', 'Unconfined'].includes(type))
    report.add(`${path}.type`, `Unsupported value: "${type}"`);
  if (type === 'Localhost') {
    if (localhost === undefined)
      report.add(`${path}.localhostProfile`, 'Required value: must be set when seccomp type is Localhost');
    else validateDescendingPath(localhost, `${path}.localhostProfile`, report);
  } else if (localhost !== undefined) {
    report.add(`${path}.localhostProfile`, 'Invalid value: can only be set when seccomp type is Localhost');
  }
}

function validateAppArmorProfile(context: Json, contextPath: Path, report: Report): void {
  const profile = report.object(context, 'appArmorProfile', contextPath);
  if (profile === undefined) return;
  const path = `${contextPath}.appArmorProfile`;
  const type = report.string(profile, 'type', path) ?? '';
  const localhost = report.string(profile, 'localhostProfile', path);
  if (!['Localhost', 'RuntimeDefault', 'Unconfined'].includes(type))
    report.add(`${path}.type`, `Unsupported value: "${type}"`);
  if (
    type === 'Localhost' &&
    (localhost === undefined || localhost.trim() === '' || localhost !== localhost.trim())
  )
    report.add(`${path}.localhostProfile`, 'Required value: must be set when AppArmor type is Localhost');
  if (type !== 'Localhost' && localhost !== undefined)
    report.add(`${path}.localhostProfile`, 'Invalid value: can only be set when AppArmor type is Localhost');
}

function validateWindowsOptions(context: Json, contextPath: Path, report: Report): void {
  const options = report.object(context, 'windowsOptions', contextPath);
  if (options === undefined) return;
  const path = `${contextPath}.windowsOptions`;
  report.boolean(options, 'hostProcess', path);
  const user = report.string(options, 'runAsUserName', path);
  if (user !== undefined && (user === '' || user.split('\\').length > 2))
    report.add(`${path}.runAsUserName`, `Invalid value: "${user}"`);
}

const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

function validatePodSecurityContext(spec: Json, hostNetwork: boolean, specPath: Path, report: Report): void {
  const context = report.object(spec, 'securityContext', specPath);
  if (context === undefined) return;
  const path = `${specPath}.securityContext`;
  for (const key of ['fsGroup', 'runAsUser', 'runAsGroup']) validateId(context, key, path, report);
  report.boolean(context, 'runAsNonRoot', path);
  report.list(context, 'supplementalGroups', path).forEach((_, i, groups) => {
    validateId({ [i]: groups[i] }, String(i), `${path}.supplementalGroups`, report);
  });
  const names = new Set<string>();
  report.objects(context, 'sysctls', path).forEach((sysctl, i) => {
    const at = `${path}.sysctls[${i}]`;
    const name = report.string(sysctl, 'name', at) ?? '';
    report.string(sysctl, 'value', at);
    if (name === '') report.add(`${at}.name`, 'Required value');
    else if (name.length > 253 || !SYSCTL.test(name)) report.add(`${at}.name`, `Invalid value: "${name}"`);
    else if (names.has(name)) report.add(`${at}.name`, `Duplicate value: "${name}"`);
    names.add(name);
    const namespace = sysctlNamespace(name);
    if (hostNetwork && namespace === 'net')
      report.add(`${at}.name`, `Invalid value: "${name}": may not be specified when 'hostNetwork' is true`);
    if (own(spec, 'hostIPC') === true && namespace === 'ipc')
      report.add(`${at}.name`, `Invalid value: "${name}": may not be specified when 'hostIPC' is true`);
  });
  const change = report.string(context, 'fsGroupChangePolicy', path);
  if (change !== undefined && !['OnRootMismatch', 'Always'].includes(change))
    report.add(`${path}.fsGroupChangePolicy`, `Unsupported value: "${change}"`);
  const groupsPolicy = report.string(context, 'supplementalGroupsPolicy', path);
  if (groupsPolicy !== undefined && !['Merge', 'Strict'].includes(groupsPolicy))
    report.add(`${path}.supplementalGroupsPolicy`, `Unsupported value: "${groupsPolicy}"`);
  if (own(spec, 'shareProcessNamespace') === true && own(spec, 'hostPID') === true)
    report.add(
      `${path}.shareProcessNamespace`,
      'Invalid value: ShareProcessNamespace and HostPID cannot both be enabled',
    );
  validateSeccompProfile(context, path, report);
  validateWindowsOptions(context, path, report);
  validateAppArmorProfile(context, path, report);
}

/** component-helpers/node/util/sysctl: the name is normalised first, where the separator that comes first decides. */
function sysctlNamespace(name: string): 'net' | 'ipc' | undefined {
  const first = /[./]/.exec(name)?.[0];
  const dotted = first === '/' ? name.replace(/[./]/g, (c) => (c === '/' ? '.' : '/')) : name;
  if (dotted.startsWith('net.')) return 'net';
  const ipc = /^kernel\.(sem|shmall|shmmax|shmmni|shm_rmid_forced|shm|msgmax|msgmnb|msgmni|msg)$/;
  return dotted.startsWith('fs.mqueue.') || ipc.test(dotted) ? 'ipc' : undefined;
}

function validateHostProcess(spec: Json, hostNetwork: boolean, specPath: Path, report: Report): void {
  const flag = (context: Json | undefined): unknown =>
    own(fieldOf(context, 'windowsOptions') ?? {}, 'hostProcess');
  const pod = flag(fieldOf(spec, 'securityContext'));
  const containers = containersOf(spec);
  let hostProcess = 0;
  for (const { container, path } of containers) {
    const own_ = flag(fieldOf(container, 'securityContext'));
    if (pod !== undefined && own_ !== undefined && pod !== own_)
      report.add(
        `${specPath}.${path}.securityContext.windowsOptions.hostProcess`,
        'Invalid value: pod hostProcess value must be identical if both are specified',
      );
    if ((own_ ?? pod) === true) hostProcess += 1;
  }
  if (hostProcess === 0) return;
  if (hostProcess !== containers.length)
    report.add(
      specPath,
      'Invalid value: If pod contains any hostProcess containers then all containers must be HostProcess containers',
    );
  if (!hostNetwork)
    report.add(
      `${specPath}.hostNetwork`,
      'Invalid value: hostNetwork must be true if pod contains any hostProcess containers',
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// The operating system

const NOT_ON_WINDOWS_SPEC = ['hostUsers', 'shareProcessNamespace'];
const NOT_ON_WINDOWS_POD = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
];
const NOT_ON_WINDOWS_CONTAINER = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

function validateOs(spec: Json, specPath: Path, report: Report): void {
  const os = report.object(spec, 'os', specPath);
  if (os === undefined) return;
  const name = report.string(os, 'name', `${specPath}.os`) ?? '';
  const contexts = containersOf(spec).map(({ container, path }) => ({
    context: fieldOf(container, 'securityContext') ?? {},
    path: `${specPath}.${path}.securityContext`,
  }));
  const pod = fieldOf(spec, 'securityContext') ?? {};
  const forbid = (holder: Json, keys: readonly string[], path: Path, message: string): void => {
    for (const key of keys)
      if (own(holder, key) !== undefined) report.add(`${path}.${key}`, `Forbidden: ${message}`);
  };
  if (name === 'linux') {
    const message = 'windows options cannot be set for a linux pod';
    forbid(pod, ['windowsOptions'], `${specPath}.securityContext`, message);
    for (const { context, path } of contexts) forbid(context, ['windowsOptions'], path, message);
  } else if (name === 'windows') {
    const message = 'cannot be set for a windows pod';
    forbid(spec, NOT_ON_WINDOWS_SPEC, specPath, message);
    for (const key of ['hostPID', 'hostIPC'])
      if (own(spec, key) === true) report.add(`${specPath}.${key}`, `Forbidden: ${message}`);
    forbid(pod, NOT_ON_WINDOWS_POD, `${specPath}.securityContext`, message);
    if (objectsIn(pod, 'sysctls').length > 0)
      report.add(`${specPath}.securityContext.sysctls`, `Forbidden: ${message}`);
    for (const { context, path } of contexts) forbid(context, NOT_ON_WINDOWS_CONTAINER, path, message);
  } else if (name === '') {
    report.add(`${specPath}.os.name`, 'Required value');
  } else {
    report.add(`${specPath}.os`, `Unsupported value: "${name}"`);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Legacy annotations beside their fields

function validateSeccompAnnotationsMatch(
  annotations: Map<string, string>,
  spec: Json,
  specPath: Path,
  report: Report,
): void {
  const check = (annotation: string | undefined, context: Json | undefined, path: Path): void => {
    const profile = fieldOf(context, 'seccompProfile');
    if (annotation === undefined || profile === undefined) return;
    const type = own(profile, 'type');
    const agrees =
      (type === 'RuntimeDefault' && (annotation === 'runtime/default' || annotation === 'docker/default')) ||
      (type === 'Unconfined' && annotation === 'unconfined') ||
      (type === 'Localhost' && annotation === `localhost/${String(own(profile, 'localhostProfile'))}`) ||
      !['RuntimeDefault', 'Unconfined', 'Localhost'].includes(String(type));
    if (!agrees)
      report.add(`${path}.seccompProfile.type`, 'Forbidden: seccomp type in annotation and field must match');
  };
  check(annotations.get(SECCOMP_POD), fieldOf(spec, 'securityContext'), `${specPath}.securityContext`);
  for (const { container, path } of containersOf(spec))
    check(
      annotations.get(SECCOMP_CONTAINER + String(own(container, 'name'))),
      fieldOf(container, 'securityContext'),
      `${specPath}.${path}.securityContext`,
    );
}

function validateAppArmorAnnotations(annotations: Map<string, string>, spec: Json, report: Report): void {
  const names = new Set(containersOf(spec).map(({ container }) => String(own(container, 'name'))));
  for (const [key, value] of annotations) {
    if (!key.startsWith(APPARMOR_CONTAINER)) continue;
    if (!names.has(key.slice(APPARMOR_CONTAINER.length)))
      report.add('metadata.annotations', `Invalid value: "${key}": container not found`);
    if (!['', 'runtime/default', 'unconfined'].includes(value) && !value.startsWith('localhost/'))
      report.add('metadata.annotations', `Invalid value: "${value}": invalid AppArmor profile name`);
  }
}

/** Unlike seccomp's, these are compared with the effective field: a pod-level profile conflicts too. */
function validateAppArmorAnnotationsMatch(
  annotations: Map<string, string>,
  spec: Json,
  specPath: Path,
  report: Report,
): void {
  if (own(fieldOf(spec, 'os') ?? {}, 'name') === 'windows') return;
  const inherited = fieldOf(fieldOf(spec, 'securityContext'), 'appArmorProfile');
  for (const { container, path } of containersOf(spec)) {
    const profile = fieldOf(fieldOf(container, 'securityContext'), 'appArmorProfile') ?? inherited;
    const annotation = annotations.get(APPARMOR_CONTAINER + String(own(container, 'name')));
    if (profile === undefined || annotation === undefined) continue;
    const expected = {
      Unconfined: 'unconfined',
      RuntimeDefault: 'runtime/default',
      Localhost: `localhost/${String(own(profile, 'localhostProfile'))}`,
    };
    const type = String(own(profile, 'type'));
    if (
      Object.hasOwn(expected, type) &&
      Object.entries(expected).every(([name, text]) => name !== type || text !== annotation)
    )
      report.add(
        `${specPath}.${path}.securityContext.appArmorProfile.type`,
        'Forbidden: apparmor type in annotation and field must match',
      );
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Scheduling

function validateTolerations(spec: Json, specPath: Path, report: Report): void {
  report.objects(spec, 'tolerations', specPath).forEach((toleration, i) => {
    const path = `${specPath}.tolerations[${i}]`;
    const [key, operator, value, effect] = (['key', 'operator', 'value', 'effect'] as const).map(
      (name) => report.string(toleration, name, path) ?? '',
    );
    const seconds = report.integer(toleration, 'tolerationSeconds', path);
    if (key !== '' && !isQualifiedName(key ?? '')) report.add(`${path}.key`, `Invalid value: "${key}"`);
    if (key === '' && operator !== 'Exists')
      report.add(`${path}.operator`, 'Invalid value: operator must be Exists when `key` is empty');
    if (seconds !== undefined && effect !== 'NoExecute')
      report.add(
        `${path}.effect`,
        "Invalid value: effect must be 'NoExecute' when `tolerationSeconds` is set",
      );
    if (operator === '' || operator === 'Equal') {
      if (!isLabelValue(value ?? '')) report.add(`${path}.operator`, `Invalid value: "${value}"`);
    } else if (operator === 'Exists') {
      if (value !== '')
        report.add(`${path}.operator`, "Invalid value: value must be empty when `operator` is 'Exists'");
    } else {
      report.add(`${path}.operator`, `Unsupported value: "${operator}"`);
    }
    if (!['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect ?? ''))
      report.add(`${path}.effect`, `Unsupported value: "${effect}"`);
  });
}

function validateNodeAffinity(spec: Json, specPath: Path, report: Report): void {
  const path = `${specPath}.affinity.nodeAffinity`;
  const affinity = report.object(spec, 'affinity', specPath);
  const node =
    affinity === undefined ? undefined : report.object(affinity, 'nodeAffinity', `${specPath}.affinity`);
  if (node === undefined) return;
  const required = report.object(node, 'requiredDuringSchedulingIgnoredDuringExecution', path);
  if (required !== undefined) {
    const at = `${path}.requiredDuringSchedulingIgnoredDuringExecution`;
    const terms = report.objects(required, 'nodeSelectorTerms', at);
    if (terms.length === 0)
      report.add(`${at}.nodeSelectorTerms`, 'Required value: must have at least one node selector term');
    terms.forEach((term, i) => {
      validateNodeSelectorTerm(term, `${at}.nodeSelectorTerms[${i}]`, true, report);
    });
  }
  report.objects(node, 'preferredDuringSchedulingIgnoredDuringExecution', path).forEach((preferred, i) => {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    const weight = report.integer(preferred, 'weight', at) ?? 0;
    if (weight <= 0 || weight > 100)
      report.add(`${at}.weight`, `Invalid value: ${weight}: must be in the range 1-100`);
    validateNodeSelectorTerm(
      report.object(preferred, 'preference', at) ?? {},
      `${at}.preference`,
      false,
      report,
    );
  });
}

function validateNodeSelectorTerm(term: Json, path: Path, checkValues: boolean, report: Report): void {
  report.objects(term, 'matchExpressions', path).forEach((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const operator = report.string(expression, 'operator', at) ?? '';
    const values = report.strings(expression, 'values', at);
    if (['In', 'NotIn'].includes(operator)) {
      if (values.length === 0)
        report.add(`${at}.values`, "Required value: must be specified when `operator` is 'In' or 'NotIn'");
    } else if (['Exists', 'DoesNotExist'].includes(operator)) {
      if (values.length > 0)
        report.add(
          `${at}.values`,
          "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
    } else if (['Gt', 'Lt'].includes(operator)) {
      if (values.length !== 1)
        report.add(
          `${at}.values`,
          "Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
        );
    } else {
      report.add(`${at}.operator`, `Invalid value: "${operator}": not a valid selector operator`);
    }
    if (!isQualifiedName(report.string(expression, 'key', at) ?? ''))
      report.add(`${at}.key`, 'Invalid value');
    if (checkValues)
      values.forEach(
        (value, v) => !isLabelValue(value) && report.add(`${at}.values[${v}]`, `Invalid value: "${value}"`),
      );
  });
  report.objects(term, 'matchFields', path).forEach((field, i) => {
    const at = `${path}.matchFields[${i}]`;
    const operator = report.string(field, 'operator', at) ?? '';
    const values = report.strings(field, 'values', at);
    if (!['In', 'NotIn'].includes(operator))
      report.add(`${at}.operator`, `Invalid value: "${operator}": not a valid selector operator`);
    else if (values.length !== 1)
      report.add(`${at}.values`, "Required value: must be only one value when `operator` is 'In' or 'NotIn'");
    if (report.string(field, 'key', at) !== 'metadata.name')
      report.add(`${at}.key`, 'Invalid value: not a valid field selector key');
    values.forEach(
      (value, v) =>
        !isDns1123Subdomain(value) && report.add(`${at}.values[${v}]`, `Invalid value: "${value}"`),
    );
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Applying a manifest again

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
function applyOver(live: unknown, manifest: unknown, field: string, inAtomic: boolean): unknown {
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

const RESOURCE_LISTS = ['requests', 'limits'];

/** apiequality.Semantic.DeepEqual: quantities by value, an empty list or map equals an absent one. */
function semanticallyEqual(a: unknown, b: unknown, field = ''): boolean {
  if (isEmpty(a) && isEmpty(b)) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => semanticallyEqual(item, b[i], field));
  if (isObject(a) && isObject(b)) {
    if (RESOURCE_LISTS.includes(field)) {
      const [left, right] = [a, b].map((list) =>
        readResources({ [field]: list }, field as 'limits', '', new Report()),
      );
      return (
        left?.size === right?.size && [...(left ?? [])].every(([name, value]) => right?.get(name) === value)
      );
    }
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) =>
      semanticallyEqual(own(a, key), own(b, key), key),
    );
  }
  if (field === 'sizeLimit') return quantityNanos(a ?? null) === quantityNanos(b ?? null);
  return a === b;
}

/** Go's zero values: a null, an empty list or map, and a false, 0 or '' in a field that is not a pointer. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
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

/**
 * What the API server would refuse when the author applies the same manifest again (client-side `kubectl apply`)
 * over the live Pod: all of `spec` is immutable but images, activeDeadlineSeconds and added tolerations.
 * Some manifests are refused even where nothing was hardened: `volumes: null` takes the token volume away, for a null
 * in a manifest deletes. So compare: what `barePod(manifest)` accepts, the hardened Pod has to accept.
 *
 * @param live the Pod as stored: hardened, with API defaults (see controllerPod.ts `barePod`)
 * @param manifest the author's own, from which `live` came
 */
export function podUpdateAccepted(live: Json, manifest: Json): string[] {
  const merged = applyOver(live, manifest, '', false);
  if (!isObject(merged)) return ['the manifest is not an object'];
  addDefaultTolerations(merged);
  const errors = validateObject({
    ...merged,
    spec: { ...fieldOf(merged, 'spec'), ephemeralContainers: null },
  }).filter((message) => !/seccomp type in annotation|apparmor type in annotation/.test(message));
  const before = defaulted(fieldOf(live, 'spec') ?? {});
  const after = defaulted(fieldOf(merged, 'spec') ?? {});
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key === 'activeDeadlineSeconds') continue;
    if (key === 'tolerations') {
      const kept = objectsIn(after, key).map((item) => ({ ...item, tolerationSeconds: null }));
      for (const old of objectsIn(before, key))
        if (!kept.some((item) => semanticallyEqual(item, { ...old, tolerationSeconds: null })))
          errors.push(
            'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
          );
      continue;
    }
    for (const path of differences(own(before, key), own(after, key), key))
      errors.push(`spec.${path}: Forbidden: pod updates may not change fields other than image`);
  }
  return errors;
}

/** DefaultTolerationSeconds also admits updates: what an applied list of tolerations took away comes back. */
function addDefaultTolerations(pod: Json): void {
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
function defaulted(spec: Json): Json {
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

function differences(before: unknown, after: unknown, path: Path): Path[] {
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
