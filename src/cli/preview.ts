import { Command, Option } from 'commander';
import type { FilePreview } from '../preview/previewFile.js';
import { processIo, writeOut, type ManifestIo } from './manifestIo.js';
import { filenameOption, manifestSources, readSource, sourceProblems } from './manifestSources.js';
import { addPlanFlags, loadPlanSettings, type PlanFlags } from './planFlags.js';

export interface PreviewOptions extends PlanFlags {
  readonly filename: readonly string[];
  readonly output?: 'diff' | 'yaml' | 'json' | 'summary' | undefined;
}

const NOTHING_TO_DO = 0;
const DIFFERENT = 1;
const ERROR = 2;

const EXAMPLES = `
Exit status: 0 nothing to do, 1 changes or violations, 2 error. Nothing is ever written, here or in a cluster.
The diff hardens the template itself, also where the webhook would only harden the pods that it gives.

Example: a pod, what would be written into it, and the file with it
  $ printf '%s\\n' 'apiVersion: v1' 'kind: Pod' 'metadata: {name: web}' 'spec:' '  containers:' \\
      '  - {name: web, image: registry.example/web}' > pod.yaml
  $ kube-harden preview -f pod.yaml
  $ kube-harden preview -f pod.yaml -n shop --policy restricted -o summary
  $ kube-harden preview -f - -o yaml --label kube-harden.io/readOnlyRootFilesystem=disabled < pod.yaml`;

/** `kube-harden preview`. Sets `process.exitCode`. */
export function previewCommand(io: ManifestIo = processIo()): Command {
  const command = new Command('preview')
    .description('show what hardening does to manifests, line by line, without a cluster')
    .addOption(filenameOption())
    .addOption(
      new Option('-o, --output <format>', 'what to print')
        .choices(['diff', 'yaml', 'json', 'summary'])
        .default('diff'),
    );
  return addPlanFlags(command)
    .option(
      '--pod-security-version <version>',
      'the version of the Pod Security Standards to judge by, such as v1.36 (default: "latest")',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: PreviewOptions) => {
      process.exitCode = await runPreview(options, io);
    });
}

/** @returns the exit status: 0 nothing to do, 1 changes or violations, 2 error */
export async function runPreview(options: PreviewOptions, io: ManifestIo): Promise<number> {
  const problems: string[] = [];
  const previews = await previewAll(options, io, problems);
  if (problems.length === 0) await printAll(previews, options.output ?? 'diff', io, problems);
  if (problems.length > 0) {
    for (const problem of problems) io.stderr(`${problem}\n`);
    return ERROR;
  }
  const results = previews.flatMap((file) => file.previews.map(({ result }) => result));
  const isDifferent = results.some(({ changes, violations }) => changes.length > 0 || violations.length > 0);
  return isDifferent ? DIFFERENT : NOTHING_TO_DO;
}

/** Every file is looked at, also where a flag is wrong: all problems are told together. */
async function previewAll(
  options: PreviewOptions,
  io: ManifestIo,
  problems: string[],
): Promise<FilePreview[]> {
  const { previewFile } = await import('../preview/previewFile.js');
  const settings = await loadPlanSettings(options, problems);
  const previews: FilePreview[] = [];
  for (const source of manifestSources(options.filename, problems)) {
    try {
      const file = await readSource(source, io);
      if (settings) previews.push(await previewFile(file, settings.choices, settings.plans));
    } catch (error) {
      problems.push(...sourceProblems(error, source));
    }
  }
  return previews;
}

async function printAll(
  previews: readonly FilePreview[],
  format: NonNullable<PreviewOptions['output']>,
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
  // The other two say it themselves.
  if (format === 'json' || format === 'summary') return;
  const { notes } = await import('../preview/notes.js');
  for (const line of notes(previews.flatMap((file) => file.previews))) io.stderr(`${line}\n`);
}

async function render(
  previews: readonly FilePreview[],
  format: NonNullable<PreviewOptions['output']>,
  colour: boolean,
): Promise<string> {
  const results = previews.flatMap((file) => file.previews.map(({ result }) => result));
  switch (format) {
    case 'json':
      return `${JSON.stringify({ results }, null, 2)}\n`;
    case 'summary': {
      const { summary } = await import('../preview/summary.js');
      return summary(results, colour);
    }
    case 'yaml':
      return previews.map((preview) => preview.edited().text).reduce(joinDocuments, '');
    case 'diff': {
      const { colouredDiff, unifiedDiff } = await import('../preview/diff.js');
      const diff = previews
        .map((preview) => unifiedDiff(preview.file.name, preview.file.text, preview.edited().splices))
        .join('');
      return colour ? colouredDiff(diff) : diff;
    }
  }
}

function joinDocuments(before: string, text: string): string {
  if (before === '') return text;
  const ended = before.endsWith('\n') ? before : `${before}\n`;
  return /^---\s/.test(text) ? ended + text : `${ended}---\n${text}`;
}
