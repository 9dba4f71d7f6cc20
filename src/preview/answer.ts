import type { Plan } from '../hardening/plan.js';
import type { PlanChoices } from '../policy/planChoices.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import { ALL_NAMESPACES, type Authorize } from './access.js';
import { ANNOTATED_MEDIA_TYPE, annotate } from './annotated.js';
import type { PreviewChoices } from './choices.js';
import { unifiedDiff } from './diff.js';
import { ManifestError, manifestIssueText } from './manifestError.js';
import { readManifests, type ManifestFile } from './manifests.js';
import { diffNotes } from './notes.js';
import { namespacesOf, previewFile, type FilePreview } from './previewFile.js';
import { ProblemError } from './problem.js';

/** What `POST /preview` asks for. Plain data. */
export interface PreviewQuestion {
  /** The manifests, as they were sent. */
  readonly bytes: Uint8Array;
  readonly choices: PreviewChoices;
  readonly mediaType: AnswerMediaType;
}

/** What an answer needs to know besides the question. It is asked for in this order: rights first. */
export interface PreviewHost {
  /** @throws ProblemError where the caller may not ask about the namespace */
  readonly authorize: Authorize;
  /** The cluster's own version of the Pod Security Standards; undefined where it is not known. */
  podSecurityMinor(): Promise<number | undefined>;
  planWith(given: PlanChoices): Plan | Promise<Plan>;
}

export interface PreviewAnswer {
  readonly contentType: string;
  readonly body: string;
}

const BODIES = {
  'application/json': ({ previews }) => JSON.stringify({ results: previews.map(({ result }) => result) }),
  'application/yaml': (preview) => {
    // A mark that the text begins with is one at the very beginning only.
    const [, mark = '', text = ''] = /^(\uFEFF?)(.*)$/s.exec(preview.edited().text) ?? [];
    return mark + comments(preview) + text;
  },
  'text/x-diff': (preview) => {
    const { file } = preview;
    return comments(preview) + unifiedDiff(file.name, file.text, preview.edited().splices);
  },
  [ANNOTATED_MEDIA_TYPE]: (preview) => JSON.stringify(annotate(preview)),
} as const satisfies Readonly<Record<string, (preview: FilePreview) => string>>;

export type AnswerMediaType = keyof typeof BODIES;
/** The first is the one that is given unless asked for another. */
export const ANSWER_MEDIA_TYPES = Object.keys(BODIES) as readonly AnswerMediaType[];

/** @throws ProblemError with everything that is wrong with the manifests; what the host throws */
export async function answerPreview(
  { bytes, choices, mediaType }: PreviewQuestion,
  host: PreviewHost,
): Promise<PreviewAnswer> {
  try {
    const file = readManifests(bytes);
    await authorizeFile(file, choices, host.authorize);
    const podSecurityMinor = choices.podSecurityMinor ?? (await host.podSecurityMinor());
    const preview = await previewFile(file, { ...choices, podSecurityMinor }, host);
    return { contentType: `${mediaType}; charset=utf-8`, body: BODIES[mediaType](preview) };
  } catch (error) {
    throw asProblem(error);
  }
}

/** More namespaces than this are not asked for one by one: the right in all of them is asked for instead. */
const MAX_NAMESPACES = 50;

/** The query's namespace has been asked for already, but an object may name its own. @throws ProblemError */
async function authorizeFile(
  file: ManifestFile,
  { namespace }: PreviewChoices,
  authorize: Authorize,
): Promise<void> {
  const names = namespacesOf(file, namespace);
  for (const name of names.length > MAX_NAMESPACES ? [ALL_NAMESPACES] : names) await authorize(name);
}

/** An error of the manifests or of their plans as the caller is to hear of it; any other as it is. */
export function asProblem(error: unknown): unknown {
  if (error instanceof PlanUnavailableError)
    return new ProblemError(503, error.message, { headers: { 'retry-after': '5' } }, { cause: error });
  if (!(error instanceof ManifestError)) return error;
  const detail = error.issues.map(manifestIssueText).join('\n');
  const [status, title] =
    error.code === 'NamespaceNotFound'
      ? [404, 'The namespace does not exist']
      : [400, 'The manifest cannot be read'];
  return new ProblemError(status, detail, { title, errors: error.issues }, { cause: error });
}

/** Lines that both `patch` and a YAML reader pass over. */
function comments({ previews }: FilePreview): string {
  return diffNotes(previews)
    .map((line) => `# ${line}\n`)
    .join('');
}
