import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { ExplainSources, Explanation } from '../preview/explain.js';
import type { RuleId } from '../hardening/rule.js';
import { addClusterFlags, type ClusterFlags } from './clusterFlags.js';
import type { LiveTarget } from './liveTarget.js';
import { processIo, writeOut, type ManifestIo } from './manifestIo.js';
import { kustomizeOption, type ManifestInput } from './manifestSources.js';
import { addPlanFlags, loadPlanSettings, type PlanFlags } from './planFlags.js';
import { previewSources } from './previewSources.js';

export interface ExplainOptions extends PlanFlags, ClusterFlags {
  readonly kustomize?: string | undefined;
  readonly output?: 'text' | 'json' | undefined;
}

const NOTHING_TO_DO = 0;
const DIFFERENT = 1;
const ERROR = 2;

const EXAMPLES = `
What is called like a file or folder that exists is read as one; KIND/NAME (pod/web, deploy/web, sts, ds, rs, job, cj) is
read from the cluster, with the namespace's own labels and policy. Of a pod that the webhook has hardened, the value
before is that of its controller's template, or of the manifest that was last applied: explain pod/web -n shop
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
    .argument(
      '[file|kind/name|->]',
      'YAML or JSON: a file, a folder, or - for standard input; or a workload of the cluster, such as pod/web',
    )
    .argument('[rule]', 'tell of this rule alone, such as readOnlyRootFilesystem')
    .addOption(kustomizeOption())
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'));
  addPlanFlags(command).option(
    '--pod-security-version <version>',
    'the version of the Pod Security Standards to judge by, such as v1.36 (default: "latest"; of a cluster: its own)',
  );
  return addClusterFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (target: string | undefined, rule: string | undefined, options: ExplainOptions) => {
      process.exitCode = await runExplain(target, rule, options, io);
    });
}

/** @returns the exit status: 0 nothing to do, 1 changes or violations, 2 error */
export async function runExplain(
  target: string | undefined,
  rule: string | undefined,
  options: ExplainOptions,
  io: ManifestIo,
): Promise<number> {
  const problems: string[] = [];
  const asked = await askedFor(target, rule, options, problems);
  const only = asked.rule === undefined ? undefined : await knownRule(asked.rule, problems);
  const explanations =
    asked.live === undefined
      ? await ofFiles(asked.input, only, options, io, problems)
      : await ofCluster(asked.live, only, options, io, problems);
  if (problems.length === 0)
    await writeOut(io, await render(explanations, options.output ?? 'text', io.colour), problems);
  if (problems.length > 0) {
    for (const problem of problems) io.stderr(`${problem}\n`);
    return ERROR;
  }
  const { hasFindings } = await import('../preview/findings.js');
  return hasFindings(explanations.flatMap(({ rules }) => rules)) ? DIFFERENT : NOTHING_TO_DO;
}

interface Asked {
  readonly input: ManifestInput;
  /** Given where a cluster's workload is meant. */
  readonly live?: LiveTarget;
  readonly rule: string | undefined;
}

/** Those by which people mean a cluster. */
const CLUSTER_FLAGS = ['kubeconfig', 'context', 'cluster', 'server'] as const;

function clusterFlagProblems(options: ExplainOptions, target: string): string[] {
  const flag = CLUSTER_FLAGS.find((name) => options[name] !== undefined);
  return flag === undefined
    ? []
    : [`--${flag}: no cluster is asked about ${target}, which is a file or folder`];
}

/** With -k the first word is the rule. */
async function askedFor(
  target: string | undefined,
  rule: string | undefined,
  options: ExplainOptions,
  problems: string[],
): Promise<Asked> {
  const { kustomize } = options;
  if (kustomize !== undefined) {
    if (rule !== undefined) problems.push(`-k: a kustomization stands alone; leave ${String(target)} out`);
    problems.push(...clusterFlagProblems(options, kustomize));
    return { input: { kustomize }, rule: rule ?? target };
  }
  if (target === undefined) {
    problems.push('what to explain? give a file, a folder, -, KIND/NAME (such as pod/web), or -k DIR');
    return { input: {}, rule };
  }
  const input = { filename: [target] };
  const isFile = target === '-' || existsSync(target);
  if (isFile) {
    problems.push(...clusterFlagProblems(options, target));
    return { input, rule };
  }
  const { isLiveWord, parseLiveTarget } = await import('./liveTarget.js');
  const live = parseLiveTarget(target);
  if (!('problem' in live)) return { input, live, rule };
  // A path that looks like none of a workload is told as the file that it is not, by who reads files.
  if (!isLiveWord(target)) return { input, rule };
  problems.push(`${target}: there is no such file or folder; as KIND/NAME: ${live.problem}`);
  return { input: {}, rule };
}

async function ofFiles(
  input: ManifestInput,
  only: RuleId | undefined,
  options: ExplainOptions,
  io: ManifestIo,
  problems: string[],
): Promise<Explanation[]> {
  const settings = await loadPlanSettings(options, problems);
  const previews = await previewSources(input, settings, io, problems);
  const explanations: Explanation[] = [];
  if (!settings || problems.length > 0) return explanations;
  const [{ explainFile }, { BUILTIN_POLICIES }, { overByName }, { policyFilePlaces }] = await Promise.all([
    import('../preview/explain.js'),
    import('../policy/builtin.generated.js'),
    import('../policy/policy.js'),
    import('./policyFilePlaces.js'),
  ]);
  const { own, places } = await policyFilePlaces(options);
  const sources: ExplainSources = { ...settings, policies: overByName(BUILTIN_POLICIES, own), places };
  for (const { preview } of previews) explanations.push(...explainFile(preview, sources, only));
  return explanations;
}

async function ofCluster(
  live: LiveTarget,
  only: RuleId | undefined,
  options: ExplainOptions,
  io: ManifestIo,
  problems: string[],
): Promise<readonly Explanation[]> {
  const { explainLive } = await import('./liveExplain.js');
  const { explanations, missing } = await explainLive(live, only, options, problems);
  for (const line of missing) io.stderr(`warning: not everything could be read: ${line}\n`);
  return explanations;
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

async function render(
  explanations: readonly Explanation[],
  format: NonNullable<ExplainOptions['output']>,
  colour: boolean,
): Promise<string> {
  if (format === 'json') return `${JSON.stringify({ results: explanations }, null, 2)}\n`;
  const { explainText } = await import('../preview/explainText.js');
  return explainText(explanations, colour);
}
