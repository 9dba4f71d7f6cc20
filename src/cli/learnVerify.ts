import { randomInt } from 'node:crypto';
import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { ApiError } from '../cluster/apiError.js';
import type { Diagnosis } from '../doctor/finding.js';
import type { DoctorReport } from '../doctor/report.js';
import { reportText } from '../doctor/reportText.js';
import { locatePod } from '../hardening/locate.js';
import type { Plan } from '../hardening/plan.js';
import { controllerOf } from '../hardening/podSpec.js';
import type { RunningPod } from '../learn/target.js';
import { copyName, hardenedCopy, type CopySource, type HardenedCopy } from '../learn/verifyCopy.js';
import { reachOf } from '../learn/verifyReach.js';
import { verify, type Verification, type VerifyOptions } from '../learn/verifyRun.js';
import type { CommandCluster } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import type { VerifyRequest } from './learnRequest.js';
import { apiVersionOf, resourcePath, workloadOf } from './liveTarget.js';

/** After the time that it may take to become ready: to settle, to be looked at, to be removed. */
const DEADLINE_EXTRA_SECONDS = 120;

/**
 * Whether a copy may be started: asked for before anything is looked at.
 *
 * @param say told what the copy would be and reach, where that is to be agreed to first
 * @returns why not; undefined where it may
 */
export async function verifyObjection(
  api: ApiClient,
  namespace: string,
  pod: RunningPod,
  plan: Plan,
  { yes, timeoutMs }: VerifyRequest,
  say: (text: string) => void,
): Promise<string | undefined> {
  if (plan.mode === 'disabled')
    return `--verify: ${plan.because ?? `namespace ${namespace} is never touched`}: nothing there is ever hardened`;
  if (yes) return undefined;
  const copy = hardenedCopy(await sourceOf(api, namespace, pod), plan, placeOf(pod, timeoutMs));
  const lines = [
    `A second instance of pod ${pod.metadata?.name ?? ''} would be started in namespace ${namespace}, and removed again. It`,
    ...reachOf(copy.pod.spec).map((line) => `  ${line}`),
    ...notTested(copy).map((line) => `  does without ${line}`),
  ];
  say(`${lines.join('\n')}\n`);
  return '--verify: add --yes where the program may do its work a second time';
}

export interface VerifyCopyOptions extends Pick<
  VerifyOptions,
  'namespace' | 'timeoutMs' | 'signal' | 'progress' | 'warn'
> {
  readonly cluster: CommandCluster;
  readonly pod: RunningPod;
  /** With what was learned. */
  readonly plan: Plan;
  readonly pace?: { readonly everyMs: number; readonly settleMs: number } | undefined;
}

/** What was tried, and what the trial says nothing about. */
export interface CopyVerification extends Verification {
  /** How many logs of the copy were read. */
  readonly logs: number;
  readonly notTested: readonly string[];
}

/**
 * Tries the profile on a copy.
 * @throws CommandError where the policy would refuse the pod; ApiError, UnreachableError or the system's error
 */
export async function verifyCopy(options: VerifyCopyOptions): Promise<CopyVerification> {
  const { cluster, namespace, pod, plan, timeoutMs, pace } = options;
  const copy = hardenedCopy(await sourceOf(cluster.api, namespace, pod), plan, placeOf(pod, timeoutMs));
  const [denied] = copy.denied;
  if (denied)
    throw new CommandError(
      `--verify: policy "${plan.policy}" refuses the pod (${denied.rule}: ${denied.field}); see kube-harden explain`,
    );
  const [{ copyFacts }, { diagnosePod }] = await Promise.all([
    import('../learn/verifyFacts.js'),
    import('../doctor/diagnosePod.js'),
  ]);
  let logs = 0;
  const verification = await verify({
    ...options,
    ...pace,
    api: cluster.api,
    pod: copy.pod,
    diagnose: async (seen) => {
      const facts = await copyFacts(cluster.api, seen, copy.author, plan);
      logs = [...facts.logs.values()].flatMap((each) => Object.keys(each)).length;
      return diagnosePod(facts);
    },
  });
  return { ...verification, logs, notTested: notTested(copy) };
}

function placeOf(
  pod: RunningPod,
  timeoutMs: number,
): { readonly name: string; readonly deadlineSeconds: number } {
  return {
    name: copyName(pod.metadata?.name ?? 'pod', randomId()),
    deadlineSeconds: Math.ceil(timeoutMs / 1000) + DEADLINE_EXTRA_SECONDS,
  };
}

/** As Kubernetes makes names: no vowels, so no words. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

function randomId(): string {
  return Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)] ?? '').join('');
}

function notTested({ leftOut, untested }: HardenedCopy): string[] {
  return [
    ...leftOut.map(({ volume, was, now, at }) => {
      const place = at.length === 0 ? '' : ` at ${at.join(', ')}`;
      const instead = now === 'emptyDir' ? 'an empty directory is there' : 'nothing is there';
      return `volume ${volume} (${was})${place}: ${instead}`;
    }),
    ...untested,
  ];
}

/** The pod as its controller makes it: the running one carries what the cluster and other webhooks added. */
async function sourceOf(api: ApiClient, namespace: string, pod: RunningPod): Promise<CopySource> {
  const running = { ...pod, apiVersion: 'v1', kind: 'Pod' } as unknown as CopySource['running'];
  const controller = controllerOf(pod.metadata);
  const own: CopySource = { running, template: running, controllerKind: controller?.kind, claims: [] };
  const workload = workloadOf(controller?.apiVersion, controller?.kind);
  if (controller?.name === undefined || !workload) return own;
  const path = `${resourcePath(workload, namespace)}/${encodeURIComponent(controller.name)}`;
  let object: ApiObject;
  try {
    object = await api.request('GET', path);
  } catch (error) {
    if (error instanceof ApiError && [403, 404].includes(error.status)) return own;
    throw error;
  }
  const located = locatePod({ ...object, apiVersion: apiVersionOf(workload), kind: workload.kind });
  return located ? { ...own, template: located.pod, claims: located.volumeClaimTemplates } : own;
}

/**
 * For people, on standard error.
 * @param server the API server's URL
 */
export function verificationText(verification: CopyVerification, server: string): string {
  const { pod, outcome, passed, diagnosis, changedByWebhook, notTested } = verification;
  const isWorthTelling =
    diagnosis !== undefined && (diagnosis.state === 'broken' || diagnosis.findings.length > 0);
  return [
    ...(isWorthTelling ? [reportText(reportOf(diagnosis, verification, server), false)] : []),
    ...(changedByWebhook.length > 0
      ? [
          `note: the cluster's webhook changed the copy too (${changedByWebhook.join(', ')}): it ran with more than was learned\n`,
        ]
      : []),
    ...(passed ? ['note: ready is not serving: nobody wrote to the copy\n'] : []),
    ...notTested.map((line) => `note: not tested: ${line}\n`),
    ...(passed ? [`verified: pod ${pod}: ${outcome}\n`] : []),
  ].join('');
}

function reportOf(
  diagnosis: Diagnosis,
  { namespace, pod, logs }: CopyVerification,
  server: string,
): DoctorReport {
  return {
    version: 1,
    server,
    target: `pod/${pod} of namespace ${namespace}`,
    lookedAt: { pods: 1, logs, podsWithoutLogs: 0 },
    diagnoses: [diagnosis],
    missing: [],
    partial: false,
  };
}
