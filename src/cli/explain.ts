import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { ExplainSources, Explanation } from '../preview/explain.js';
import type { RuleId } from '../hardening/rule.js';
import { processIo, writeOut, type ManifestIo } from './manifestIo.js';
import { addPlanFlags, loadPlanSettings, type PlanFlags, type PlanSettings } from './planFlags.js';
import { previewSources } from './previewSources.js';

export interface ExplainOptions extends PlanFlags {
  readonly output?: 'text' | 'json' | undefined;
}

const NOTHING_TO_DO = 0;
const DIFFERENT = 1;
const ERROR = 2;

const EXAMPLES = `
Exit status: 0 nothing to do, 1 changes or violations (with RULE: of this rule), 2 error. Nothing is ever written.

Example: a pod, what happens to it and why, and one rule alone
  $ printf '%s\\n' 'apiVersion: v1' 'kind: Pod' 'metadata: {name: web}' 'spec:' '  containers:' \\
      '  - {name: web, image: registry.example/web}' > pod.yaml
  $ kube-harden explain pod.yaml
  $ kube-harden explain pod.yaml readOnlyRootFilesystem -n shop
  $ kube-harden explain - -o json --policy restricted < pod.yaml`;

/** `kube-harden explain`. Sets `process.exitCode`. */
export function explainCommand(io: ManifestIo = processIo()): Command {
  const command = new Command('explain')
    .description(
      'tell of a workload, field by field: value now, value after, which rule, why, what changes it',
    )
    .argument('<file|->', 'YAML or JSON: a file, a folder, or - for standard input')
    .argument('[rule]', 'tell of this rule alone, such as readOnlyRootFilesystem')
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'));
  return addPlanFlags(command)
    .option(
      '--pod-security-version <version>',
      'the version of the Pod Security Standards to judge by, such as v1.36 (default: "latest")',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, rule: string | undefined, options: ExplainOptions) => {
      process.exitCode = await runExplain(path, rule, options, io);
    });
}

/** @returns the exit status: 0 nothing to do, 1 changes or violations, 2 error */
export async function runExplain(
  path: string,
  rule: string | undefined,
  options: ExplainOptions,
  io: ManifestIo,
): Promise<number> {
  const problems: string[] = [];
  const only = rule === undefined ? undefined : await knownRule(rule, problems);
  const settings = await loadPlanSettings(options, problems);
  const previews = await previewSources([path], settings, io, problems);
  const explanations: Explanation[] = [];
  if (settings && problems.length === 0) {
    const { explainFile } = await import('../preview/explain.js');
    const sources = await explainSources(settings, options.policyFile);
    for (const { preview } of previews) explanations.push(...(await explainFile(preview, sources, only)));
    await writeOut(io, await render(explanations, options.output ?? 'text', io.colour), problems);
  }
  if (problems.length > 0) {
    for (const problem of problems) io.stderr(`${problem}\n`);
    return ERROR;
  }
  const { hasFindings } = await import('../preview/findings.js');
  return hasFindings(explanations.flatMap(({ rules }) => rules)) ? DIFFERENT : NOTHING_TO_DO;
}

async function knownRule(rule: string, problems: string[]): Promise<RuleId | undefined> {
  const { RULE_IDS } = await import('../hardening/rule.js');
  const known = RULE_IDS.find((id) => id === rule);
  if (known) return known;
  const { suggestion } = await import('../policy/didYouMean.js');
  problems.push(
    `there is no rule "${rule}"${suggestion(rule, RULE_IDS) || '; kube-harden rules lists them all'}`,
  );
  return undefined;
}

/** The policies once more, with what plans leave out: reasons, expiries, lines. They have been loaded without an error. */
async function explainSources(
  { plans, choices }: PlanSettings,
  policyFile: string | undefined,
): Promise<ExplainSources> {
  const [{ BUILTIN_POLICIES }, { loadPolicies, policyFiles }, { overByName }, { PolicyPlaces }] =
    await Promise.all([
      import('../policy/builtin.generated.js'),
      import('../policy/load.js'),
      import('../policy/policy.js'),
      import('../preview/policyPlaces.js'),
    ]);
  const files = policyFile === undefined ? [] : policyFiles(policyFile);
  const texts = files.map((name) => ({ name, text: readFileSync(name, 'utf8') }));
  const own = texts.flatMap(({ name, text }) => loadPolicies(text, { source: name }));
  return { plans, choices, policies: overByName(BUILTIN_POLICIES, own), places: new PolicyPlaces(texts) };
}

async function render(
  explanations: readonly Explanation[],
  format: NonNullable<ExplainOptions['output']>,
  colour: boolean,
): Promise<string> {
  if (format === 'json') return `${JSON.stringify({ results: explanations }, null, 2)}\n`;
  const { explainText } = await import('../preview/explainText.js');
  return explainText(explanations, colour);
}
