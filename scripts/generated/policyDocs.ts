import type { Rule } from '../../src/hardening/rule.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { API_VERSION, KIND, toJsonSchema } from '../../src/policy/schema.js';
import type { GeneratedFile } from './generatedFile.js';
import { code, table } from './markdown.js';
import { policyDefaults } from './policyDefaults.js';
import { fieldRows, type FieldOptions, type FieldSchema } from './schemaRows.js';

/** docs/reference/policy.md: every field of a HardeningPolicy, from the schema that the loader uses. */
export const policyDocFiles: readonly GeneratedFile[] = [{ path: 'docs/reference/policy.md', content: page }];

/** Told in sections of their own. */
const SECTIONS = ['rules', 'imageProfiles', 'exceptions'] as const;

function page(): string {
  const document = toJsonSchema() as FieldSchema;
  const spec = property(document, 'spec');
  const [rules, imageProfiles, exceptions] = SECTIONS.map((name) => property(spec, name)) as [
    FieldSchema,
    FieldSchema,
    FieldSchema,
  ];
  const parts = [
    '<!-- generated from src/policy/schema.ts and src/hardening/rules -->',
    `# ${KIND}`,
    `Every field of a \`${KIND}\` (\`${API_VERSION}\`). The same document is a file for \`--policy-file\` and an object of the cluster. How to write one is told in [policies](../policies.md); editors check one by the [JSON Schema](../hardeningpolicy.schema.json). A field that is not listed here is an error.`,
    '## The document',
    fieldTable([
      ...fieldsOf(document, ['apiVersion', 'kind']),
      ['metadata.name', property(property(document, 'metadata'), 'name'), { required: true }],
      ...fieldsOf(
        spec,
        Object.keys(spec.properties ?? {}).filter((name) => !SECTIONS.some((section) => section === name)),
        'spec.',
      ),
      ...SECTIONS.map((name): Field => [
        `spec.${name}`,
        summaryOf(property(spec, name)),
        name === 'rules' ? {} : { parsed: policyDefaults()[name] },
      ]),
    ]),
    '## spec.rules',
    `${rules.description ?? ''} Each rule has these two, settings of its own, and a page of its own.`,
    table(
      ['field', 'meaning'],
      EVERY_RULE.map((name) => [code(name), ofAnyRule(name, rules)]),
    ),
    ...RULES.flatMap((rule) => ruleSection(rule, property(rules, rule.id))),
    '## spec.imageProfiles[]',
    `${imageProfiles.description ?? ''} The built-in ones are listed in [images](../images.md).`,
    itemTable(imageProfiles),
    '## spec.exceptions[]',
    exceptions.description ?? '',
    itemTable(exceptions),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** What every rule has, told once; the actions that it can do, and the default, are its own. */
const EVERY_RULE = ['action', 'optOut'];

/** Said of the first rule, whose id may stand in it. */
function ofAnyRule(name: string, rules: FieldSchema): string {
  const [{ id } = { id: '' }] = RULES;
  return (property(property(rules, id), name).description ?? '').replaceAll(`/${id}`, '/ and its id');
}

function ruleSection({ id, title }: Rule, schema: FieldSchema): string[] {
  const parsed = policyDefaults().rules[id];
  const common = EVERY_RULE.map((name): Field => {
    return [name, { ...property(schema, name), description: '' }, { parsed: parsed[name] }];
  });
  const settings = Object.entries(schema.properties ?? {})
    .filter(([name]) => !EVERY_RULE.includes(name))
    .map(([name, field]): Field => [name, field, { parsed: parsed[name] }]);
  return [`### ${id}`, `${title}: [${id}](../rules/${id}.md).`, fieldTable([...common, ...settings])];
}

type Field = readonly [name: string, schema: FieldSchema, options: FieldOptions];

function property(schema: FieldSchema, name: string): FieldSchema {
  const found = schema.properties?.[name];
  if (found === undefined) throw new Error(`the schema of a ${KIND} has no ${name} there`);
  return found;
}

function fieldsOf(schema: FieldSchema, names: readonly string[], prefix = ''): Field[] {
  return names.map((name) => [
    prefix + name,
    property(schema, name),
    { required: schema.required?.includes(name) === true },
  ]);
}

/** Without what it is made of, which has a section of its own. */
function summaryOf({ properties: _properties, items, ...schema }: FieldSchema): FieldSchema {
  return items === undefined ? schema : { ...schema, items: { type: 'object' } };
}

function itemTable({ items = {} }: FieldSchema): string {
  return fieldTable(fieldsOf(items, Object.keys(items.properties ?? {})));
}

function fieldTable(fields: readonly Field[]): string {
  const rows = fields.flatMap(([name, schema, options]) => fieldRows(name, schema, options));
  return table(
    ['field', 'type', 'default', 'meaning'],
    rows.map(({ name, type, byDefault, meaning }) => [name, type, byDefault, meaning]),
  );
}
