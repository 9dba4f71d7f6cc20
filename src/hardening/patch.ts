import type { AddOperation, Operation, RemoveOperation, ReplaceOperation } from 'fast-json-patch';
import type { Change, Path } from './rule.js';

type Key = string | number;
type Holder = Record<Key, unknown>;

/**
 * Turns changes into RFC 6902 operations on the object as it was sent.
 *
 * A missing (or null) parent is added once, holding everything that goes below it. Removals come last, the highest
 * index of a list first, so that no operation shifts the target of another.
 *
 * @param object the object that the patch will be applied to; it is only read
 * @param base path from that object to the pod that the changes are relative to
 */
export function toPatch(
  object: object,
  base: Path,
  changes: readonly Pick<Change, 'path' | 'after'>[],
): Operation[] {
  const operations: Operation[] = [];
  const removals: { path: Path; operation: RemoveOperation }[] = [];
  /** Parents that an operation of this patch adds, by their pointer: later changes go into the value itself. */
  const added = new Map<string, Holder>();
  const basePointer = pointer('', base, base.length);
  const root = valueAt(object, base);

  for (const { path, after } of changes) {
    if (after === undefined) {
      removals.push({ path, operation: { op: 'remove', path: pointer(basePointer, path, path.length) } });
      continue;
    }
    const operation = write(root, basePointer, path, after, added);
    if (operation) operations.push(operation);
  }
  removals.sort((a, b) => compareDescending(a.path, b.path));
  for (const { operation } of removals) operations.push(operation);
  return operations;
}

function write(
  root: unknown,
  basePointer: string,
  path: Path,
  after: unknown,
  added: Map<string, Holder>,
): AddOperation<unknown> | ReplaceOperation<unknown> | undefined {
  const last = path.length - 1;
  let holder = root as Holder;
  for (let depth = 0; depth < last; depth++) {
    const child = holder[path[depth] as Key] as Holder | null | undefined;
    if (child !== undefined && child !== null) {
      holder = child;
      continue;
    }
    const parent = pointer(basePointer, path, depth + 1);
    const pending = added.get(parent);
    if (pending) {
      put(pending, path, depth + 1, after);
      return undefined;
    }
    const value = emptyFor(path[depth + 1]);
    added.set(parent, value);
    put(value, path, depth + 1, after);
    return { op: 'add', path: parent, value };
  }
  const key = path[last] as Key;
  const exists = key !== '-' && Object.hasOwn(holder, key) && holder[key] !== null;
  return { op: exists ? 'replace' : 'add', path: pointer(basePointer, path, path.length), value: after };
}

/** Writes into a value that an operation of this patch adds. */
function put(value: Holder, path: Path, from: number, after: unknown): void {
  let holder = value;
  for (let depth = from; depth < path.length - 1; depth++) {
    const key = path[depth] as Key;
    const child = (holder[key] as Holder | undefined) ?? emptyFor(path[depth + 1]);
    holder[key] = child;
    holder = child;
  }
  const key = path[path.length - 1] as Key;
  if (Array.isArray(holder) && key === '-') holder.push(after);
  else holder[key] = after;
}

function emptyFor(key: Key | undefined): Holder {
  return (key === '-' || typeof key === 'number' ? [] : {}) as Holder;
}

function valueAt(object: object, base: Path): unknown {
  let value: unknown = object;
  for (const key of base) value = (value as Holder)[key];
  return value;
}

/** RFC 6901: `~` is written `~0` and `/` is written `~1`. */
function pointer(base: string, path: Path, length: number): string {
  let text = base;
  for (let i = 0; i < length; i++) {
    const key = path[i] as Key;
    text += typeof key === 'number' ? `/${key}` : `/${escapeKey(key)}`;
  }
  return text;
}

function escapeKey(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
}

function compareDescending(a: Path, b: Path): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y) continue;
    if (typeof x === 'number' && typeof y === 'number') return y - x;
    return String(x) < String(y) ? -1 : 1;
  }
  return b.length - a.length;
}
