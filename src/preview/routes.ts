import express from 'express';
import type { Request, Response, Router } from 'express';
import { giveBack } from '../admission/giveBack.js';
import { writeInPieces } from '../admission/writeInPieces.js';
import type { PlanChoices } from '../policy/planChoices.js';
import type { Policy } from '../policy/policy.js';
import { didYouMean } from '../policy/didYouMean.js';
import { authorizeAll, type PreviewLocals } from './access.js';
import { queryOf } from './admitCaller.js';
import { ANSWER_MEDIA_TYPES, answerPreview, type AnswerMediaType, type PreviewQuestion } from './answer.js';
import { ProblemError } from './problem.js';
import { CATALOGUE } from './catalogue.js';
import { readChoices, type PreviewChoices } from './choices.js';
import { MAX_MANIFEST_BYTES } from './manifests.js';
import type { PreviewPlans } from './previewFile.js';
import type { PreviewWorker, WorkerHost } from './previewWorker.js';
import { warmUpQuestions } from './warmUp.js';

export interface PreviewDeps {
  readonly plans: PreviewPlans;
  /** The policies in force. */
  readonly policies: () => readonly Policy[];
  /**
   * The minor of the Pod Security Standards that the cluster's API server judges by; without it, or where that is not
   * known, the newest that we know. Never rejects.
   */
  readonly podSecurityMinor?: (() => Promise<number | undefined>) | undefined;
  /** Makes the previews that take a while; without it they are made here. */
  readonly worker?: ({ readonly thread: PreviewWorker } & Pick<WorkerHost, 'inputsWith'>) | undefined;
}

/** The routes of the preview listener. They throw ProblemError; the listener makes the problem document of it. */
export function previewRoutes({ plans, policies, podSecurityMinor, worker }: PreviewDeps): Router {
  const router = express.Router();
  // Everything is taken as bytes: what curl and browsers say of them is not to be relied on.
  const body = express.raw({ type: () => true, limit: MAX_MANIFEST_BYTES, inflate: false });
  const room = new BodyRoom();

  router.post(
    '/preview',
    checkContentType,
    async (req, res, next) => {
      await room.take(req, res);
      next();
    },
    body,
    async (req, res: Response<unknown, PreviewLocals>) => {
      const mediaType = mediaTypeOf(req);
      const choices = choicesOf(req, policies());
      const bytes = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
      const question: PreviewQuestion = { bytes, choices, mediaType };
      const host = {
        authorize: res.locals.authorize,
        podSecurityMinor: () => podSecurityMinor?.() ?? Promise.resolve(undefined),
        planWith: (given: PlanChoices) => plans.planWith(given),
      };
      const answer =
        worker === undefined || isQuick(bytes)
          ? await answerPreview(question, host)
          : await worker.thread.answer(
              question,
              { ...host, inputsWith: (given) => worker.inputsWith(given) },
              whenGone(res),
            );
      res.setHeader('vary', 'accept');
      res.setHeader('cache-control', 'no-store');
      const body = bytesOf(answer.body);
      res.setHeader('content-type', answer.contentType);
      res.setHeader('content-length', body.byteLength);
      await writeInPieces(res, body);
      if (body.byteLength > LARGE_BYTES) whenClosed(res, () => giveBack(body.buffer));
    },
  );
  router.get('/api/rules', (_req, res) => {
    // The page asks this first, before anybody has pasted anything.
    res.once('finish', () =>
      worker?.thread.warm(warmUpQuestions, {
        authorize: authorizeAll,
        podSecurityMinor: () => Promise.resolve(undefined),
        inputsWith: (given) => worker.inputsWith(given),
      }),
    );
    res.json({ rules: CATALOGUE });
  });
  router.get('/api/policies', (_req, res) => {
    res.json({ policies: policies() });
  });
  router.get('/openapi.json', async (_req, res) => {
    const { OPENAPI_DOCUMENT } = await import('./openapi.generated.js');
    res.json(OPENAPI_DOCUMENT);
  });
  return router;
}

/** Reading and hardening so many bytes of YAML takes a few milliseconds, about as long as asking the other thread. */
const QUICK_BYTES = 4096;

/** An alias makes much of few bytes. */
function isQuick(bytes: Buffer): boolean {
  return bytes.byteLength <= QUICK_BYTES && !bytes.includes('&');
}

function whenGone(res: Response): AbortSignal {
  if (res.destroyed) return AbortSignal.abort();
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  return gone.signal;
}

/** Once all that was given to it is sent, or nobody wants it. */
function whenClosed(res: Response, then: () => void): void {
  if (res.closed) then();
  else res.once('close', then);
}

/** For the bodies that are being read or wait for their preview. Admission's have a budget of their own. */
const BODIES_BYTES = 64 * 1024 * 1024;
/** As many wait for the other thread, one before the other. */
const BODIES_MAX = 16;
/** A body that is not read costs nothing, and its sender waits: who floods is slowed down to this. */
const PATIENCE_MS = 1000;

/** Room for the bodies of requests: taken before they are read, by what their headers announce. */
class BodyRoom {
  #bytes = BODIES_BYTES;
  #count = BODIES_MAX;
  readonly #waiting = new Set<() => void>();

  /** Until the answer is sent. @throws ProblemError 503 where there is none for a second */
  async take(req: Request, res: Response): Promise<void> {
    const announced = Number(req.headers['content-length'] ?? MAX_MANIFEST_BYTES);
    const bytes = Math.min(Number.isNaN(announced) ? MAX_MANIFEST_BYTES : announced, MAX_MANIFEST_BYTES);
    if (bytes <= QUICK_BYTES) return;
    if (!this.#tryTake(bytes, res)) await this.#waitFor(bytes, res);
  }

  #tryTake(bytes: number, res: Response): boolean {
    if (bytes > this.#bytes || this.#count === 0) return false;
    this.#bytes -= bytes;
    this.#count -= 1;
    res.once('close', () => {
      this.#bytes += bytes;
      this.#count += 1;
      for (const take of this.#waiting) take();
    });
    return true;
  }

  #waitFor(bytes: number, res: Response): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(take);
        res.off('close', gone);
      };
      const take = (): void => {
        if (!this.#tryTake(bytes, res)) return;
        end();
        resolve();
      };
      const gone = (): void => {
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        const detail = 'too many previews are being made; try again in a second';
        reject(new ProblemError(503, detail, { headers: { 'retry-after': '1' } }));
      }, PATIENCE_MS);
      this.#waiting.add(take);
      res.once('close', gone);
    });
  }
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

const ALIASES: Readonly<Record<string, AnswerMediaType>> = {
  'text/yaml': 'application/yaml',
  'application/x-yaml': 'application/yaml',
  'text/x-patch': 'text/x-diff',
};

function mediaTypeOf(req: Request): AnswerMediaType {
  const accepted = req.accepts([...ANSWER_MEDIA_TYPES, ...Object.keys(ALIASES)]);
  const found = accepted === false ? undefined : (ALIASES[accepted] ?? accepted);
  const mediaType = ANSWER_MEDIA_TYPES.find((known) => known === found);
  if (mediaType) return mediaType;
  throw new ProblemError(
    406,
    `cannot answer with ${req.headers.accept ?? ''}; accept ${ANSWER_MEDIA_TYPES.join(', ')}`,
  );
}

/** In memory of their own, where they are many. */
function bytesOf(body: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

/** Of an answer: from here on its memory is given back once it is written. Smaller ones may share memory with others. */
const LARGE_BYTES = 64 * 1024;

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
