import { isObject, type Json, own } from './json.js';

export type Path = string;

/** Collects messages in the API's form: `spec.containers[0].image: Required value`. */
export class Report {
  readonly errors: string[] = [];

  add(path: Path, message: string): void {
    this.errors.push(`${path}: ${message}`);
  }

  /** The value as the API's decoder would take it: null is absent, another type than the field's does not decode. */
  object(parent: Json, key: string, path: Path): Json | undefined {
    const value = own(parent, key);
    if (value === undefined) return undefined;
    if (isObject(value)) return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected an object');
    return undefined;
  }

  list(parent: Json, key: string, path: Path): unknown[] {
    const value = own(parent, key);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected a list');
    return [];
  }

  objects(parent: Json, key: string, path: Path): Json[] {
    return this.list(parent, key, path).map((item, i) => {
      if (item === null) return {};
      if (isObject(item)) return item;
      this.add(`${path}.${key}[${i}]`, 'json: cannot unmarshal, expected an object');
      return {};
    });
  }

  strings(parent: Json, key: string, path: Path): string[] {
    return this.list(parent, key, path).map((item, i) => {
      if (item === null) return '';
      if (typeof item === 'string') return item;
      this.add(`${path}.${key}[${i}]`, 'json: cannot unmarshal, expected a string');
      return '';
    });
  }

  string(parent: Json, key: string, path: Path): string | undefined {
    const value = own(parent, key);
    if (value === undefined || typeof value === 'string') return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected a string');
    return undefined;
  }

  boolean(parent: Json, key: string, path: Path): boolean | undefined {
    const value = own(parent, key);
    if (value === undefined || typeof value === 'boolean') return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected a boolean');
    return undefined;
  }

  integer(parent: Json, key: string, path: Path): number | undefined {
    const value = own(parent, key);
    if (value === undefined || (typeof value === 'number' && Number.isInteger(value))) return value;
    this.add(`${path}.${key}`, 'json: cannot unmarshal, expected an integer');
    return undefined;
  }

  stringMap(parent: Json, key: string, path: Path): [string, string][] {
    const map = this.object(parent, key, path) ?? {};
    return Object.entries(map).map(([name, value]) => {
      if (value === null) return [name, ''];
      if (typeof value === 'string') return [name, value];
      this.add(`${path}.${key}[${name}]`, 'json: cannot unmarshal, expected a string');
      return [name, ''];
    });
  }
}
