import { Command, Option } from 'commander';
import { FAIL_ON, hasFindings, type FailOn } from '../preview/findings.js';
import type { PreviewResult } from '../preview/result.js';
import { addClusterFlags, type ClusterFlags } from './clusterFlags.js';
import { processIo, writeOut, type ManifestIo } from './manifestIo.js';
import { filenameOption, kustomizeOption, type ManifestInput } from './manifestSources.js';
import { addPlanFlags, loadPlanSettings, type PlanFlags } from './planFlags.js';
import { previewSources, type SourcePreview } from './previewSources.js';

export interface PreviewOptions extends PlanFlags, ClusterFlags, ManifestInput {
  readonly live?: boolean | undefined;
  readonly output?: Format | undefined;
  readonly failOn?: FailOn | undefined;
}

const FORMATS = ['diff', 'yaml', 'json', 'summary', 'sarif'] as const;
type Format = (typeof FORMATS)[number];

const NOTHING_TO_DO = 0;
const DIFFERENT = 1;
const ERROR = 2;

const EXAMPLES = `
Exit status: 0 nothing to do, 1 changes or violations, 2 error. Nothing is ever written, here or in a cluster.
With --live also 1 where the cluster answers otherwise than was predicted. It has its own text, or -o json; the policies
and namespaces are then those of the cluster, and every object is sent as a dry run, of which nothing is kept.
Of a chart: helm template NAME CHART | kube-harden preview -f -
What ends with 1: --fail-on change (the default) any change or violation; risk only changes of medium or high risk (they
may break a program that runs today) and violations; violation only violations.
The diff hardens the template itself, also where the webhook would only harden the pods that it gives.

Example: a pod, what would be written into it, and the file with it
  $ printf '%s\\n' 'apiVersion: v1' 'kind: Pod' 'metadata: {name: web}' 'spec:' '  containers:' \\
      '  - {name: web, image: registry.example/web}' > pod.yaml
  $ kube-harden preview -f pod.yaml
  $ kube-harden preview -f pod.yaml -n shop --policy restricted -o summary
  $ kube-harden preview -f pod.yaml -o sarif --fail-on risk
  $ kube-harden preview -f - -o yaml --label kube-harden.io/readOnlyRootFilesystem=disabled < pod.yaml`;

/** `kube-harden preview`. Sets `process.exitCode`. */
export function previewCommand(io: ManifestIo = processIo()): Command {
  const command = new Command('preview')
    .description('show what hardening does to manifests, line by line, without a cluster')
    .addOption(filenameOption().makeOptionMandatory(false))
    .addOption(kustomizeOption())
    .addOption(new Option('-o, --output <format>', 'what to print').choices(FORMATS).default('diff'))
    .addOption(
      new Option('--fail-on <findings>', 'what ends with status 1').choices(FAIL_ON).default('change'),
    );
  addPlanFlags(command)
    .option(
      '--pod-security-version <version>',
      'the version of the Pod Security Standards to judge by, such as v1.36 (default: "latest"; of a cluster: its own)',
    )
    .option(
      '--live',
      "ask the cluster too, by a server-side dry run of each object, and say where its webhook's answer is another",
    );
  return addClusterFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (options: PreviewOptions) => {
      process.exitCode = await runPreview(options, io);
    });
}

/** @returns the exit status: 0 nothing to do, 1 changes or violations, 2 error */
export async function runPreview(options: PreviewOptions, io: ManifestIo): Promise<number> {
  const problems: string[] = inputProblems(options);
  if (problems.length > 0) return told(problems, io);
  if (options.live === true) return runLive(options, io);
  const settings = await loadPlanSettings(options, problems);
  const previews = await previewSources(options, settings, io, problems);
  if (problems.length === 0) await printAll(previews, options.output ?? 'diff', io, problems);
  if (problems.length > 0) return told(problems, io);
  return hasFindings(resultsOf(previews), options.failOn) ? DIFFERENT : NOTHING_TO_DO;
}

function told(problems: readonly string[], io: ManifestIo): typeof ERROR {
  for (const problem of problems) io.stderr(`${problem}\n`);
  return ERROR;
}

/** Flags that have no meaning together, or none alone. */
function inputProblems(options: PreviewOptions): string[] {
  const { filename = [], kustomize, output, live } = options;
  const problems: string[] = [];
  if (filename.length === 0 && kustomize === undefined)
    problems.push(
      'what to preview? give files (-f FILE, a folder, or - for standard input) or a kustomization (-k DIR)',
    );
  if (kustomize !== undefined && output === 'sarif')
    problems.push("-o sarif: it names lines of files, and those of a kustomization's build are in none");
  const clusterFlag = CLUSTER_FLAGS.find((name) => options[name] !== undefined);
  if (live !== true && clusterFlag !== undefined)
    problems.push(`--${clusterFlag}: no cluster is asked without --live`);
  return problems;
}

/** Those by which people mean a cluster: without `--live` the answer would not be of it. */
const CLUSTER_FLAGS = ['kubeconfig', 'context', 'cluster', 'server'] as const;

/** @returns the exit status: 0 nothing to do and nothing different, 1 changes, violations or differences, 2 error */
async function runLive(options: PreviewOptions, io: ManifestIo): Promise<number> {
  const { runLivePreview } = await import('./liveRun.js');
  const problems: string[] = [];
  const { results, isDifferent } = await runLivePreview(options, io, problems);
  if (problems.length > 0) return told(problems, io);
  return isDifferent || hasFindings(results, options.failOn) ? DIFFERENT : NOTHING_TO_DO;
}

function resultsOf(previews: readonly SourcePreview[]): PreviewResult[] {
  return previews.flatMap(({ preview }) => preview.previews.map(({ result }) => result));
}

async function printAll(
  previews: readonly SourcePreview[],
  format: Format,
  io: ManifestIo,
  problems: string[],
): Promise<void> {
  let text: string;
  try {
    text = await render(previews, format, io.colour);
  } catch (error) {
    const { YamlEditError } = await import('../preview/yamlEditError.js');
    if (!(error instanceof YamlEditError)) throw error;
    problems.push(error.message);
    return;
  }
  if (!(await writeOut(io, text, problems))) return;
  // The others say it themselves.
  if (format !== 'diff' && format !== 'yaml') return;
  const { diffNotes } = await import('../preview/notes.js');
  for (const line of diffNotes(previews.flatMap(({ preview }) => preview.previews))) io.stderr(`${line}\n`);
}

async function render(previews: readonly SourcePreview[], format: Format, colour: boolean): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify({ results: resultsOf(previews) }, null, 2)}\n`;
    case 'summary': {
      const { summary } = await import('../preview/summary.js');
      return summary(resultsOf(previews), colour);
    }
    case 'sarif': {
      const { sarifText } = await import('./sarifText.js');
      return sarifText(previews);
    }
    case 'yaml':
      return previews.map(({ preview }) => preview.edited().text).reduce(joinDocuments, '');
    case 'diff': {
      const { colouredDiff, unifiedDiff } = await import('../preview/diff.js');
      const diff = previews
        .map(({ preview }) => unifiedDiff(preview.file.name, preview.file.text, preview.edited().splices))
        .join('');
      return colour ? colouredDiff(diff) : diff;
    }
  }
}

function joinDocuments(before: string, text: string): string {
  if (before === '') return text;
  const ended = before.endsWith('\n') ? before : `${before}\n`;
  // A byte order mark is one at the very beginning only.
  const rest = text.replace(/^\uFEFF/, '');
  return /^---\s/.test(rest) ? ended + rest : `${ended}---\n${rest}`;
}
