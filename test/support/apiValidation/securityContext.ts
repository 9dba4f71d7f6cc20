import { validateDescendingPath } from './descendingPath.js';
import { type Json, own } from './json.js';
import type { Path, Report } from './report.js';

function validateId(holder: Json, key: string, path: Path, report: Report): void {
  const value = report.integer(holder, key, path);
  if (value !== undefined && (value < 0 || value > 2147483647))
    report.add(`${path}.${key}`, `Invalid value: ${value}: must be between 0 and 2147483647, inclusive`);
}

export function validateSecurityContext(context: Json, path: Path, hostUsers: boolean, report: Report): void {
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

export function validatePodSecurityContext(
  spec: Json,
  hostNetwork: boolean,
  specPath: Path,
  report: Report,
): void {
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
