import fastJsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';

const { applyOperation } = fastJsonPatch;

/**
 * A value as operations make it. What none of them changes is shared with what was there, which stays as it is: nearly
 * all of a pod, and to copy that takes longer than the patch.
 *
 * @param own the copies that earlier operations on the same value made: those are changed, and not copied again
 * @throws Error of fast-json-patch where an operation does not apply
 */
export function patched<T>(value: T, operations: readonly Operation[], own = new Set<object>()): T {
  let object = value;
  for (const operation of operations) {
    object = copiedAlong(operation.path, object, own);
    // What moves or is copied would be taken out of what is shared.
    if ('from' in operation) object = copiedAlong(operation.from, object, own);
    object = applyOperation<T>(object, operation, false, true).newDocument;
  }
  return object;
}

/** A value whose maps and lists on the way of a pointer are copies. */
function copiedAlong<T>(pointer: string, value: T, own: Set<object>): T {
  const copy = <V>(shared: V): V => {
    if (typeof shared !== 'object' || shared === null || own.has(shared)) return shared;
    const copied = (Array.isArray(shared) ? [...(shared as unknown[])] : { ...shared }) as V & object;
    own.add(copied);
    return copied;
  };
  const root = copy(value);
  let holder: unknown = root;
  for (const step of pointer.split('/').slice(1, -1)) {
    const key = step.includes('~') ? step.replaceAll('~1', '/').replaceAll('~0', '~') : step;
    if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) break;
    const map = holder as Record<string, unknown>;
    map[key] = copy(map[key]);
    holder = map[key];
  }
  return root;
}
