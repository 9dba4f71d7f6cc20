import express from 'express';
import type { Request, Response, Router } from 'express';
import type { Policy } from '../policy/policy.js';
import { didYouMean } from '../policy/didYouMean.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import { ALL_NAMESPACES, type Authorize, type PreviewLocals } from './access.js';
import { queryOf } from './admitCaller.js';
import { ProblemError } from './problem.js';
import { CATALOGUE } from './catalogue.js';
import { readChoices, type PreviewChoices } from './choices.js';
import { unifiedDiff } from './diff.js';
import { ManifestError, manifestIssueText } from './manifestError.js';
import { MAX_MANIFEST_BYTES, readManifests, type ManifestFile } from './manifests.js';
import { notes } from './notes.js';
import { namespacesOf, previewFile, type FilePreview, type PreviewPlans } from './previewFile.js';

export interface PreviewDeps {
  readonly plans: PreviewPlans;
  /** The policies in force. */
  readonly policies: () => readonly Policy[];
  /**
   * The minor of the Pod Security Standards that the cluster's API server judges by; without it, or where that is not
   * known, the newest that we know. Never rejects.
   */
  readonly podSecurityMinor?: (() => Promise<number | undefined>) | undefined;
}

/** The routes of the preview listener. They throw ProblemError; the listener makes the problem document of it. */
export function previewRoutes({ plans, policies, podSecurityMinor: clusterMinor }: PreviewDeps): Router {
  const router = express.Router();
  // Everything is taken as bytes: what curl and browsers say of them is not to be relied on.
  const body = express.raw({ type: () => true, limit: MAX_MANIFEST_BYTES, inflate: false });

  router.post('/preview', checkContentType, body, async (req, res: Response<unknown, PreviewLocals>) => {
    const answer = answerFor(req);
    const choices = choicesOf(req, policies());
    const bytes = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    const preview = await orProblem(async () => {
      const file = readManifests(bytes);
      await authorizeFile(file, choices, res.locals.authorize);
      const podSecurityMinor = choices.podSecurityMinor ?? (await clusterMinor?.());
      return previewFile(file, { ...choices, podSecurityMinor }, plans);
    });
    res.setHeader('vary', 'accept');
    res.setHeader('cache-control', 'no-store');
    answer(res, preview);
  });
  router.get('/api/rules', (_req, res) => {
    res.json({ rules: CATALOGUE });
  });
  router.get('/api/policies', (_req, res) => {
    res.json({ policies: policies() });
  });
  return router;
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

/** `curl --data-binary` says the last of these unless told otherwise. */
const CONTENT_TYPES = [
  'application/yaml',
  'application/x-yaml',
  'text/yaml',
  'text/x-yaml',
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
];

function checkContentType(req: Request, _res: Response, next: () => void): void {
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== '' && !CONTENT_TYPES.includes(type.trim())) {
    throw new ProblemError(415, `cannot read ${type.trim()}; send application/yaml or application/json`);
  }
  const charset = parameters
    .map((parameter) => /^\s*charset="?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find(Boolean);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new ProblemError(415, `cannot read the charset ${charset}; send UTF-8`);
  }
  next();
}

type AnswerWith = (res: Response, preview: FilePreview) => void;

const ANSWERS: Readonly<Record<string, AnswerWith>> = {
  'application/json': (res, { previews }) => res.json({ results: previews.map(({ result }) => result) }),
  'application/yaml': (res, preview) =>
    send(res, 'application/yaml', comments(preview) + preview.edited().text),
  'text/x-diff': (res, preview) => {
    const { file } = preview;
    send(res, 'text/x-diff', comments(preview) + unifiedDiff(file.name, file.text, preview.edited().splices));
  },
};
const ALIASES: Readonly<Record<string, string>> = {
  'text/yaml': 'application/yaml',
  'application/x-yaml': 'application/yaml',
  'text/x-patch': 'text/x-diff',
};

function answerFor(req: Request): AnswerWith {
  const accepted = req.accepts([...Object.keys(ANSWERS), ...Object.keys(ALIASES)]);
  const answer = accepted === false ? undefined : ANSWERS[ALIASES[accepted] ?? accepted];
  if (answer) return answer;
  throw new ProblemError(
    406,
    `cannot answer with ${req.headers.accept ?? ''}; accept ${Object.keys(ANSWERS).join(', ')}`,
  );
}

/** Lines that both `patch` and a YAML reader pass over. */
function comments({ previews }: FilePreview): string {
  return notes(previews)
    .map((line) => `# ${line}\n`)
    .join('');
}

function send(res: Response, type: string, text: string): void {
  res.setHeader('content-type', `${type}; charset=utf-8`);
  res.end(text);
}

const PARAMETERS = ['namespace', 'policy', 'mode', 'label', 'podSecurityVersion'];

function choicesOf(req: Request, policies: readonly Policy[]): PreviewChoices {
  const query = queryOf(req.originalUrl);
  const problems: string[] = [];
  for (const name of new Set(query.keys())) {
    if (!PARAMETERS.includes(name)) {
      const meant = didYouMean(name, PARAMETERS);
      const hint = meant === undefined ? `known: ${PARAMETERS.join(', ')}` : `did you mean "${meant}"?`;
      problems.push(`there is no parameter "${name}"; ${hint}`);
    } else if (name !== 'label' && query.getAll(name).length > 1)
      problems.push(`${name} is given more than once`);
  }
  const read = readChoices(
    {
      namespace: query.get('namespace') ?? undefined,
      policy: query.get('policy') ?? undefined,
      mode: query.get('mode') ?? undefined,
      labels: query.getAll('label'),
      podSecurityVersion: query.get('podSecurityVersion') ?? undefined,
    },
    policies.map(({ name }) => name),
  );
  if ('problems' in read) problems.push(...read.problems);
  if (problems.length === 0 && 'choices' in read) return read.choices;
  throw new ProblemError(400, problems.join('\n'), {
    title: 'The query cannot be understood',
    errors: problems.map((message) => ({ message })),
  });
}

async function orProblem(make: () => Promise<FilePreview>): Promise<FilePreview> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof PlanUnavailableError) {
      throw new ProblemError(503, error.message, { headers: { 'retry-after': '5' } }, { cause: error });
    }
    if (!(error instanceof ManifestError)) throw error;
    const detail = error.issues.map(manifestIssueText).join('\n');
    const [status, title] =
      error.code === 'NamespaceNotFound'
        ? [404, 'The namespace does not exist']
        : [400, 'The manifest cannot be read'];
    throw new ProblemError(status, detail, { title, errors: error.issues }, { cause: error });
  }
}
