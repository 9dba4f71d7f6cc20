import type { Path } from './rule.js';

const PLAIN = /^[A-Za-z_][\w-]*$/;

/**
 * A path in Kubernetes' field notation: `spec.containers[0].securityContext.privileged`;
 * a key with other characters in brackets, `metadata.annotations["a/b"]`; an appended list item as `[]`.
 */
export function fieldPath(path: Path): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (key === '-') text += '[]';
    else if (!PLAIN.test(key)) text += `[${JSON.stringify(key)}]`;
    else text += text === '' ? key : `.${key}`;
  }
  return text;
}
