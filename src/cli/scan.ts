import { Command, Option } from 'commander';
import { FAIL_ON, hasFindings, type FailOn } from '../preview/findings.js';
import type { ScanReport } from '../scan/report.js';
import { addClusterFlags, clusterProblem, openCluster, type ClusterFlags } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import { parseLabelSelector } from './labelSelector.js';
import { processIo, writeOut, type ManifestIo } from './manifestIo.js';
import { loadOwnPolicies } from './planFlags.js';
import { ScanProgress } from './scanProgress.js';
import { matchesLabels } from './scanSelector.js';

export interface ScanFlags extends ClusterFlags {
  readonly namespace?: readonly string[] | undefined;
  readonly allNamespaces?: boolean | undefined;
  readonly selector?: string | undefined;
  readonly policy?: string | undefined;
  readonly policyFile?: string | undefined;
  readonly output?: Format | undefined;
  readonly failOn?: FailOn | undefined;
}

/** What the command needs of the process, so that tests need none. */
export interface ScanIo extends ManifestIo {
  /** Standard error is a terminal: progress is shown there. */
  readonly showsProgress: boolean;
}

const FORMATS = ['table', 'json', 'yaml', 'markdown', 'sarif', 'policyreport'] as const;
type Format = (typeof FORMATS)[number];

const NOTHING_TO_DO = 0;
const DIFFERENT = 1;
const ERROR = 2;

const HELP = `
Every namespace is told as enforce would make it, whatever it asks for now; what it asks for stands beside it. Reads
only, writes nothing.
Exit status: 0 nothing to do, 1 changes or violations, 2 error, or a partial answer: what could not be read is named on
standard error. --fail-on is that of preview.

Example: a namespace, the cluster, some workloads of it, and for the dashboards of PolicyReports
  $ kube-harden scan -n shop
  $ kube-harden scan -A --context production
  $ kube-harden scan -A -l team=web --policy restricted -o markdown
  $ kube-harden scan -A -o policyreport | kubectl apply -f -`;

/** `kube-harden scan`. Sets `process.exitCode`; what goes wrong is a CommandError, with exit code 2. */
export function scanCommand(io: ScanIo = processScanIo()): Command {
  const list = (value: string, before: string[] | undefined): string[] => [
    ...(before ?? []),
    ...value.split(',').map((part) => part.trim()),
  ];
  const command = new Command('scan')
    .description(
      'tell what every workload of a live cluster would get, and which namespaces could go to enforce',
    )
    .option(
      '-n, --namespace <name,...>',
      "the namespaces to look into; may be repeated (default: the context's)",
      list,
    )
    .option('-A, --all-namespaces', 'look into all namespaces')
    .option('-l, --selector <selector>', 'only workloads with these labels, as kubectl -l: app=web,!legacy')
    .option('--policy <name>', 'the policy to apply, whatever the namespaces say')
    .option('--policy-file <file|dir>', "HardeningPolicies, over the cluster's by name")
    .addOption(new Option('-o, --output <format>', 'what to print').choices(FORMATS).default('table'))
    .addOption(
      new Option('--fail-on <findings>', 'what ends with status 1').choices(FAIL_ON).default('change'),
    );
  return addClusterFlags(command)
    .addHelpText('after', HELP)
    .action(async (flags: ScanFlags) => {
      process.exitCode = await runScan(flags, io);
    });
}

function processScanIo(): ScanIo {
  return { ...processIo(), showsProgress: process.stderr.isTTY };
}

/**
 * @returns the exit status
 * @throws CommandError where a flag is wrong or the cluster cannot be read
 */
export async function runScan(flags: ScanFlags, io: ScanIo): Promise<number> {
  await checkFlags(flags);
  const report = await scan(flags, io);
  const problems: string[] = [];
  for await (const part of render(report, flags.output ?? 'table', io.colour))
    if (!(await writeOut(io, part, problems))) break;
  for (const line of report.missing) io.stderr(`warning: ${line}\n`);
  if (problems.length > 0) throw new CommandError(problems);
  if (report.missing.length > 0) return ERROR;
  const results = report.namespaces.flatMap(({ workloads }) => workloads.flatMap((each) => each.results));
  return hasFindings(results, flags.failOn) ? DIFFERENT : NOTHING_TO_DO;
}

async function checkFlags({ namespace, allNamespaces, selector }: ScanFlags): Promise<void> {
  const { namespaceProblem } = await import('../preview/choices.js');
  const problems: string[] = [];
  if (namespace !== undefined && allNamespaces === true)
    problems.push('-n and -A contradict each other: name namespaces, or ask for all');
  for (const name of namespace ?? []) {
    const wrong = namespaceProblem(name);
    if (wrong !== undefined) problems.push(`--namespace: ${wrong}`);
  }
  if (problems.length > 0) throw new CommandError(problems);
  if (selector !== undefined) parseLabelSelector(selector, '--selector');
}

async function scan(flags: ScanFlags, io: ScanIo): Promise<ScanReport> {
  const { namespace, allNamespaces, selector, policy, policyFile, output } = flags;
  const [{ scanCluster }, { LivePlans }, { BUILTIN_POLICIES }, { NamespaceNotFoundError }] =
    await Promise.all([
      import('../scan/scan.js'),
      import('../cluster/livePlans.js'),
      import('../policy/builtin.generated.js'),
      import('../scan/namespaceNotFoundError.js'),
    ]);
  const problems: string[] = [];
  const own = await loadOwnPolicies({ policyFile }, problems);
  if (!own) throw new CommandError(problems);
  const { api, server, namespace: current } = await openCluster(flags);
  const requirements = selector === undefined ? [] : parseLabelSelector(selector, '--selector');
  const progress = new ScanProgress(io);
  try {
    const plans = await LivePlans.open(api, { base: BUILTIN_POLICIES, own, clock: Date.now });
    await checkPolicy(
      policy,
      plans.policies.map(({ name }) => name),
    );
    return await scanCluster({
      api,
      server,
      plans,
      clock: Date.now,
      contextNamespace: current,
      namespaces: allNamespaces === true ? undefined : [...new Set(namespace ?? [current])],
      selects: (labels) => matchesLabels(requirements, labels),
      policy,
      whole: output === 'json' || output === 'yaml',
      progress: (resource, soFar, remaining) => progress.show(resource, soFar, remaining),
    });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof NamespaceNotFoundError)
      throw new CommandError(`--namespace: ${error.message}`, ERROR, { cause: error });
    throw new CommandError(clusterProblem(error, server), ERROR, { cause: error });
  } finally {
    progress.clear();
    api.close();
  }
}

async function checkPolicy(policy: string | undefined, known: readonly string[]): Promise<void> {
  if (policy === undefined || known.includes(policy)) return;
  const { suggestion } = await import('../policy/didYouMean.js');
  throw new CommandError(
    `--policy: "${policy}" is not one of ${known.join(', ')}${suggestion(policy, known)}`,
  );
}

/** In parts, for the answer of a large cluster is longer than a string may be. */
async function* render(report: ScanReport, format: Format, colour: boolean): AsyncGenerator<string> {
  switch (format) {
    case 'table': {
      const { scanTable } = await import('../scan/table.js');
      yield scanTable(report, colour);
      return;
    }
    case 'markdown': {
      const { scanMarkdown } = await import('../scan/markdown.js');
      yield scanMarkdown(report);
      return;
    }
    case 'sarif': {
      const { scanSarif } = await import('./scanSarif.js');
      yield scanSarif(report);
      return;
    }
    case 'json': {
      const { scanJson } = await import('../scan/documents.js');
      yield* scanJson(report);
      return;
    }
    case 'yaml': {
      const { scanYaml } = await import('../scan/documents.js');
      yield* scanYaml(report);
      return;
    }
    case 'policyreport': {
      const [{ policyReports }, { yamlDocuments }] = await Promise.all([
        import('../scan/policyReports.js'),
        import('../scan/documents.js'),
      ]);
      yield* yamlDocuments(policyReports(report, Date.now()));
      return;
    }
  }
}
