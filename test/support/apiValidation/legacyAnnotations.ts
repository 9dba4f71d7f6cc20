import { fieldOf, type Json, own } from './json.js';
import { APPARMOR_CONTAINER, SECCOMP_CONTAINER, SECCOMP_POD } from './metadata.js';
import { containersOf } from './podPlace.js';
import type { Path, Report } from './report.js';

export function validateSeccompAnnotationsMatch(
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

export function validateAppArmorAnnotations(
  annotations: Map<string, string>,
  spec: Json,
  report: Report,
): void {
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
export function validateAppArmorAnnotationsMatch(
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
