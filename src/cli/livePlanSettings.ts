import type { LivePlans } from '../cluster/livePlans.js';
import type { PreviewChoices } from '../preview/choices.js';
import { clusterProblem, openCluster, type ClusterFlags, type CommandCluster } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import { loadChoices, loadOwnPolicies, type PlanFlags, type PlanSettings } from './planFlags.js';

/** What the flags say of a cluster that is asked for its policies and namespaces. */
export interface LiveSettings extends PlanSettings {
  readonly cluster: CommandCluster;
  readonly plans: LivePlans;
}

/**
 * The same as `loadPlanSettings` with the policies and namespaces of the cluster, and the version of the Pod Security
 * Standards that it judges by. The caller closes `cluster.api`.
 *
 * @param problems what is wrong with the flags, their files and the cluster is added here, one line each
 * @returns undefined where something is wrong
 */
export async function openLiveSettings(
  flags: PlanFlags & ClusterFlags,
  problems: string[],
): Promise<LiveSettings | undefined> {
  const before = problems.length;
  if (flags.namespacesFile !== undefined)
    problems.push('--namespaces-file: the namespaces are those of the cluster; leave it out');
  const own = await loadOwnPolicies(flags, problems);
  if (!own || problems.length > before) return undefined;
  let cluster: CommandCluster | undefined;
  try {
    cluster = await openCluster(flags);
    const [{ LivePlans: Plans }, { BUILTIN_POLICIES }] = await Promise.all([
      import('../cluster/livePlans.js'),
      import('../policy/builtin.generated.js'),
    ]);
    const plans = await Plans.open(cluster.api, { base: BUILTIN_POLICIES, own, clock: Date.now });
    const choices = await loadChoices(flags, plans.policies, problems);
    if (choices) return { cluster, plans, choices: await ofCluster(choices, flags, cluster) };
  } catch (error) {
    problems.push(...(error instanceof CommandError ? error.lines : [liveProblem(error, cluster?.server)]));
  }
  cluster?.api.close();
  return undefined;
}

/** The context's namespace and the cluster's version, where the flags do not say. */
async function ofCluster(
  choices: PreviewChoices,
  { podSecurityVersion }: PlanFlags,
  { api, namespace }: CommandCluster,
): Promise<PreviewChoices> {
  const { minorOf } = await import('../cluster/apiServerVersion.js');
  const podSecurityMinor =
    podSecurityVersion === undefined
      ? minorOf(await api.request('GET', '/version'))
      : choices.podSecurityMinor;
  return { ...choices, namespace: choices.namespace ?? namespace, podSecurityMinor };
}

/**
 * What went wrong with a cluster's answer, or with the plans made of it, in one line.
 *
 * @param server the API server's URL
 * @throws a bug
 */
export function liveProblem(error: unknown, server?: string): string {
  const isPlan = error instanceof Error && 'code' in error && error.code === 'PlanUnavailable';
  // What says why a namespace cannot be read is beneath it.
  if (isPlan && error.cause !== undefined) return liveProblem(error.cause, server);
  return isPlan ? error.message : clusterProblem(error, server);
}
