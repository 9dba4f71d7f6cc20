import { Command, Option } from 'commander';
import type { CatalogueEntry } from '../preview/catalogue.js';
import type { Output } from './output.js';
import { processOutput } from './output.js';

export interface RulesOptions {
  readonly output?: 'table' | 'json' | undefined;
}

/** `kube-harden rules`. Sets `process.exitCode`: 0, or 2 for an id that no rule has. */
export function rulesCommand(output: Output = processOutput): Command {
  return new Command('rules')
    .description(
      "list the hardening rules, or print all that is known of one; an id is the Kubernetes field's name",
    )
    .argument('[id]', "a rule's id, such as readOnlyRootFilesystem")
    .addOption(
      new Option('-o, --output <format>', 'table or json').choices(['table', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      `
Exit status: 0, or 2 where there is no such rule.

Examples:
  $ kube-harden rules
  $ kube-harden rules readOnlyRootFilesystem
  $ kube-harden rules -o json`,
    )
    .action(async (id: string | undefined, options: RulesOptions) => {
      process.exitCode = await runRules(id, options, output);
    });
}

/** @returns the exit status: 0, or 2 for an id that no rule has */
export async function runRules(
  id: string | undefined,
  { output: format = 'table' }: RulesOptions,
  output: Output = processOutput,
): Promise<number> {
  const { CATALOGUE } = await import('../preview/catalogue.js');
  if (id === undefined) {
    output.stdout(format === 'json' ? json({ rules: CATALOGUE }) : table(CATALOGUE));
    return 0;
  }
  const entry = CATALOGUE.find((candidate) => candidate.id === id);
  if (!entry) {
    const { suggestion } = await import('../policy/didYouMean.js');
    const ids = CATALOGUE.map((candidate) => candidate.id);
    const hint = suggestion(id, ids) || '; kube-harden rules lists them all';
    output.stderr(`there is no rule "${id}"${hint}\n`);
    return 2;
  }
  output.stdout(format === 'json' ? json(entry) : page(entry));
  return 0;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function table(entries: readonly CatalogueEntry[]): string {
  const rows = entries.map(({ id, risk, os, control, title }) => [
    id,
    risk,
    os,
    control?.level ?? '-',
    title,
  ]);
  const all = [['RULE', 'RISK', 'OS', 'PSS', 'WHAT IT IS FOR'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return all.map((row) => `${line(row).trimEnd()}\n`).join('');
}

function page({
  id,
  title,
  reason,
  risk,
  control,
  os,
  actions,
  refused,
  sets,
  fields,
}: CatalogueEntry): string {
  const hasDefault = actions.includes('Default');
  const rows: [string, string][] = [
    ['risk', `${risk}: how likely it is to break a program that runs today`],
    [
      'control',
      control
        ? `Pod Security Standards ${control.level}: ${control.name}`
        : 'none of the Pod Security Standards',
    ],
    ['os', os],
    ['actions', actions.join(', ')],
    ...Object.entries(refused).map(([action, why]): [string, string] => ['', `not ${action}: ${why}`]),
    ...(hasDefault ? [['Default sets', sets.Default] as [string, string]] : []),
    ...(actions.includes('Override')
      ? [[hasDefault ? 'Override also' : 'Override sets', sets.Override] as [string, string]]
      : []),
    ...fields.map((field, index): [string, string] => [index === 0 ? 'fields' : '', field]),
    ['opt out', `kubectl label ns NAMESPACE kube-harden.io/${id}=disabled`],
  ];
  const body = rows.map(([label, text]) => `${label.padEnd(13)} ${text}\n`).join('');
  return `${id}: ${title}\n\n${reason}\n\n${body}`;
}
