import type { KubernetesObject } from '../admission/types.js';
import { listAll } from '../cluster/listAll.js';
import type { RuleId } from '../hardening/rule.js';
import { explainManifest, type ExplainSources, type Explanation } from '../preview/explain.js';
import { ClusterPolicyPlaces } from '../preview/explainPlaces.js';
import { ManifestError, manifestIssueText } from '../preview/manifestError.js';
import type { Manifest } from '../preview/manifests.js';
import { previewFile } from '../preview/previewFile.js';
import type { ClusterFlags } from './clusterFlags.js';
import { liveProblem, openLiveSettings, type LiveSettings } from './livePlanSettings.js';
import type { LiveTarget } from './liveTarget.js';
import { readWorkload } from './liveWorkload.js';
import type { PlanFlags } from './planFlags.js';
import { policyFilePlaces } from './policyFilePlaces.js';

/** What a cluster's workload is called where a file's name would stand. */
const SOURCE = 'cluster';

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';

/**
 * Explains a workload of a cluster.
 *
 * @param only this rule alone
 * @param problems what is wrong is added here, one line each
 * @returns the explanation, and what could not be read, so that it may be another than the webhook's
 */
export async function explainLive(
  target: LiveTarget,
  only: RuleId | undefined,
  flags: PlanFlags & ClusterFlags,
  problems: string[],
): Promise<{ readonly explanations: readonly Explanation[]; readonly missing: readonly string[] }> {
  let settings: LiveSettings | undefined;
  try {
    settings = await openLiveSettings(flags, problems);
    if (!settings || problems.length > 0) return { explanations: [], missing: [] };
    const explanations = [await explainTarget(target, only, flags, settings)];
    return { explanations, missing: settings.plans.missing };
  } catch (error) {
    if (error instanceof ManifestError) problems.push(...error.issues.map(manifestIssueText));
    else problems.push(liveProblem(error, settings?.cluster.server));
    return { explanations: [], missing: [] };
  } finally {
    settings?.cluster.api.close();
  }
}

async function explainTarget(
  target: LiveTarget,
  only: RuleId | undefined,
  flags: PlanFlags,
  { cluster, plans, choices }: LiveSettings,
): Promise<Explanation> {
  const namespace = choices.namespace ?? cluster.namespace;
  const live = await readWorkload(cluster.api, target, namespace);
  const manifest = manifestOf(live.author);
  const file = { name: SOURCE, text: '', documents: [], manifests: [manifest], issues: [] };
  const {
    previews: [preview],
  } = await previewFile(file, choices, plans);
  if (!preview) throw new Error('one object has one preview');
  const sources: ExplainSources = {
    choices,
    policies: plans.policies,
    places: new ClusterPolicyPlaces(await clusterPolicies(cluster), (await policyFilePlaces(flags)).places),
  };
  return explainManifest({ manifest, preview, live }, sources, only);
}

function manifestOf(object: KubernetesObject): Manifest {
  return { source: SOURCE, document: 0, at: [], object, position: () => undefined };
}

/** None where they may not be read: `LivePlans` says so. */
async function clusterPolicies({ api }: LiveSettings['cluster']): Promise<KubernetesObject[]> {
  const { ApiError } = await import('../cluster/apiError.js');
  try {
    return await listAll(api, POLICIES);
  } catch (error) {
    if (error instanceof ApiError && [403, 404].includes(error.status)) return [];
    throw error;
  }
}
