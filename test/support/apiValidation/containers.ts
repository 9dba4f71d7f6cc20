import { fieldOf, type Json, objectsIn, own } from './json.js';
import { validateMounts } from './mounts.js';
import { isDns1123Label } from './names.js';
import { validatePorts } from './ports.js';
import type { Path, Report } from './report.js';
import { validateResources } from './resources.js';
import { validateSecurityContext } from './securityContext.js';

export function validateContainerNames(spec: Json, specPath: Path, report: Report): void {
  const seen = new Set<unknown>();
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const)
    objectsIn(spec, list).forEach((container, i) => {
      const name = own(container, 'name');
      if (typeof name !== 'string') return;
      if (seen.has(name)) report.add(`${specPath}.${list}[${i}].name`, `Duplicate value: "${name}"`);
      seen.add(name);
    });
}

export function validateContainer(
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

export function validateInitContainer(container: Json, path: Path, report: Report): void {
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

export function validateEphemeralContainer(container: Json, spec: Json, path: Path, report: Report): void {
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
