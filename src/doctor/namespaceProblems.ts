import type { KubernetesObject } from '../admission/types.js';
import { isRecord } from '../hardening/locate.js';
import { controllerOf } from '../hardening/podSpec.js';
import type { NamespaceFacts } from './gather.js';
import type { NamespaceEvents, Regarded } from './gatherEvents.js';
import { labelProblems } from './namespaceProblemsOfLabels.js';
import { judgeRefusal } from './namespaceProblemsOfRefusals.js';
import type { ReportedDiagnosis } from './report.js';

export interface NamespaceProblemsOptions {
  readonly facts: NamespaceFacts;
  /** The names of policies that are there; undefined where they may not be listed. */
  readonly policies: readonly string[] | undefined;
  readonly events: NamespaceEvents | undefined;
  /** Of these objects alone; undefined for all of the namespace. */
  readonly owners: ReadonlySet<string> | undefined;
  /** What an event is about; `gone` where it is not there any more, undefined where it may not be read. */
  readonly read: (regarded: Regarded, namespace: string) => Promise<KubernetesObject | 'gone' | undefined>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * What is wrong in a namespace besides its pods: labels that do not say what is meant, a policy that does not load, and
 * controllers whose pods the API server refuses.
 */
export async function namespaceProblems(options: NamespaceProblemsOptions): Promise<ReportedDiagnosis[]> {
  const { facts, policies } = options;
  return [...labelProblems(facts, policies), ...policyProblems(facts), ...(await refusals(options))];
}

function policyProblems({ name, planProblem }: NamespaceFacts): ReportedDiagnosis[] {
  if (planProblem === undefined) return [];
  const policy = /^policy "([^"]*)"/.exec(planProblem)?.[1] ?? 'default';
  return [
    {
      namespace: name,
      object: `hardeningpolicy/${policy}`,
      state: 'broken',
      symptom: 'it does not load',
      findings: [
        {
          signature: 'policyRejected',
          certainty: 'certain',
          cause:
            'The policy of this namespace is broken: its last good generation stays in force, and where there is none every pod is refused.',
          evidence: [{ source: 'object', at: `policy ${policy}`, text: planProblem }],
          remedies: [
            {
              kind: 'policy',
              what: 'Mend the policy; its status names every field.',
              paste: `kubectl describe hardeningpolicy ${policy}`,
            },
            {
              kind: 'label',
              what: 'Or name another one until then.',
              paste: `kubectl label ns ${name} kube-harden.io/policy=baseline --overwrite`,
            },
          ],
        },
      ],
      missing: [],
    },
  ];
}

async function refusals({
  facts: { name: namespace, plan },
  events,
  owners,
  read,
  now,
}: NamespaceProblemsOptions): Promise<ReportedDiagnosis[]> {
  const found: ReportedDiagnosis[] = [];
  for (const { regarded, events: failed } of events?.failedCreates(namespace) ?? []) {
    if (owners && !owners.has(regarded.uid)) continue;
    const object = await read(regarded, namespace);
    const last = failed.at(-1);
    if (object === 'gone' || last === undefined || (object && hasAllPods(object, last.lastSeen))) continue;
    const own = `${regarded.kind.toLowerCase()}/${regarded.name}`;
    const controller = controllerOf(object?.metadata);
    const owner = controller && `${String(controller.kind).toLowerCase()}/${String(controller.name)}`;
    const refused = judgeRefusal({
      namespace,
      object: own,
      owner,
      message: last.message,
      maker: object,
      plan,
      now,
    });
    const times = failed.reduce((sum, { count = 1 }) => sum + count, 0);
    found.push({
      namespace,
      object: own,
      ...(owner !== undefined && { owner }),
      state: 'broken',
      symptom: `${last.reason}, ${times} ${times === 1 ? 'time' : 'times'}`,
      ...refused,
      missing: object === undefined ? ['whether it still lacks pods: it may not be read'] : [],
    });
  }
  return found;
}

/**
 * What was refused before counts no more once the pods are there.
 *
 * @param refused when it was last, in milliseconds since the epoch
 */
function hasAllPods({ kind, spec, status }: KubernetesObject, refused = Infinity): boolean {
  const [wants, has] = [isRecord(spec) ? spec : {}, isRecord(status) ? status : {}];
  const number = (value: unknown, otherwise: number): number =>
    typeof value === 'number' ? value : otherwise;
  switch (kind) {
    case 'DaemonSet':
      return number(has['currentNumberScheduled'], 0) >= number(has['desiredNumberScheduled'], 0);
    case 'Job': {
      const ended = number(has['succeeded'], 0) + number(has['active'], 0);
      return (
        isFinished(has) ||
        wants['suspend'] === true ||
        ended >= Math.min(number(wants['parallelism'], 1), number(wants['completions'], Infinity))
      );
    }
    case 'Deployment':
      return number(has['updatedReplicas'], 0) >= number(wants['replicas'], 1);
    case 'CronJob':
      // The time for which its controller made the last Job.
      return wants['suspend'] === true || Date.parse(String(has['lastScheduleTime'])) >= refused;
    default:
      return number(has['replicas'], 0) >= number(wants['replicas'], 1);
  }
}

/** A Job that has failed without a pod may have failed for want of one. */
function isFinished(status: Readonly<Record<string, unknown>>): boolean {
  const { conditions, failed } = status;
  const hadPods = typeof failed === 'number' && failed > 0;
  const ends = hadPods ? ['Complete', 'Failed'] : ['Complete'];
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (condition) =>
        isRecord(condition) && ends.includes(String(condition['type'])) && condition['status'] === 'True',
    )
  );
}
