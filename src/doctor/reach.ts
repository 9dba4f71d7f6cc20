import { fieldPath } from '../hardening/fieldPath.js';
import { isRecord } from '../hardening/locate.js';
import type { Path } from '../hardening/rule.js';
import { cleanPath } from '../hardening/volumes.js';

/** A value that a pattern of a rule's `fields` leads to in a pod. */
export interface Reached {
  /** The same in two pods where it is the same field: list items by their names, since others add to lists. */
  readonly key: string;
  readonly field: string;
  readonly container: string | undefined;
  readonly value: unknown;
}

const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'];

/**
 * All that a pattern leads to.
 *
 * @param pattern field notation with `[*]` for every item of a list or entry of an object, `[]` for items that a rule adds
 */
export function reach(pod: unknown, pattern: string): Reached[] {
  const steps = pattern.replaceAll('[]', '[*]').replaceAll('[*]', '.*').split('.');
  const found: Reached[] = [];
  walk(pod, steps, { path: [], key: '', container: undefined }, found);
  return found;
}

interface Place {
  readonly path: Path;
  readonly key: string;
  readonly container: string | undefined;
}

function walk(value: unknown, steps: readonly string[], place: Place, found: Reached[]): void {
  const [step, ...rest] = steps;
  if (step === undefined) {
    if (value != null)
      found.push({ key: place.key, field: fieldPath(place.path), container: place.container, value });
    return;
  }
  if (step !== '*') {
    if (!isRecord(value) || !Object.hasOwn(value, step)) return;
    walk(value[step], rest, under(place, step, step), found);
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((item: unknown, index) => {
      const name = itemName(item);
      const list = place.path.at(-1);
      const isContainer = place.path.length === 2 && CONTAINER_LISTS.includes(String(list));
      const container = isContainer && isRecord(item) ? String(item['name']) : place.container;
      walk(item, rest, { ...under(place, index, `#${name}`), container }, found);
    });
  } else if (isRecord(value)) {
    for (const [name, entry] of Object.entries(value)) walk(entry, rest, under(place, name, name), found);
  }
}

function under(place: Place, step: string | number, name: string): Place {
  return { ...place, path: [...place.path, step], key: `${place.key}.${name}` };
}

/** What tells an item from the others of its list, whatever is added before it. */
function itemName(item: unknown): string {
  if (!isRecord(item)) return JSON.stringify(item);
  const { mountPath, name, containerPort, protocol } = item;
  if (typeof mountPath === 'string') return cleanPath(mountPath);
  if (typeof containerPort === 'number')
    return `${containerPort}/${typeof protocol === 'string' ? protocol : 'TCP'}`;
  return typeof name === 'string' ? name : JSON.stringify(item);
}
