import { readFileSync, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { Command, Option } from 'commander';
import type { PreviewPlans, FilePreview } from '../preview/previewFile.js';
import type { GivenChoices } from '../preview/choices.js';
import type { ManifestIssue } from '../preview/manifestError.js';
import type { Output } from './output.js';
import { processOutput } from './output.js';

/** What the command needs of the process, so that tests need none. */
export interface PreviewIo extends Output {
  stdin(): Promise<Uint8Array>;
  /** Standard output is a terminal that shows colours. */
  readonly colour: boolean;
}

export interface PreviewOptions {
  readonly filename: readonly string[];
  readonly output?: 'diff' | 'yaml' | 'json' | 'summary' | undefined;
  readonly namespace?: string | undefined;
  readonly policy?: string | undefined;
  readonly policyFile?: string | undefined;
  readonly namespacesFile?: string | undefined;
  readonly mode?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly podSecurityVersion?: string | undefined;
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
export function previewCommand(io: PreviewIo = processIo()): Command {
  const repeat = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
  return new Command('preview')
    .description('show what hardening does to manifests, line by line, without a cluster')
    .requiredOption(
      '-f, --filename <file|dir|->',
      'YAML or JSON: a file, a folder of *.yaml, *.yml and *.json files, or - for standard input; may be repeated',
      repeat,
    )
    .addOption(
      new Option('-o, --output <format>', 'what to print')
        .choices(['diff', 'yaml', 'json', 'summary'])
        .default('diff'),
    )
    .option('-n, --namespace <name>', 'the namespace of objects that name none (default: "default")')
    .option('--policy <name>', 'the policy to apply, whatever the namespace says')
    .option('--policy-file <file|dir>', 'HardeningPolicies, over the built-in ones by name')
    .option('--namespaces-file <file>', 'a List of Namespaces with their labels; without it all are enforce')
    .option('--mode <mode>', 'enforce, audit or disabled, whatever the namespace says')
    .option('--label <key=value>', 'a label that the namespace shall have; may be repeated', repeat)
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
export async function runPreview(options: PreviewOptions, io: PreviewIo): Promise<number> {
  const problems: string[] = [];
  const plans = await loadPlans(options, problems);
  const previews = await previewAll(options, plans, io, problems);
  if (problems.length > 0) {
    for (const problem of problems) io.stderr(`${problem}\n`);
    return ERROR;
  }
  try {
    io.stdout(await render(previews, options.output ?? 'diff', io.colour));
  } catch (error) {
    const { YamlEditError } = await import('../preview/yamlEditError.js');
    if (!(error instanceof YamlEditError)) throw error;
    io.stderr(`${error.message}\n`);
    return ERROR;
  }
  const objects = previews.flatMap((file) => file.previews);
  // The other two say it themselves.
  if (options.output !== 'json' && options.output !== 'summary') {
    const { notes } = await import('../preview/notes.js');
    io.stderr(
      notes(objects)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
  const isDifferent = objects.some(({ result }) => result.changes.length > 0 || result.violations.length > 0);
  return isDifferent ? DIFFERENT : NOTHING_TO_DO;
}

interface Loaded {
  readonly plans: PreviewPlans;
  readonly names: readonly string[];
}

/** The built-in policies, those of --policy-file over them, and the namespaces; undefined where a file is wrong. */
async function loadPlans(options: PreviewOptions, problems: string[]): Promise<Loaded | undefined> {
  const [{ BUILTIN_POLICIES }, { StandalonePlans }, { loadPolicyPath }, { loadNamespacesFile }] =
    await Promise.all([
      import('../policy/builtin.generated.js'),
      import('../policy/standalonePlans.js'),
      import('../policy/load.js'),
      import('../policy/namespacesFile.js'),
    ]);
  const { policyFile, namespacesFile } = options;
  const own = policyFile === undefined ? [] : read('--policy-file', policyFile, loadPolicyPath, problems);
  const namespaces =
    namespacesFile === undefined
      ? undefined
      : read('--namespaces-file', namespacesFile, loadNamespacesFile, problems);
  if (!own || problems.length > 0) return undefined;
  const policies = [
    ...new Map([...BUILTIN_POLICIES, ...own].map((policy) => [policy.name, policy])).values(),
  ];
  const plans = new StandalonePlans({ policies, namespaces, clock: Date.now });
  return { plans, names: policies.map(({ name }) => name) };
}

function read<T>(flag: string, path: string, load: (path: string) => T, problems: string[]): T | undefined {
  try {
    return load(path);
  } catch (error) {
    // The loaders' own errors carry a code; what has none is a bug.
    if (!(error instanceof Error && 'code' in error)) throw error;
    const lines = 'syscall' in error ? [`${path}: ${systemReason(error)}`] : error.message.split('\n');
    problems.push(...lines.map((line) => `${flag}: ${line}`));
    return undefined;
  }
}

async function previewAll(
  options: PreviewOptions,
  loaded: Loaded | undefined,
  io: PreviewIo,
  problems: string[],
): Promise<FilePreview[]> {
  const [{ readChoices }, { readManifests }, { previewFile }, { ManifestError }] = await Promise.all([
    import('../preview/choices.js'),
    import('../preview/manifests.js'),
    import('../preview/previewFile.js'),
    import('../preview/manifestError.js'),
  ]);
  const given: GivenChoices = { ...options, labels: options.label ?? [] };
  const read = loaded && readChoices(given, loaded.names);
  if (read && 'problems' in read) problems.push(...read.problems.map(flagProblem));
  const previews: FilePreview[] = [];
  for (const source of options.filename.flatMap((path) => sources(path, problems))) {
    try {
      const bytes = source.path === '-' ? await io.stdin() : readFileSync(source.path);
      const file = readManifests(bytes, { file: source.name });
      if (!read || !('choices' in read)) continue;
      previews.push(await previewFile(file, read.choices, loaded.plans));
    } catch (error) {
      if (error instanceof ManifestError)
        problems.push(
          ...error.issues.map((issue) => issueLine(issue, source.path === '-' ? source.name : source.path)),
        );
      else if (error instanceof Error && 'syscall' in error)
        problems.push(`${source.path}: ${systemReason(error)}`);
      else throw error;
    }
  }
  return previews;
}

/** A choice is named as in a query: `podSecurityVersion` is `--pod-security-version`. */
function flagProblem(problem: string): string {
  return `--${problem.replace(/^\w+/, (name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))}`;
}

interface Source {
  readonly path: string;
  /** As it is called in messages and diffs: from the current folder where it lies in there. */
  readonly name: string;
}

const MANIFEST = /\.(?:ya?ml|json)$/;

/** The files that one `-f` names; a folder's own, not those of the folders in it, as with kubectl. */
function sources(path: string, problems: string[]): Source[] {
  if (path === '-') return [{ path, name: 'stdin' }];
  try {
    if (!statSync(path).isDirectory()) return [{ path, name: nameOf(path) }];
    const files = readdirSync(path)
      .filter((name) => MANIFEST.test(name))
      .sort()
      .map((name) => join(path, name))
      .filter((file) => statSync(file).isFile());
    if (files.length === 0) problems.push(`${path}: no *.yaml, *.yml or *.json file in this folder`);
    return files.map((file) => ({ path: file, name: nameOf(file) }));
  } catch (error) {
    problems.push(`${path}: ${systemReason(error)}`);
    return [];
  }
}

/** `patch` takes no path that leads out of the folder it is called in. */
function nameOf(path: string): string {
  const fromHere = relative(process.cwd(), path);
  const isInside = fromHere !== '' && !fromHere.startsWith('..') && !isAbsolute(fromHere);
  return (isInside ? fromHere : path.replace(/^(?:\.{0,2}[\\/])+/, '')).split(sep).join('/');
}

function systemReason(error: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'no permission to read it',
  };
  if (!(error instanceof Error)) throw error;
  const code = 'code' in error ? String(error.code) : '';
  return reasons[code] ?? error.message;
}

/** `file:line:column: field: message`. */
function issueLine({ line, column, field, message }: ManifestIssue, file: string): string {
  return [[file, line, column].filter((part) => part !== undefined).join(':'), field, message]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}

async function render(
  previews: readonly FilePreview[],
  format: 'diff' | 'yaml' | 'json' | 'summary',
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

function processIo(): PreviewIo {
  return {
    ...processOutput,
    colour: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    async stdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
  };
}
