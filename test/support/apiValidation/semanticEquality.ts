import { isObject, own } from './json.js';
import { quantityNanos } from './quantity.js';
import { Report } from './report.js';
import { readResources } from './resources.js';

const RESOURCE_LISTS = ['requests', 'limits'];

/** apiequality.Semantic.DeepEqual: quantities by value, an empty list or map equals an absent one. */
export function semanticallyEqual(a: unknown, b: unknown, field = ''): boolean {
  if (isEmpty(a) && isEmpty(b)) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => semanticallyEqual(item, b[i], field));
  if (isObject(a) && isObject(b)) {
    if (RESOURCE_LISTS.includes(field)) {
      const [left, right] = [a, b].map((list) =>
        readResources({ [field]: list }, field as 'limits', '', new Report()),
      );
      return (
        left?.size === right?.size && [...(left ?? [])].every(([name, value]) => right?.get(name) === value)
      );
    }
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) =>
      semanticallyEqual(own(a, key), own(b, key), key),
    );
  }
  if (field === 'sizeLimit') return quantityNanos(a ?? null) === quantityNanos(b ?? null);
  return a === b;
}

/** Go's zero values: a null, an empty list or map, and a false, 0 or '' in a field that is not a pointer. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
