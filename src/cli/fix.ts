import { Command, Option } from 'commander';
import type { FilePreview } from '../preview/previewFile.js';
import { ManifestError } from '../preview/manifestError.js';
import { processIo, writeOut, type ManifestIo } from './manifestIo.js';
import {
  filenameOption,
  manifestSources,
  readSource,
  sourcePath,
  sourceProblems,
  type Source,
} from './manifestSources.js';
import { addPlanFlags, loadPlanSettings, type PlanFlags, type PlanSettings } from './planFlags.js';
import { NotReplaceable, replaceFile } from './replaceFile.js';
import { systemReason } from './systemReason.js';

export interface FixOptions extends PlanFlags {
  readonly filename?: readonly string[] | undefined;
  /** Taken only to say why it cannot be. */
  readonly kustomize?: string | undefined;
  readonly write?: boolean | undefined;
}

const NOTHING_TO_DO = 0;
const DIFFERENT = 1;
const ERROR = 2;

const EXAMPLES = `
Without --write nothing is written: the diff is printed. Of - the fixed text is printed, with --write or without.
What is added becomes lines of its own; comments, order, quotes, indentation and line endings stay. A file is replaced
wholly or not at all and keeps its mode. A Helm template is left alone: render it first.
Exit status: 0 nothing to do, 1 changes or violations, 2 error. Violations, which only their author can mend, are named
on standard error.

Example: a pod, what would be written into it, and the file with it
  $ printf '%s\\n' 'apiVersion: v1' 'kind: Pod' 'metadata: {name: web}' 'spec:' '  containers:' \\
      '  - name: web # ours' '    image: registry.example/web' > pod.yaml
  $ kube-harden fix -f pod.yaml
  $ kube-harden fix -f pod.yaml --write
  $ kube-harden fix -f - --policy restricted < pod.yaml`;

/** `kube-harden fix`. Sets `process.exitCode`. */
export function fixCommand(io: ManifestIo = processIo()): Command {
  const command = new Command('fix')
    .description('write the hardened fields into manifests, keeping what their authors wrote')
    .addOption(filenameOption().makeOptionMandatory(false))
    .addOption(new Option('-k, --kustomize <dir>').hideHelp())
    .option('--write', 'write the files, and print one line for each that changes');
  return addPlanFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (options: FixOptions) => {
      process.exitCode = await runFix(options, io);
    });
}

/**
 * Files that can be fixed are, also where others cannot be.
 *
 * @returns the exit status: 0 nothing to do, 1 changes or violations, 2 error
 */
export async function runFix(options: FixOptions, io: ManifestIo): Promise<number> {
  const problems: string[] = [];
  const { filename = [], kustomize } = options;
  if (kustomize !== undefined)
    problems.push(
      '-k: what a kustomization builds is no file of yours to write; see it with preview -k, and fix its bases with -f',
    );
  else if (filename.length === 0)
    problems.push('what to fix? give files: -f FILE, a folder, or - for standard input');
  if (filename.includes('-') && filename.length > 1)
    problems.push('-f -: standard input stands alone, since its fixed text is what is printed');
  const settings = await loadPlanSettings(options, problems);
  const sources = problems.length === 0 ? manifestSources(filename, problems) : [];
  const outcomes = new Set<Outcome>();
  if (settings) {
    for (const source of sources)
      outcomes.add(await fixOne(source, { write: options.write === true, settings, io, problems }));
  }
  for (const problem of problems) io.stderr(`${problem}\n`);
  const isDifferent = outcomes.has('changed') || outcomes.has('violated');
  if (problems.length > 0 || !(isDifferent || outcomes.has('unchanged'))) return ERROR;
  return isDifferent ? DIFFERENT : NOTHING_TO_DO;
}

type Outcome = 'unchanged' | 'changed' | 'violated' | 'leftAlone' | 'failed';

interface Run {
  readonly write: boolean;
  readonly settings: PlanSettings;
  readonly io: ManifestIo;
  readonly problems: string[];
}

async function fixOne(source: Source, run: Run): Promise<Outcome> {
  const [{ previewFile }, { YamlEditError }] = await Promise.all([
    import('../preview/previewFile.js'),
    import('../preview/yamlEditError.js'),
  ]);
  const { io, problems, settings } = run;
  try {
    const file = await readSource(source, io);
    const fixed = await previewFile(file, settings.choices, settings.plans);
    const outcome = await putFixed(fixed, source, run);
    if (outcome !== 'failed') await tellNotes(fixed, io);
    const isViolated = fixed.previews.some(({ result }) => result.violations.length > 0);
    return outcome === 'unchanged' && isViolated ? 'violated' : outcome;
  } catch (error) {
    if (error instanceof ManifestError && error.helmTemplate) {
      const way = 'helm template CHART | kube-harden fix -f -';
      io.stderr(`${sourcePath(source)}: a Helm template, left alone; render it first: ${way}\n`);
      return 'leftAlone';
    }
    problems.push(
      ...(error instanceof YamlEditError
        ? [`${sourcePath(source)}: ${error.message}`]
        : sourceProblems(error, source)),
    );
    return 'failed';
  }
}

/** Prints what is fixed, or writes it. @throws YamlEditError */
async function putFixed(fixed: FilePreview, source: Source, run: Run): Promise<Outcome> {
  const { io, problems } = run;
  const { text, splices, rewritten } = fixed.edited();
  // A document written anew may have another layout, and its anchors are gone: nobody asked for that.
  if (rewritten.length > 0) {
    problems.push(
      ...rewritten.map(
        (index) =>
          `${sourcePath(source)}#${index}: its text cannot be edited in place, and was left alone; preview -o yaml prints it written anew`,
      ),
    );
    return 'failed';
  }
  const outcome = splices.length > 0 ? 'changed' : 'unchanged';
  if (source.path === '-') return (await writeOut(io, text, problems)) ? outcome : 'failed';
  if (splices.length === 0) return outcome;
  if (!run.write) return (await writeOut(io, await diffOf(fixed, io.colour), problems)) ? outcome : 'failed';
  try {
    replaceFile(source.path, text);
  } catch (error) {
    const reason = error instanceof NotReplaceable ? error.message : systemReason(error);
    problems.push(`${source.path}: not written: ${reason}`);
    return 'failed';
  }
  return (await writeOut(io, `${writtenLine(fixed, source)}\n`, problems)) ? outcome : 'failed';
}

async function diffOf(fixed: FilePreview, colour: boolean): Promise<string> {
  const { colouredDiff, unifiedDiff } = await import('../preview/diff.js');
  const diff = unifiedDiff(fixed.file.name, fixed.file.text, fixed.edited().splices);
  return colour ? colouredDiff(diff) : diff;
}

/** @example `web.yaml: 2 fields written (seccompProfile, allowPrivilegeEscalation)` */
function writtenLine({ previews }: FilePreview, source: Source): string {
  const changes = previews.flatMap(({ result }) => result.changes);
  const rules = [...new Set(changes.map(({ rule }) => rule))];
  return `${sourcePath(source)}: ${changes.length} ${changes.length === 1 ? 'field' : 'fields'} written (${rules.join(', ')})`;
}

async function tellNotes({ previews }: FilePreview, io: ManifestIo): Promise<void> {
  const { fixNotes } = await import('../preview/notes.js');
  for (const line of fixNotes(previews)) io.stderr(`${line}\n`);
}
