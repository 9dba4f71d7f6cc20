/** A JSON object of which nothing is known. */
export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own field; null counts as absent. */
export function own(parent: Json, key: string): unknown {
  return Object.hasOwn(parent, key) ? (parent[key] ?? undefined) : undefined;
}

export const fieldOf = (parent: Json | undefined, key: string): Json | undefined => {
  const value = parent === undefined ? undefined : own(parent, key);
  return isObject(value) ? value : undefined;
};

export const textOf = (parent: Json, key: string, fallback = ''): string => {
  const value = own(parent, key);
  return typeof value === 'string' ? value : fallback;
};

export const objectsIn = (parent: Json, key: string): Json[] => {
  const value = own(parent, key);
  return Array.isArray(value) ? value.map((item) => (isObject(item) ? item : {})) : [];
};
