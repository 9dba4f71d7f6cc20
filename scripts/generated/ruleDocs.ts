import { existsSync, readFileSync } from 'node:fs';
import { ACTIONS, SKIP_CODES, type Action, type Rule, type RuleId } from '../../src/hardening/rule.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { toJsonSchema } from '../../src/policy/schema.js';
import { SKIP_REASONS } from '../../src/preview/skipReasons.js';
import { withFreshExamples } from './examples.js';
import type { GeneratedFile } from './generatedFile.js';
import { table } from './markdown.js';
import { policyDefaults } from './policyDefaults.js';
import { fieldRows, type FieldRow, type FieldSchema } from './schemaRows.js';

const ROOT = new URL('../../', import.meta.url);

/** Below a head that was just made for a new rule: what is to be written by hand. */
const SKELETON = '\n## Why\n\nTo be written.\n\n<!-- opt out -->\n<!-- end of opt out -->\n';

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
  return `${startOfHead(rule.id)}\n\n${head(rule)}\n${END_OF_HEAD}\n${await withFreshExamples(withFreshOptOut(rest, rule))}`;
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
`;
}

/** The part of a page that is made anew: the section on ways out, among those that are written by hand. */
const OPT_OUT = /<!-- opt out -->\n[\s\S]*?<!-- end of opt out -->/;

function withFreshOptOut(rest: string, rule: Rule): string {
  return rest.replace(OPT_OUT, () => `<!-- opt out -->\n\n${optOutText(rule)}\n\n<!-- end of opt out -->`);
}

/** The two of which the contract says that `Default` rewrites what an author wrote. */
const REWRITTEN: readonly RuleId[] = ['capabilities', 'automountServiceAccountToken'];

/** What an image profile can say so that a rule does its image no harm. */
const PROFILES: Partial<Record<RuleId, string>> = {
  runAsNonRoot: '`runAsUser: 999` gives it the user with which it works, which this rule then declares.',
  runAsUser:
    '`runAsUser: 999` gives it the user with which it works; `startsAsRoot: {capabilities: [CHOWN, SETGID, SETUID], volumes: [/data]}` leaves it root where a volume of its data is mounted.',
  capabilities:
    "`needs: [NET_BIND_SERVICE]` adds what the program's own file carries; `startsAsRoot: {capabilities: [CHOWN, SETGID, SETUID]}` gives back what its entrypoint needs as root.",
  allowPrivilegeEscalation: '`needs: [allowPrivilegeEscalation]` skips this rule.',
  readOnlyRootFilesystem:
    '`writablePaths: [/var/cache/app]` keeps what it writes to writable; `needs: [writableRoot]` skips this rule.',
  seccompProfile: '`needs: [unconfinedSeccomp]` skips this rule.',
};

/** Label, exception, profile, policy, manifest: every way that there is for this rule, the narrowest last. */
function optOutText({ id, actions, sets, fields, wholePod }: Rule): string {
  const profile = PROFILES[id];
  const writes = actions.includes('Default') && fields.length > 0 && !sets.Default.startsWith('nothing');
  const where = wholePod
    ? '; this rule decides for the pod as a whole, so it has to match every container'
    : '';
  const parts = [
    '## How to opt out',
    'Each of these holds for pods that are created afterwards: let those that run be made anew (`kubectl rollout restart deployment NAME`).',
    `Everywhere: give the rule the action \`Warn\` or \`Disabled\` in the [policy](../policies.md).

In one namespace, where the policy allows that (\`disabled\`, or \`warn\` to be told only):

\`\`\`sh
kubectl label ns NAMESPACE kube-harden.io/${id}=disabled
\`\`\``,
    ...(profile === undefined
      ? []
      : [
          `For every pod of an image: an [image profile](../policies.md#image-profiles) in the policy. ${profile}`,
        ]),
    `For one workload: an [exception](../policies.md#exceptions) in the policy${where}.

\`\`\`yaml
spec:
  exceptions:
    - name: web-${id}
      reason: why it has to be, and the ticket
      expires: "2027-03-01"
      match: {namespaces: [shop], podLabels: {app: web}${wholePod ? '' : ', containers: [web]'}}
      rules: [${id}]
\`\`\``,
    ...(writes && !REWRITTEN.includes(id)
      ? [
          'In the manifest: under `Default` a value that its author wrote stands. It is reported where it is weaker.',
        ]
      : []),
  ];
  return parts.join('\n\n');
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

function settingsText(id: RuleId): string {
  const rows = settingsOf(id).map(({ name, byDefault, meaning }) => [name, byDefault, meaning]);
  if (rows.length === 0) return 'It has no settings besides `action` and `optOut`.';
  return `Settings, beside \`action\` and \`optOut\`:\n\n${table(['setting', 'default', 'meaning'], rows)}`;
}

function settingsOf(id: RuleId): FieldRow[] {
  const rules = within(toJsonSchema(), ['properties', 'spec', 'properties', 'rules']) as FieldSchema;
  const settings = Object.entries(rules.properties?.[id]?.properties ?? {}).filter(
    ([name]) => name !== 'action' && name !== 'optOut',
  );
  const parsed = policyDefaults().rules[id];
  return settings.flatMap(([name, schema]) => fieldRows(name, schema, { parsed: parsed[name] }));
}

function within(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((found, key) => (found as Readonly<Record<string, unknown>>)[key], value);
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
