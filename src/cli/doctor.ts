import { Command, Option } from 'commander';
import type { DoctorReport } from '../doctor/report.js';
import { addClusterFlags, clusterProblem, openCluster, type ClusterFlags } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import type { LiveTarget } from './liveTarget.js';
import { processIo, writeOut, type ManifestIo } from './manifestIo.js';
import { loadOwnPolicies } from './planFlags.js';
import { ScanProgress } from './scanProgress.js';

export interface DoctorFlags extends ClusterFlags {
  readonly namespace?: string | undefined;
  readonly allNamespaces?: boolean | undefined;
  readonly policyFile?: string | undefined;
  readonly output?: Format | undefined;
}

/** What the command needs of the process, so that tests need none. */
export interface DoctorIo extends ManifestIo {
  /** Standard error is a terminal: progress is shown there. */
  readonly showsProgress: boolean;
}

const FORMATS = ['table', 'json', 'yaml'] as const;
type Format = (typeof FORMATS)[number];

const NOTHING_FOUND = 0;
const FOUND = 1;
const ERROR = 2;

const HELP = `
Reads pods, their events and the ends of their logs, and writes nothing. A rule is blamed only where it has changed the
container that fails; where hardening is not the cause, that is said.
Exit status: 0 hardening is the cause of nothing that was looked at, 1 it is, or its set-up is (a refused pod, a webhook
that does not answer, a label with a typo), 2 error, or nothing was found and not all could be read: what could not is
named on standard error.

Example: a pod, a workload, a namespace, the cluster
  $ kube-harden doctor web-0 -n shop
  $ kube-harden doctor deploy/web -n shop
  $ kube-harden doctor -n shop -o json
  $ kube-harden doctor -A --context production`;

/** `kube-harden doctor`. Sets `process.exitCode`; what goes wrong is a CommandError, with exit code 2. */
export function doctorCommand(io: DoctorIo = processDoctorIo()): Command {
  const command = new Command('doctor')
    .description('tell whether hardening is why a pod does not work: the rule, the evidence, what mends it')
    .argument('[pod|kind/name]', 'a pod, or a workload such as deploy/web, sts/db, job/once')
    .option('-n, --namespace <name>', "the namespace to look into (default: the context's)")
    .option('-A, --all-namespaces', 'look into all namespaces')
    .option('--policy-file <file|dir>', "HardeningPolicies, over the cluster's by name")
    .addOption(new Option('-o, --output <format>', 'what to print').choices(FORMATS).default('table'));
  return addClusterFlags(command)
    .addHelpText('after', HELP)
    .action(async (target: string | undefined, flags: DoctorFlags) => {
      process.exitCode = await runDoctor(target, flags, io);
    });
}

function processDoctorIo(): DoctorIo {
  return { ...processIo(), showsProgress: process.stderr.isTTY };
}

/**
 * @returns the exit status
 * @throws CommandError where a flag is wrong or the cluster cannot be read
 */
export async function runDoctor(
  target: string | undefined,
  flags: DoctorFlags,
  io: DoctorIo,
): Promise<number> {
  const named = await checkArguments(target, flags);
  const report = await examine(named, flags, io);
  const problems: string[] = [];
  for await (const part of render(report, flags.output ?? 'table', io.colour))
    if (!(await writeOut(io, part, problems))) break;
  for (const line of report.missing) io.stderr(`warning: not read: ${line}\n`);
  if (problems.length > 0) throw new CommandError(problems);
  const { blames } = await import('../doctor/report.js');
  if (blames(report)) return FOUND;
  return report.partial ? ERROR : NOTHING_FOUND;
}

async function checkArguments(
  target: string | undefined,
  { namespace, allNamespaces }: DoctorFlags,
): Promise<LiveTarget | undefined> {
  const [{ namespaceProblem }, { parseDoctorTarget }] = await Promise.all([
    import('../preview/choices.js'),
    import('./doctorTarget.js'),
  ]);
  const problems: string[] = [];
  if (allNamespaces === true && namespace !== undefined)
    problems.push('-n and -A contradict each other: name a namespace, or ask for all');
  if (allNamespaces === true && target !== undefined)
    problems.push(`-A asks for all namespaces, and ${target} is in one: give -n instead`);
  const wrong = namespace === undefined ? undefined : namespaceProblem(namespace);
  if (wrong !== undefined) problems.push(`--namespace: ${wrong}`);
  if (problems.length > 0) throw new CommandError(problems);
  return target === undefined ? undefined : parseDoctorTarget(target);
}

async function examine(
  named: LiveTarget | undefined,
  flags: DoctorFlags,
  io: DoctorIo,
): Promise<DoctorReport> {
  const problems: string[] = [];
  const own = await loadOwnPolicies(flags, problems);
  if (!own) throw new CommandError(problems);
  const cluster = await openCluster(flags);
  const progress = new ScanProgress(io);
  try {
    const { examineCluster } = await import('./doctorExamination.js');
    return await examineCluster({ cluster, named, own, flags, progress });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(clusterProblem(error, cluster.server), ERROR, { cause: error });
  } finally {
    progress.clear();
    cluster.api.close();
  }
}

/** In parts, for the answer of a large cluster is longer than a string may be. */
async function* render(report: DoctorReport, format: Format, colour: boolean): AsyncGenerator<string> {
  if (format === 'table') {
    const { reportText } = await import('../doctor/reportText.js');
    yield reportText(report, colour);
    return;
  }
  const { reportJson, reportYaml } = await import('../doctor/reportDocuments.js');
  yield* format === 'json' ? reportJson(report) : reportYaml(report);
}
