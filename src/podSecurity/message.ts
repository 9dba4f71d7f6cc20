import type { RefusedField } from './control.js';

/*
 * The wording of upstream's messages (policy/helpers.go and the ends of its checks).
 */

/** @example quote(['a', 'b']) → `"a", "b"` */
export function quote(items: readonly string[]): string {
  return items.map((item) => `"${item}"`).join(', ');
}

export function plural(singular: string, count: number): string {
  return count === 1 ? singular : `${singular}s`;
}

/** Values in a message are named once and sorted, as upstream's string sets are. */
export function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** The containers that the fields belong to, each once, in the pod's order. */
export function containerNames(fields: readonly RefusedField[]): string[] {
  return [...new Set(fields.flatMap(({ container }) => (container === undefined ? [] : [container])))];
}

/** @example containers(['a', 'b']) → `containers "a", "b"` */
export function containers(names: readonly string[]): string {
  return `${plural('container', names.length)} ${quote(names)}`;
}

/** Who set the fields: `pod`, `container "a"`, or `pod and containers "a", "b"`. */
export function setters(fields: readonly RefusedField[]): string {
  const names = containerNames(fields);
  const pod = fields.some(({ container }) => container === undefined) ? ['pod'] : [];
  return [...pod, ...(names.length > 0 ? [containers(names)] : [])].join(' and ');
}
