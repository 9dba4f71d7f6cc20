import { isRecord } from '../hardening/locate.js';
import { sameJson } from '../hardening/sameJson.js';

/** A set of fields as `metadata.managedFields` writes it (FieldsV1). */
type Fields = Readonly<Record<string, unknown>>;

/**
 * What was given by server-side apply of an object, by whomever: the fields that they own, with the values that the
 * object has. What others set beside them (a webhook, the API server's defaults) is nobody's by apply.
 *
 * Source: sigs.k8s.io/structured-merge-diff, fieldpath/serialize-pe.go: `f:` is a field, `k:` an item of a list by its
 * keys, `v:` by its value, `i:` by its index, `.` the thing itself.
 *
 * @returns undefined where nobody has applied it so
 */
export function appliedFields(object: Fields): unknown {
  const { metadata } = object;
  const managed = isRecord(metadata) ? metadata['managedFields'] : undefined;
  const applied = (Array.isArray(managed) ? managed : []).flatMap((entry: unknown) =>
    isRecord(entry) && entry['operation'] === 'Apply' && isRecord(entry['fieldsV1'])
      ? [entry['fieldsV1']]
      : [],
  );
  return applied.length === 0 ? undefined : owned(object, applied);
}

/**
 * What has fields of its own, and is written without any where it was applied empty (`securityContext: {}`): what is in it
 * is then another's. Whatever else is written without fields is owned whole.
 */
const HAS_FIELDS = [
  'securityContext',
  'capabilities',
  'resources',
  'requests',
  'limits',
  'volumes',
  'volumeMounts',
];

/** @param sets of fields, those of each owner; a set that has none is the whole value's */
function owned(value: unknown, sets: readonly Fields[], name?: string): unknown {
  const isWhole = sets.every((set) => Object.keys(set).every((key) => key === '.'));
  if (isWhole && !(name !== undefined && HAS_FIELDS.includes(name))) return value;
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => {
      const own = within(sets, (key) => isItem(key, item, index));
      return own.length === 0 ? [] : [owned(item, own)];
    });
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, child]) => {
      const own = within(sets, (key) => key === `f:${field}`);
      return own.length === 0 ? [] : [[field, owned(child, own, field)]];
    }),
  );
}

function within(sets: readonly Fields[], isMeant: (key: string) => boolean): Fields[] {
  return sets.flatMap((set) =>
    Object.entries(set).flatMap(([key, fields]) => (isMeant(key) && isRecord(fields) ? [fields] : [])),
  );
}

function isItem(key: string, item: unknown, index: number): boolean {
  if (key === `i:${index}`) return true;
  const kind = key.slice(0, 2);
  if (kind !== 'k:' && kind !== 'v:') return false;
  let meant: unknown;
  try {
    meant = JSON.parse(key.slice(2));
  } catch {
    return false;
  }
  if (kind === 'v:') return sameJson(meant, item);
  return (
    isRecord(meant) &&
    isRecord(item) &&
    Object.entries(meant).every(([name, wanted]) => sameJson(wanted, item[name]))
  );
}
