import type { Path } from '../hardening/rule.js';

const STEP =
  /\[(?<index>\d+)\]|(?<added>\[\])|\[(?<quoted>"(?:[^"\\]|\\.)*")\]|\.?(?<plain>[A-Za-z_][\w-]*)/y;

/**
 * The path that a field in Kubernetes' notation stands for, as `fieldPath` has written it:
 * `spec.containers[0].image` is `['spec', 'containers', 0, 'image']`, and an added item (`[]`) is `'-'`.
 *
 * @throws Error for text that is not in this notation
 */
export function fieldKeys(field: string): Path {
  const keys: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < field.length) {
    const { index, added, quoted, plain } = STEP.exec(field)?.groups ?? {};
    if (index !== undefined) keys.push(Number(index));
    else if (added !== undefined) keys.push('-');
    else if (quoted !== undefined) keys.push(JSON.parse(quoted) as string);
    else if (plain !== undefined) keys.push(plain);
    else throw new Error(`not in field notation: ${field}`);
  }
  return keys;
}
