import { visible } from '../preview/wrapText.js';
import { liveProblem, openLiveSettings, type LiveSettings } from './livePlanSettings.js';
import { livePreview, type LiveResult } from './livePreview.js';
import { liveText } from './liveText.js';
import { writeOut, type ManifestIo } from './manifestIo.js';
import type { PreviewOptions } from './preview.js';
import { previewSources } from './previewSources.js';

/** Of a run in which something was wrong: nothing is told. */
const NOTHING = { results: [], isDifferent: false };

/**
 * `preview --live`: prints what was predicted beside what the cluster answers.
 *
 * @param problems what is wrong is added here, one line each; also what the cluster would not take for a reason that is
 *   not ours, so that it could not be compared: the others are printed all the same
 */
export async function runLivePreview(
  options: PreviewOptions,
  io: ManifestIo,
  problems: string[],
): Promise<{ readonly results: readonly LiveResult[]; readonly isDifferent: boolean }> {
  problems.push(...flagProblems(options));
  if (problems.length > 0) return NOTHING;
  let settings: LiveSettings | undefined;
  try {
    settings = await openLiveSettings(options, problems);
    const previews = await previewSources(options, settings, io, problems);
    for (const { source, preview } of previews) {
      const reviews = preview.file.manifests.filter(({ request }) => request !== undefined);
      problems.push(
        ...reviews.map(() => `${source.name}: an AdmissionReview is no object that could be sent`),
      );
    }
    if (!settings || problems.length > 0) return NOTHING;
    const results = await livePreview(previews, settings);
    const text = options.output === 'json' ? `${JSON.stringify({ results }, null, 2)}\n` : liveText(results);
    if (!(await writeOut(io, text, problems))) return NOTHING;
    for (const line of settings.plans.missing) io.stderr(`warning: not everything could be read: ${line}\n`);
    const answers = results.flatMap((result) => result.live.map((answer) => ({ result, answer })));
    for (const { result, answer } of answers) {
      if (answer.verdict !== 'unknown') continue;
      const { source, kind, namespace, name } = result;
      problems.push(visible(`${source} ${kind} ${namespace}/${name}: not compared: ${answer.reason ?? ''}`));
    }
    return { results, isDifferent: answers.some(({ answer }) => answer.differences.length > 0) };
  } catch (error) {
    problems.push(liveProblem(error, settings?.cluster.server));
    return NOTHING;
  } finally {
    settings?.cluster.api.close();
  }
}

const FORMATS: readonly PreviewOptions['output'][] = [undefined, 'diff', 'json'];

/** What is asked is the cluster as it is. */
function flagProblems({ output, policy, policyFile, mode, label }: PreviewOptions): string[] {
  const chosen = { '--policy': policy, '--policy-file': policyFile, '--mode': mode, '--label': label };
  const wrong = Object.entries(chosen).filter(([, value]) => value !== undefined);
  return [
    ...wrong.map(
      ([flag]) =>
        `${flag}: the cluster's webhook goes by the cluster's own namespaces and policies; leave it out with --live`,
    ),
    ...(FORMATS.includes(output)
      ? []
      : [`-o ${String(output)}: with --live there is its own text, or -o json`]),
  ];
}
