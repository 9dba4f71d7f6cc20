import { code, inYaml } from './markdown.js';

/** The keywords of a JSON Schema that the docs tell. */
export interface FieldSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly additionalProperties?: FieldSchema | boolean;
  readonly items?: FieldSchema;
  readonly anyOf?: readonly FieldSchema[];
}

/** A field as a table shows it; each cell is Markdown. */
export interface FieldRow {
  readonly name: string;
  readonly type: string;
  readonly byDefault: string;
  readonly meaning: string;
}

export interface FieldOptions {
  readonly required?: boolean;
  /** What the field is where it is not given: a JSON Schema has no default for what is parsed to something else. */
  readonly parsed?: unknown;
}

/** A field, and below it what it is made of: `requests`, `requests.cpu`, `allowed[].path`. */
export function fieldRows(
  name: string,
  schema: FieldSchema,
  { required = false, parsed }: FieldOptions = {},
): FieldRow[] {
  const { items, properties = {} } = schema;
  const inner = { ...properties, ...prefixed(items?.properties) };
  const needed = [...(schema.required ?? []), ...(items?.required ?? []).map((key) => `[].${key}`)];
  return [
    {
      name: code(name),
      type: typeText(schema),
      byDefault: required ? 'required' : defaultText('default' in schema ? schema.default : parsed),
      meaning: (choice(schema) + (schema.description ?? '')).trim(),
    },
    ...Object.entries(inner).flatMap(([key, field]) =>
      fieldRows(key.startsWith('[]') ? name + key : `${name}.${key}`, field, {
        required: needed.includes(key),
      }),
    ),
  ];
}

function defaultText(value: unknown): string {
  return value === undefined ? '' : code(inYaml(value));
}

function prefixed(properties: FieldSchema['properties'] = {}): Record<string, FieldSchema> {
  return Object.fromEntries(Object.entries(properties).map(([key, field]) => [`[].${key}`, field]));
}

function choice({ enum: words }: FieldSchema): string {
  if (!words || words.length < 2) return '';
  const all = words.map((word) => code(String(word)));
  return `${all.slice(0, -1).join(', ')} or ${all.at(-1) ?? ''}. `;
}

/** @example `string, at most 63 characters`, `list of integers from 1 to 65535`, `number or string` */
function typeText(schema: FieldSchema): string {
  const { type, anyOf, items, minItems, maxItems } = schema;
  if (schema.const !== undefined) return code(inYaml(schema.const));
  if (anyOf) return anyOf.map(typeText).join(' or ');
  if (type === 'array') {
    const of = items?.type === 'object' || items === undefined ? 'objects' : plural(typeText(items));
    const least = minItems === undefined ? [] : [`at least ${String(minItems)}`];
    const most = maxItems === undefined ? [] : [`at most ${String(maxItems)}`];
    return [`list of ${of}`, ...least, ...most].join(', ');
  }
  if (type === 'object') return typeof schema.additionalProperties === 'object' ? 'map of strings' : 'object';
  return [[type ?? 'anything'].flat().join(' or '), ...bounds(schema)].join(', ');
}

function plural(type: string): string {
  return type.replace(/^\w+/, (word) => `${word}s`);
}

/** zod says of every integer that it is one that JavaScript can hold. */
function bounds({ type, minimum, maximum, maxLength }: FieldSchema): string[] {
  const [from, to] = [minimum, maximum].map((bound) =>
    bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : String(bound),
  );
  if (type === 'string') return maxLength === undefined ? [] : [`at most ${String(maxLength)} characters`];
  if (from !== undefined && to !== undefined) return [`${from} to ${to}`];
  if (from !== undefined) return [`at least ${from}`];
  return to === undefined ? [] : [`at most ${to}`];
}
