/**
 * The thread in which large previews are made, beside the one that answers admission. It is started by
 * previewWorker.ts and knows nothing but what it is told: see threadMessages.ts.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { PlanBook } from '../policy/planBook.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import { answerPreview, type PreviewHost, type PreviewQuestion } from './answer.js';
import { ProblemError } from './problem.js';
import type { FromThread, PlanReply, Reply, Request, ToThread } from './threadMessages.js';

/** Thrown where the other thread has refused a request: that one knows why. */
class Refused extends Error {
  readonly code = 'Refused';
}

/** As `nice`: where both threads have work and one core, admission goes first. */
const NICENESS = 5;

const port = parentPort;
if (!port) throw new Error('previewThread.ts is a thread of previewWorker.ts and does nothing by itself');

const waiting = new Map<number, (reply: Reply) => void>();
let requests = 0;
let book: PlanBook | undefined;

const host: PreviewHost = {
  authorize: async (namespace) => {
    await ask({ what: 'authorize', namespace });
  },
  podSecurityMinor: async () => (await ask({ what: 'podSecurityMinor' })) as number | undefined,
  planWith: async (given) => {
    const { facts, book: data } = (await ask({ what: 'plan', given })) as PlanReply;
    if (data) book = new PlanBook(data.policies, Date.now, data.ownNamespace, data.broken);
    if (!book) throw new Error('a plan was sent before any policies');
    return book.planFor(facts);
  },
};

port.on('message', (message: ToThread) => {
  if (message.type === 'question') {
    void answer(message.question);
    return;
  }
  waiting.get(message.to)?.(message);
  waiting.delete(message.to);
});
goBehind();
// The YAML library looks a variable up for each word that it reads: a tenth of its time, but for a plain object.
process.env = {};

async function answer(question: PreviewQuestion): Promise<void> {
  try {
    const { contentType, body } = await answerPreview(question, host);
    // A copy of its own, which is handed over and not copied again.
    const bytes = new TextEncoder().encode(body);
    send({ type: 'answer', contentType, body: bytes }, [bytes.buffer]);
  } catch (error) {
    if (error instanceof Refused) send({ type: 'refused' });
    else if (error instanceof ProblemError)
      send({ type: 'problem', problem: error.problem, headers: error.headers });
    else send({ type: 'failed', error });
  }
}

function ask(request: Request): Promise<unknown> {
  const id = requests++;
  send({ type: 'request', id, request });
  return new Promise((resolve, reject) => {
    waiting.set(id, (reply) => {
      if ('value' in reply) resolve(reply.value);
      else if ('notFound' in reply) reject(new PlanUnavailableError(reply.notFound, { notFound: true }));
      else reject(new Refused());
    });
  });
}

function send(message: FromThread, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

/** Linux schedules threads one by one, and takes a thread's number for a process'. Elsewhere it stays as it is. */
function goBehind(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICENESS);
  } catch {
    // Nothing depends on it.
  }
}
