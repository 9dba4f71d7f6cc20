import type { Plan } from '../hardening/plan.js';
import { validatePod } from '../hardening/validatePod.js';
import type { PlanSource } from '../policy/planSource.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import type { PreviewChoices } from './choices.js';
import { ManifestError, type ManifestIssue } from './manifestError.js';
import { manifestIssue, type Manifest, type ManifestFile } from './manifests.js';
import { namespaceOf, podOf, preview, type Preview } from './preview.js';
import { editYaml, type EditedYaml, type YamlEdit } from './yamlEdit.js';

/** Plans, also as they would be with another policy, mode or labels (StandalonePlans has both). */
export interface PreviewPlans extends PlanSource {
  /** @throws PolicyUnknownError */
  planWith(given: {
    readonly namespace: string;
    readonly policy?: string | undefined;
    readonly mode?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
  }): Plan | Promise<Plan>;
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
 */
export async function previewFile(
  file: ManifestFile,
  choices: PreviewChoices,
  plans: PreviewPlans,
): Promise<FilePreview> {
  const issues: ManifestIssue[] = [...file.issues];
  const previews: Preview[] = [];
  const edits: YamlEdit[] = [];
  for (const manifest of file.manifests) {
    const namespace = namespaceOf(manifest, choices.namespace);
    const wrong = typeIssues(manifest, namespace);
    if (wrong.length > 0) {
      issues.push(...wrong);
      continue;
    }
    const plan = await planOf(manifest, namespace, choices, plans);
    if ('message' in plan) {
      issues.push(plan);
      continue;
    }
    const one = preview(manifest, namespace, plan);
    previews.push(one);
    edits.push({ document: manifest.document, at: manifest.at, patch: one.edit });
  }
  if (issues.length > 0) throw new ManifestError(issues.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)));
  let edited: EditedYaml | undefined;
  return { file, previews, edited: () => (edited ??= editYaml(file.text, edits, file.documents)) };
}

function typeIssues(manifest: Manifest, namespace: string): ManifestIssue[] {
  const { metadata } = manifest.object;
  const located = podOf(manifest, namespace);
  return [
    // A Pod's metadata is the pod's.
    ...(located?.isTemplate === false ? [] : validatePod({ metadata, spec: {} }, [])),
    ...(located ? validatePod(located.pod, located.base) : []),
  ].map(({ path, message }) => manifestIssue(manifest, path, message));
}

async function planOf(
  manifest: Manifest,
  namespace: string,
  { policy, mode, labels }: PreviewChoices,
  plans: PreviewPlans,
): Promise<Plan | ManifestIssue> {
  try {
    return await plans.planWith({ namespace, policy, mode, labels });
  } catch (error) {
    if (!(error instanceof PlanUnavailableError)) throw error;
    return manifestIssue(manifest, ['metadata', 'namespace'], error.message);
  }
}
