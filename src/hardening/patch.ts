import type { Operation, RemoveOperation } from 'fast-json-patch';
import type { Change, ContainerRef, Path } from './rule.js';

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
  changes: readonly Pick<Change, 'path' | 'after' | 'container'>[],
): Operation[] {
  const root: Place = {
    holder: valueAt(object, base) as Holder,
    pointer: pointer('', base),
    depth: 0,
    added: [],
  };
  const containers = new Map<ContainerRef, Place>();
  const operations: Operation[] = [];
  const removals: { path: Path; operation: RemoveOperation }[] = [];
  for (const { path, after, container } of changes) {
    if (after === undefined) {
      removals.push({ path, operation: { op: 'remove', path: pointer(root.pointer, path) } });
      continue;
    }
    const place = container && isInside(path, container) ? placeOf(container, path, root, containers) : root;
    const operation = write(place, path, after);
    if (operation) operations.push(operation);
  }
  removals.sort((a, b) => compareDescending(a.path, b.path));
  for (const { operation } of removals) operations.push(operation);
  return operations;
}

/** A point on the way down a path: the value there, its pointer, and how many keys led to it. */
interface Place {
  readonly holder: Holder;
  readonly pointer: string;
  readonly depth: number;
  /** Parents below it that operations of this patch add: later changes go into the value itself. */
  readonly added: AddedParent[];
  /** The same by pointer, once there are many: a hostile author's thousands must not each look at all the others. */
  byPointer?: Map<string, AddedParent>;
}

interface AddedParent {
  readonly path: Path;
  readonly depth: number;
  readonly pointer: string;
  readonly value: Holder;
}

/** Up to here looking at each is quicker than a map; an ordinary pod has two or three. */
const SCANNED_MAX = 16;

/** `spec`, list, index: most changes are made inside a container, so the way there is gone once. */
const CONTAINER_DEPTH = 3;

function isInside(path: Path, container: ContainerRef): boolean {
  return path[1] === container.list && path[2] === container.index && path.length > CONTAINER_DEPTH;
}

function placeOf(container: ContainerRef, path: Path, root: Place, known: Map<ContainerRef, Place>): Place {
  let place = known.get(container);
  if (!place) {
    const way = path.slice(0, CONTAINER_DEPTH);
    place = {
      holder: valueAt(root.holder, way) as Holder,
      pointer: pointer(root.pointer, way),
      depth: CONTAINER_DEPTH,
      added: [],
    };
    known.set(container, place);
  }
  return place;
}

/** @returns undefined where the value went into a parent that an earlier operation adds */
function write(place: Place, path: Path, after: unknown): Operation | undefined {
  const last = path.length - 1;
  let { holder, pointer: text } = place;
  for (let depth = place.depth; depth < last; depth++) {
    const key = path[depth] as Key;
    const child = holder[key] as Holder | null | undefined;
    text += `/${escapeKey(key)}`;
    if (child !== undefined && child !== null) {
      holder = child;
      continue;
    }
    // By its path, not by the object that lacks it: YAML anchors let several places share one object.
    const pending = addedAt(place, path, depth, text);
    const value = pending?.value ?? emptyFor(path[depth + 1]);
    put(value, path, depth + 1, after);
    if (pending) return undefined;
    remember(place, { path, depth, pointer: text, value });
    return { op: 'add', path: text, value };
  }
  const key = path[last] as Key;
  const exists = key !== '-' && Object.hasOwn(holder, key) && holder[key] !== null;
  return { op: exists ? 'replace' : 'add', path: `${text}/${escapeKey(key)}`, value: after };
}

function remember(place: Place, parent: AddedParent): void {
  place.added.push(parent);
  if (place.added.length <= SCANNED_MAX) return;
  place.byPointer ??= new Map(place.added.map((known) => [known.pointer, known]));
  place.byPointer.set(parent.pointer, parent);
}

/** The parent that an earlier operation adds at this depth of this path, which `text` points to. */
function addedAt(place: Place, path: Path, depth: number, text: string): AddedParent | undefined {
  if (place.byPointer) return place.byPointer.get(text);
  for (const parent of place.added) {
    if (parent.depth === depth && isSame(parent.path, path, place.depth, depth)) return parent;
  }
  return undefined;
}

/** Whether two paths are the same from one depth through another. */
function isSame(a: Path, b: Path, from: number, through: number): boolean {
  for (let depth = from; depth <= through; depth++) if (a[depth] !== b[depth]) return false;
  return true;
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

function pointer(start: string, path: Path): string {
  return path.reduce<string>((text, key) => `${text}/${escapeKey(key)}`, start);
}

/** RFC 6901: `~` is written `~0` and `/` is written `~1`. */
function escapeKey(key: Key): Key {
  if (typeof key === 'number') return key;
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
