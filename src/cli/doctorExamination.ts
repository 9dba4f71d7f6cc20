import { LivePlans } from '../cluster/livePlans.js';
import { Gathering } from '../doctor/gather.js';
import { gatherDiagnoses } from '../doctor/gatherDiagnoses.js';
import { namespaceProblems } from '../doctor/namespaceProblems.js';
import { webhookProblems } from '../doctor/namespaceProblemsOfWebhook.js';
import type { DoctorReport, ReportedDiagnosis } from '../doctor/report.js';
import { BUILTIN_POLICIES } from '../policy/builtin.generated.js';
import type { Policy } from '../policy/policy.js';
import type { CommandCluster } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import type { DoctorFlags } from './doctor.js';
import { PodAuthors } from './doctorAuthors.js';
import { lookIntoNamed, lookIntoNamespaces } from './doctorTarget.js';
import type { LiveTarget } from './liveTarget.js';
import type { ScanProgress } from './scanProgress.js';

export interface Examination {
  readonly cluster: CommandCluster;
  /** Undefined for whole namespaces. */
  readonly named: LiveTarget | undefined;
  /** Policies over those of the cluster. */
  readonly own: readonly Policy[];
  readonly flags: DoctorFlags;
  readonly progress: ScanProgress;
}

/** @throws CommandError; ApiError, UnreachableError or the system's error where the API server cannot be asked */
export async function examineCluster({
  cluster: { api, server, namespace: current },
  named,
  own,
  flags: { namespace: given, allNamespaces },
  progress,
}: Examination): Promise<DoctorReport> {
  const everywhere = allNamespaces === true;
  const namespace = given ?? current;
  const plans = await LivePlans.open(api, { base: BUILTIN_POLICIES, own, clock: Date.now });
  const gathering: Gathering = new Gathering({ api, plans, authorOf: (pod) => authors.of(pod) });
  const authors = new PodAuthors(api, (line) => gathering.tell(line, false));
  const names = everywhere ? await plans.preload() : [namespace];
  if (names === undefined)
    gathering.tell(
      'the names of namespaces, so what is wrong in each is not told: name one that you may read, -n NAME',
    );
  if (!everywhere && !(await gathering.namespaceOf(namespace)).isThere)
    throw new CommandError(`--namespace: there is no namespace "${namespace}"`);
  if (everywhere) await gathering.preload();
  const looked =
    named === undefined
      ? lookIntoNamespaces(
          api,
          everywhere ? undefined : [namespace],
          (refused, error) =>
            gathering.tell(
              `the pods of ${refused === undefined ? 'the cluster' : `namespace ${refused}`}: ${error.message}`,
            ),
          (soFar, remaining) => progress.show('pods', soFar, remaining),
        )
      : await lookIntoNamed(api, named, namespace);
  const { diagnoses, pods, podsWithoutLogs } = await gatherDiagnoses({
    gathering,
    pods: looked.pods,
    isNamed: named !== undefined,
  });
  // LimitRanges and quotas may be missing too: they change what a rule writes, and not what is to blame.
  const unread = plans.missing.filter((line) => line.startsWith('hardeningpolicies'));
  for (const line of unread) gathering.tell(line);
  const policies = unread.length > 0 ? undefined : plans.policies.map(({ name }) => name);
  const problems: ReportedDiagnosis[] = [];
  const asking: string[] = [];
  for (const name of names ?? []) {
    const facts = await gathering.namespaceOf(name);
    if (facts.plan?.mode === 'enforce') asking.push(name);
    problems.push(
      ...(await namespaceProblems({
        facts,
        policies,
        events: await gathering.eventsOf(name),
        owners: looked.owners,
        read: (regarded, at) => authors.regarded(regarded, at),
        now: Date.now(),
      })),
    );
  }
  // Of what is named the refused pods tell: a call that failed is quoted there.
  if (named === undefined)
    problems.push(...(await webhookProblems(api, asking, (line) => gathering.tell(line, false))));
  const what = named && `${named.workload.kind.toLowerCase()}/${named.name} of namespace ${namespace}`;
  return {
    version: 1,
    server,
    target: what ?? (everywhere ? 'all namespaces' : `namespace ${namespace}`),
    lookedAt: { pods, logs: gathering.logs, podsWithoutLogs },
    diagnoses: [...problems, ...diagnoses],
    missing: gathering.missing,
    partial: gathering.isPartial,
  };
}
