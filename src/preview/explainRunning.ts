import { isRecord } from '../hardening/locate.js';
import { parseQuantity } from '../hardening/quantity.js';
import type { Path } from '../hardening/rule.js';

/**
 * The value that a change's path leads to in an object as the cluster has it. Other webhooks add containers and volumes,
 * so an item of a list is found by its name where it has one, and an item that a change adds by its own.
 *
 * @param author the object that the path is of
 * @param path from the object; `-` as its last element is an item added to a list
 * @param after the change's value
 * @returns undefined where the cluster has none
 */
export function runningValue(author: unknown, running: unknown, path: Path, after: unknown): unknown {
  let [theirs, ours] = [running, author];
  for (const key of path) {
    if (key === '-') return Array.isArray(theirs) ? addedItem(theirs, after) : undefined;
    const item = childOf(ours, key);
    const name = isRecord(item) && typeof key === 'number' ? item['name'] : undefined;
    theirs =
      typeof name === 'string' && Array.isArray(theirs) ? itemNamed(theirs, name) : childOf(theirs, key);
    ours = item;
  }
  return theirs;
}

/**
 * Whether a value of the cluster's is the one that hardening writes: the API server adds defaults to an object, and
 * writes a quantity its own way (`1000m` as `1`).
 */
export function holds(running: unknown, after: unknown): boolean {
  if (after === undefined || after === null) return running === undefined || running === null;
  if (Array.isArray(after))
    return (
      Array.isArray(running) &&
      running.length === after.length &&
      after.every((item, index) => holds(running[index], item))
    );
  if (isRecord(after))
    return isRecord(running) && Object.entries(after).every(([key, value]) => holds(running[key], value));
  if (running === after) return true;
  if (typeof running !== 'string' || typeof after !== 'string') return false;
  const quantity = parseQuantity(after);
  return quantity !== undefined && quantity === parseQuantity(running);
}

function addedItem(list: readonly unknown[], after: unknown): unknown {
  const whole: unknown = list.find((item) => holds(item, after));
  const key = isRecord(after)
    ? ['mountPath', 'name'].find((field) => typeof after[field] === 'string')
    : undefined;
  if (whole !== undefined || key === undefined || !isRecord(after)) return whole;
  return list.find((item) => isRecord(item) && item[key] === after[key]);
}

function itemNamed(list: readonly unknown[], name: string): unknown {
  return list.find((item) => isRecord(item) && item['name'] === name);
}

function childOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
