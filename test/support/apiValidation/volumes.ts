import { fieldOf, type Json, own } from './json.js';
import { isDns1123Label, SUBDOMAIN } from './names.js';
import type { PodPlace } from './podPlace.js';
import { quantityNanos } from './quantity.js';
import type { Path, Report } from './report.js';

export const VOLUME_SOURCES = new Set([
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
export function validateVolumes(place: PodPlace, report: Report): Map<string, Json> {
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
    validateVolumeSource(volume, path, place.isPod, report);
    if (name === '') report.add(`${path}.name`, 'Required value');
    else if (!isDns1123Label(name))
      report.add(`${path}.name`, `Invalid value: "${name}": not a DNS-1123 label`);
    if (found.has(name)) report.add(`${path}.name`, `Duplicate value: "${name}"`);
    if (report.errors.length === before) found.set(name, volume);
  });
  return found;
}

function validateVolumeSource(volume: Json, path: Path, isPod: boolean, report: Report): void {
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
  const image = report.object(volume, 'image', path);
  if (image !== undefined) {
    if (isPod && !report.string(image, 'reference', `${path}.image`))
      report.add(`${path}.image.reference`, 'Required value');
    const pullPolicy = report.string(image, 'pullPolicy', `${path}.image`) ?? '';
    if (!['', 'Always', 'IfNotPresent', 'Never'].includes(pullPolicy))
      report.add(`${path}.image.pullPolicy`, `Unsupported value: "${pullPolicy}"`);
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
