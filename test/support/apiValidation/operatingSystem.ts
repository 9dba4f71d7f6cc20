import { fieldOf, type Json, objectsIn, own } from './json.js';
import { containersOf } from './podPlace.js';
import type { Path, Report } from './report.js';

export function validateHostProcess(spec: Json, hostNetwork: boolean, specPath: Path, report: Report): void {
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

export function validateOs(spec: Json, specPath: Path, report: Report): void {
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
