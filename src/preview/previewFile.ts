import { InvalidObjectError } from '../admission/invalidObjectError.js';
import type { Plan } from '../hardening/plan.js';
import { validatePod } from '../hardening/validatePod.js';
import type { PlanChoices } from '../policy/planChoices.js';
import type { PlanSource } from '../policy/planSource.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import { namespaceProblem, type PreviewChoices } from './choices.js';
import { ManifestError, type ManifestIssue } from './manifestError.js';
import { manifestIssue, type Manifest, type ManifestFile } from './manifests.js';
import { namespaceOf, podOf, preview, type Preview } from './preview.js';
import { editYaml, type EditedYaml, type YamlEdit } from './yamlEdit.js';

/** Plans as they would be with another policy, mode or labels. */
export interface PlansWith {
  /** @throws PolicyUnknownError */
  planWith(given: PlanChoices): Plan | Promise<Plan>;
}

/** Plans, also as they would be with another policy, mode or labels (StandalonePlans has both). */
export interface PreviewPlans extends PlanSource, PlansWith {}

/** Every namespace that the objects of a file go to, or name. */
export function namespacesOf({ manifests }: ManifestFile, given: string | undefined): readonly string[] {
  const names = new Set<string>();
  for (const manifest of manifests) {
    names.add(namespaceOf(manifest, given));
    // A review's objects may name another namespace than its request does.
    for (const object of [manifest.object, manifest.request?.oldObject]) {
      const own: unknown = object?.metadata?.namespace;
      if (typeof own === 'string' && own !== '') names.add(own);
    }
  }
  return [...names];
}

/** What hardening does to the objects of a file. */
export interface FilePreview {
  readonly file: ManifestFile;
  /** One for each object, in the order of the file. */
  readonly previews: readonly Preview[];
  /** The file with the hardened fields written into it. @throws YamlEditError */
  edited(): EditedYaml;
}

/**
 * @throws ManifestError with everything that is wrong, over all objects of the file
 * @throws PolicyUnknownError
 * @throws PlanUnavailableError where a namespace's plan cannot be had now, though it may be later
 */
export async function previewFile(
  file: ManifestFile,
  choices: PreviewChoices,
  plans: PlansWith,
): Promise<FilePreview> {
  const issues: ManifestIssue[] = [...file.issues];
  const notFound: ManifestIssue[] = [];
  // One look-up a namespace, also of one that does not exist: a file may hold thousands of its objects.
  const found = new Map<string, Plan | PlanUnavailableError>();
  const previews: Preview[] = [];
  const edits: YamlEdit[] = [];
  for (const manifest of file.manifests) {
    const namespace = namespaceOf(manifest, choices.namespace);
    const wrong = typeIssues(manifest, namespace);
    if (wrong.length > 0) {
      issues.push(...wrong);
      continue;
    }
    let plan = found.get(namespace) ?? (await planOf(namespace, choices, plans));
    found.set(namespace, plan);
    // What has no pod is not hardened anywhere: a file's ClusterRole needs no namespace `default` that is known.
    if (plan instanceof PlanUnavailableError && podOf(manifest, namespace) === undefined) {
      // No namespace has this name.
      const key = `${namespace}/`;
      plan =
        found.get(key) ?? (await planOf(namespace, { ...choices, mode: choices.mode ?? 'disabled' }, plans));
      found.set(key, plan);
    }
    if (plan instanceof PlanUnavailableError) {
      notFound.push(manifestIssue(manifest, ['metadata', 'namespace'], plan.message));
      continue;
    }
    try {
      const one = preview(manifest, namespace, plan, choices.podSecurityMinor);
      previews.push(one);
      edits.push({ document: manifest.document, at: manifest.at, patch: one.edit });
    } catch (error) {
      // What the webhook itself refuses, such as more containers than any cluster could hold.
      if (!(error instanceof InvalidObjectError)) throw error;
      issues.push(...error.issues.map(({ path, message }) => manifestIssue(manifest, path, message)));
    }
  }
  const all = [...issues, ...notFound].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (all.length > 0) throw new ManifestError(all, { namespaceNotFound: issues.length === 0 });
  let edited: EditedYaml | undefined;
  return { file, previews, edited: () => (edited ??= editYaml(file.text, edits, file.documents)) };
}

function typeIssues(manifest: Manifest, namespace: string): ManifestIssue[] {
  const { metadata } = manifest.object;
  const located = podOf(manifest, namespace);
  // In a review it is empty for what lies in no namespace. Whatever else is no name would be looked up in a cluster.
  const wrongName = namespace === '' ? undefined : namespaceProblem(namespace);
  return [
    ...(wrongName === undefined ? [] : [{ path: ['metadata', 'namespace'], message: wrongName }]),
    // A Pod's metadata is the pod's.
    ...(located?.isTemplate === false ? [] : validatePod({ metadata, spec: {} }, [])),
    ...(located ? validatePod(located.pod, located.base) : []),
  ].map(({ path, message }) => manifestIssue(manifest, path, message));
}

/** @returns the error where the namespace does not exist: then the other objects are still looked at */
async function planOf(
  namespace: string,
  { policy, mode, labels }: PreviewChoices,
  plans: PlansWith,
): Promise<Plan | PlanUnavailableError> {
  try {
    return await plans.planWith({ namespace, policy, mode, labels });
  } catch (error) {
    if (error instanceof PlanUnavailableError && error.notFound) return error;
    throw error;
  }
}
