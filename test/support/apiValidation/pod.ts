import {
  validateContainer,
  validateContainerNames,
  validateEphemeralContainer,
  validateInitContainer,
} from './containers.js';
import { objectsIn } from './json.js';
import {
  validateAppArmorAnnotations,
  validateAppArmorAnnotationsMatch,
  validateSeccompAnnotationsMatch,
} from './legacyAnnotations.js';
import { validateAnnotations, validateLabels } from './metadata.js';
import { validateHostProcess, validateOs } from './operatingSystem.js';
import { containersOf, type PodPlace } from './podPlace.js';
import { validateHostPorts } from './ports.js';
import type { Report } from './report.js';
import { validatePodLevelResources } from './resources.js';
import { validateNodeAffinity, validateTolerations } from './scheduling.js';
import { validatePodSecurityContext } from './securityContext.js';
import { validateVolumes } from './volumes.js';

export function validatePod(place: PodPlace, report: Report, creating: boolean): void {
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
  report.boolean(spec, 'enableServiceLinks', specPath);
  validateOs(spec, specPath, report);
  if (creating) {
    validateSeccompAnnotationsMatch(annotations, spec, specPath, report);
    validateAppArmorAnnotationsMatch(annotations, spec, specPath, report);
  }
}
