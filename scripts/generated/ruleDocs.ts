import { existsSync, readFileSync } from 'node:fs';
import { ACTIONS, SKIP_CODES, type Action, type Rule } from '../../src/hardening/rule.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { toJsonSchema } from '../../src/policy/schema.js';
import { SKIP_REASONS } from '../../src/preview/skipReasons.js';
import { withFreshExamples } from './examples.js';
import type { GeneratedFile } from './generatedFile.js';

const ROOT = new URL('../../', import.meta.url);

/** Below a head that was just made for a new rule: what is to be written by hand. */
const SKELETON = '\n## Why\n\nTo be written.\n';

/** The pages of docs/rules: the heads come from the rules' metadata, the rest of each page is written by hand. */
export const ruleDocFiles: readonly GeneratedFile[] = [
  ...RULES.map((rule) => ({ path: `docs/rules/${rule.id}.md`, content: () => page(rule) })),
  { path: 'docs/rules/README.md', content: cataloguePage },
];

export const END_OF_HEAD = '<!-- end of generated -->';

export function startOfHead(id: string): string {
  return `<!-- generated from src/hardening/rules/${id}.ts -->`;
}

/** The page as it should be: its own text below a fresh head. Without a page, the head alone, which is then stale. */
async function page(rule: Rule): Promise<string> {
  const file = new URL(`docs/rules/${rule.id}.md`, ROOT);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const end = text.indexOf(END_OF_HEAD);
  const rest = end < 0 ? SKELETON : text.slice(end + END_OF_HEAD.length + 1);
  return `${startOfHead(rule.id)}\n\n${head(rule)}\n${END_OF_HEAD}\n${await withFreshExamples(rest)}`;
}

function head(rule: Rule): string {
  const { id, title, reason, risk, control, os, fields, wholePod } = rule;
  const facts = [
    ['Risk of breaking a program that runs today', risk],
    [
      'Pod Security Standards',
      control ? `control \`${control.name}\` of level *${control.level}*` : 'no control asks for it',
    ],
    ['Runs on', os === 'any' ? 'Linux and Windows pods' : 'Linux pods'],
    ['Decides', wholePod ? 'for the pod as a whole' : 'container by container'],
    [
      'In the built-in policies',
      BUILTIN_POLICIES.map(({ name, rules }) => `${name}: \`${rules[id].action}\``).join(', '),
    ],
  ];
  return `# ${id}

${title}. ${reason}

| | |
|---|---|
${facts.map((row) => `| ${row.join(' | ')} |`).join('\n')}

| action | what it does |
|---|---|
${ACTIONS.map((action) => `| \`${action}\` | ${actionText(rule, action)} |`).join('\n')}

${fields.length === 0 ? 'It writes no field.' : `Fields that it may write:\n\n${fields.map((field) => `- \`${field}\``).join('\n')}`}

${settingsText(id)}

To turn it off in one namespace, where the policy allows that (\`disabled\`, or \`warn\` to be told only):

\`\`\`sh
kubectl label ns NAMESPACE kube-harden.io/${id}=disabled
\`\`\`
`;
}

function actionText({ sets, actions, refused }: Rule, action: Action): string {
  if (!actions.includes(action))
    return `refused when the policy loads: ${refused?.[action] ?? 'not possible'}`;
  switch (action) {
    case 'Default':
      return `sets ${sets.Default}`.replace(/^sets nothing/, 'writes nothing');
    case 'Override':
      return actions.includes('Default')
        ? `as Default; besides: ${sets.Override}`.replace('besides: nothing more', 'nothing more')
        : `sets ${sets.Override}, whatever the author wrote`;
    case 'Warn':
      return `writes nothing; reports what ${actions.includes('Default') ? 'Default' : 'Override'} would set, and what is weaker than that`;
    case 'Deny':
      return 'refuses the object for what Warn would report';
    case 'Disabled':
      return 'does not run';
  }
}

interface Schema {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

function settingsText(id: string): string {
  const rows = settingsOf(id);
  if (rows.length === 0) return 'It has no settings besides `action` and `optOut`.';
  return `Settings, beside \`action\` and \`optOut\`:

| setting | default | meaning |
|---|---|---|
${rows.map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')}`;
}

function settingsOf(id: string): string[][] {
  const rules = within(toJsonSchema(), [
    'properties',
    'spec',
    'properties',
    'rules',
    'properties',
    id,
    'properties',
  ]);
  return Object.entries(rules as Readonly<Record<string, Schema>>)
    .filter(([name]) => name !== 'action' && name !== 'optOut')
    .flatMap(([name, schema]) => rowsOf(name, schema));
}

function within(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((found, key) => (found as Readonly<Record<string, unknown>>)[key], value);
}

/** A setting, and below it what it is made of: `requests`, `requests.cpu`, `allowed[].path`. */
function rowsOf(name: string, schema: Schema): string[][] {
  const { description = '', enum: words, items, properties = {} } = schema;
  const choice =
    words && words.length > 1 ? `${words.map((word) => `\`${String(word)}\``).join(' or ')}. ` : '';
  const own = [
    `\`${name}\``,
    'default' in schema ? `\`${shown(schema.default)}\`` : '',
    choice + description,
  ];
  const below = [
    ...Object.entries(properties).flatMap(([key, inner]) => rowsOf(`${name}.${key}`, inner)),
    ...(items?.properties ? Object.entries(items.properties) : []).flatMap(([key, inner]) =>
      rowsOf(`${name}[].${key}`, inner),
    ),
  ];
  return [own, ...below];
}

/** As one writes it in YAML, on one line. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' && /^\d+$/.test(value) ? `"${value}"` : String(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}: ${shown(inner)}`)
    .join(', ')}}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function cataloguePage(): string {
  const actionsIn = (id: Rule['id']): string =>
    BUILTIN_POLICIES.map(({ rules }) => rules[id].action).join(' | ');
  return `<!-- generated from src/hardening/rules/index.ts -->

# The rules

In the order in which they are listed everywhere. A rule's id is the Kubernetes field that it
governs; the same word is the key in a policy, the namespace label (\`kube-harden.io/<id>\`), the label in the metrics, and
the page's name. The risk is that of breaking a program that runs today.

| rule | what it is for | risk | Pod Security | ${BUILTIN_POLICIES.map(({ name }) => name).join(' | ')} |
|---|---|---|---|${BUILTIN_POLICIES.map(() => '---').join('|')}|
${RULES.map(({ id, title, risk, control }) => `| [${id}](${id}.md) | ${title} | ${risk} | ${control?.level ?? ''} | ${actionsIn(id)} |`).join('\n')}

The last columns are the built-in policies: see [policies](../policies.md).

## Why a rule leaves something alone

Each such case is a *skip* with one of these codes, in the preview (\`skips\`), in the metric \`kube_harden_skips_total\`
and in the audit annotation \`skipped\` (there by rule). The page of a rule says which of them it can give and what to do.

| code | reason |
|---|---|
${SKIP_CODES.map((code) => `| \`${code}\` | ${SKIP_REASONS[code]} |`).join('\n')}
`;
}
