import type { Structural } from '../../scripts/generated/crd.js';

/**
 * An object as an API server stores it: unknown fields dropped, nulls dropped where they are not allowed, and defaults
 * filled in, in this order. Source: k8s.io/apiextensions-apiserver pkg/apiserver/schema, pruning and defaulting. What is
 * below `metadata` is none of the schema's business.
 */
export function asStored(schema: Structural, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item: unknown) => asStored(items, item));
  }
  if (typeof value !== 'object' || value === null) return value;
  const given = new Map(Object.entries(value));
  const stored: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (name === 'metadata') stored[name] = given.get(name);
    else set(stored, name, field, given.get(name));
  }
  if (schema.additionalProperties !== undefined)
    for (const [name, field] of given) set(stored, name, schema.additionalProperties, field);
  return stored;
}

function set(stored: Record<string, unknown>, name: string, schema: Structural, value: unknown): void {
  const isMissing = value === undefined || (value === null && schema.nullable !== true);
  const field = isMissing ? structuredClone(schema.default) : value;
  if (field !== undefined) stored[name] = asStored(schema, field);
}
