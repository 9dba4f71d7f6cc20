import type { AnnotatedPreview } from '../../preview/annotated.js';
import type { Problem } from '../../preview/problem.js';
import { AnswerModel } from './answerModel.js';
import type { FromWorker, PreviewFailure, ToWorker } from './protocol.js';

/*
 * Asks the listener beside the page: reading 14 MB of JSON and setting 70,000 lines side by side takes longer than the
 * page may stand still.
 */

const ANNOTATED = 'application/vnd.kube-harden.annotated+json';

let running: AbortController | undefined;
let model: AnswerModel | undefined;

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'preview') void preview(data);
  else if (data.kind === 'line') answer(model?.line(data.line));
  else answer(model?.object(data.index));
});

function answer(message: FromWorker | undefined): void {
  if (message === undefined) return;
  const transfer =
    message.kind === 'preview'
      ? [message.lines, message.lineLabels, message.inputGaps, message.hardenedGaps, message.replaced]
      : [];
  self.postMessage(message, { transfer: transfer.map(({ buffer }) => buffer) });
}

async function preview({ id, text, url, token }: ToWorker & { kind: 'preview' }): Promise<void> {
  running?.abort();
  const own = new AbortController();
  running = own;
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: text,
      headers: {
        'content-type': 'application/yaml',
        accept: `${ANNOTATED}, application/problem+json`,
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: own.signal,
    });
    if (!response.ok) {
      const failed = await failure(id, response);
      if (!own.signal.aborted) answer(failed);
      return;
    }
    const read = (await response.json()) as AnnotatedPreview;
    if (own.signal.aborted) return;
    model = new AnswerModel(id, text, read);
    answer(model.shown());
  } catch (error) {
    if (own.signal.aborted) return;
    answer({
      kind: 'failure',
      id,
      status: 0,
      title: 'The server cannot be reached',
      detail: `Is it still running? The browser says: ${error instanceof Error ? error.message : String(error)}`,
      errors: [],
    });
  }
}

/** The listener's problem document; something between it and the page may answer with anything else. */
async function failure(id: number, response: Response): Promise<PreviewFailure> {
  const text = await response.text();
  let problem: Partial<Problem> = {};
  if (response.headers.get('content-type')?.startsWith('application/problem+json') === true) {
    problem = JSON.parse(text) as Problem;
  }
  return {
    kind: 'failure',
    id,
    status: response.status,
    title: problem.title ?? `The answer was ${response.status} ${response.statusText}`,
    detail: problem.detail ?? text.slice(0, 500),
    errors: problem.errors ?? [],
  };
}
