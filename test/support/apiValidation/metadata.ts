import { validateDescendingPath } from './descendingPath.js';
import { isLabelValue, isQualifiedName } from './names.js';
import type { Path, Report } from './report.js';

export function validateLabels(labels: [string, string][], path: Path, report: Report): void {
  for (const [key, value] of labels) {
    if (!isQualifiedName(key)) report.add(path, `Invalid value: "${key}": not a label key`);
    if (!isLabelValue(value)) report.add(path, `Invalid value: "${value}": not a label value`);
  }
}

export const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
export const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
export const APPARMOR_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/';

export function validateAnnotations(annotations: Map<string, string>, path: Path, report: Report): void {
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
