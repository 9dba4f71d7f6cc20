import { validateDescendingPath } from './descendingPath.js';
import { fieldOf, type Json, own } from './json.js';
import type { Path, Report } from './report.js';

export function validateMounts(
  container: Json,
  path: Path,
  volumes: Map<string, Json>,
  report: Report,
): void {
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
