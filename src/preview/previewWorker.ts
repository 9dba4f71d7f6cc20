import { Worker } from 'node:worker_threads';
import type { PlanBookData, PlanInputs } from '../policy/planBook.js';
import type { PlanChoices } from '../policy/planChoices.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import type { Authorize } from './access.js';
import { asProblem, type PreviewQuestion } from './answer.js';
import { ProblemError } from './problem.js';
import type { FromThread, PlanReply, Reply, Request, ToThread } from './threadMessages.js';

/** What the thread asks back for while it answers a question. */
export interface WorkerHost {
  readonly authorize: Authorize;
  podSecurityMinor(): Promise<number | undefined>;
  inputsWith(given: PlanChoices): PlanInputs | Promise<PlanInputs>;
}

export interface WorkerAnswer {
  readonly contentType: string;
  /** In memory of their own. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Why a thread was ended before its question was answered. */
export const WORKER_ENDS = ['time', 'memory', 'error'] as const;
export type WorkerEnd = (typeof WORKER_ENDS)[number];

export interface WorkerLimits {
  /** Questions that wait while another one is answered. */
  readonly waiting: number;
  /** Of work on one question, waiting for replies left out. */
  readonly milliseconds: number;
  /** Of waiting for replies to one question. */
  readonly askingMilliseconds: number;
  /** Of the thread's heap. */
  readonly megabytes: number;
  /** After so long without a question the thread is ended: its memory is given back. */
  readonly idleMilliseconds: number;
}

export const WORKER_LIMITS: WorkerLimits = {
  waiting: 16,
  // A megabyte of YAML takes about two seconds where a core is free, and a body has at most 20.
  milliseconds: 60_000,
  // A thousand namespaces at a few milliseconds each take seconds.
  askingMilliseconds: 60_000,
  // Two megabytes of YAML that the library reads take about 250, with the answer; a pod of ours may have 512 in all.
  megabytes: 320,
  idleMilliseconds: 60_000,
};
/** Most of what is read lives for one question: with little room for it, a quarter of the time goes to collecting it. */
const YOUNG_MEGABYTES = 32;
/** About half as much as all examples together. */
const LARGE_BYTES = 100_000;

interface Job {
  readonly question: PreviewQuestion;
  readonly host: WorkerHost;
  /** Called when it is the thread's: from then on it ends with what the thread next asks or says, whoever has gone. */
  readonly begin: () => void;
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** Aborted where nobody waits any more: what the thread asks for it then is refused. */
  readonly gone?: AbortSignal;
  /** Milliseconds of work that are left. */
  left: number;
  /** And of waiting for what the host is asked. */
  leftToAsk: number;
  /** What the host threw: it does not cross threads. */
  refusal?: unknown;
}

/**
 * Makes previews in a thread of its own, so that a large one does not keep admission waiting. There is one thread,
 * started when it is first needed, and a short queue before it.
 */
export class PreviewWorker {
  readonly #file: URL;
  readonly #limits: WorkerLimits;
  readonly #ended: (why: WorkerEnd) => void;
  readonly #queue: Job[] = [];
  /** For nobody. They wait for those that somebody waits for. */
  readonly #warmUps: Job[] = [];
  #thread: Worker | undefined;
  #job: Job | undefined;
  /** The one that the thread has. */
  #book: PlanBookData | undefined;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;

  /**
   * @param file previewThread.ts, compiled
   * @param ended told of each thread that was ended before its question was answered
   */
  constructor(
    file: URL,
    limits: Partial<WorkerLimits> = {},
    ended: (why: WorkerEnd) => void = () => undefined,
  ) {
    this.#file = file;
    this.#limits = { ...WORKER_LIMITS, ...limits };
    this.#ended = ended;
  }

  /**
   * @param question its bytes are handed over: nobody else is to use them
   * @param gone aborted where nobody waits for the answer any more: it is not begun then, and nothing of it is kept
   * @throws ProblemError 503 where too many wait, 413 where the answer takes too much time or memory, and as
   * `answerPreview`; what the host throws
   */
  answer(question: PreviewQuestion, host: WorkerHost, gone: AbortSignal): Promise<WorkerAnswer> {
    if (gone.aborted) return Promise.reject(stopped());
    if (this.#queue.length >= this.#limits.waiting) {
      const detail = 'too many previews are waiting; try again in a second';
      return Promise.reject(new ProblemError(503, detail, { headers: { 'retry-after': '1' } }));
    }
    // Such a question warms the thread by itself, and what comes next need not wait for the rest of the examples.
    if (question.bytes.byteLength >= LARGE_BYTES) this.#warmUps.length = 0;
    return new Promise((resolve, reject) => {
      const forget = (): void => this.#forget(job);
      const begin = (): void => gone.removeEventListener('abort', forget);
      const time = this.#time();
      const job: Job = { question, host, resolve, reject, begin, gone, ...time };
      gone.addEventListener('abort', forget);
      this.#queue.push(job);
      this.#next();
    });
  }

  /**
   * Starts the thread, where there is none, and has it answer questions that nobody waits for: its code is compiled then
   * when the first question comes that matters.
   */
  warm(questions: () => readonly PreviewQuestion[], host: WorkerHost): void {
    if (this.#thread) return;
    const ignore = (): void => undefined;
    for (const question of questions()) {
      const time = this.#time();
      this.#warmUps.push({ question, host, begin: ignore, resolve: ignore, reject: ignore, ...time });
    }
    this.#next();
  }

  /** Ends the thread; a question that it is at fails. */
  close(): void {
    this.#warmUps.length = 0;
    for (const job of this.#queue.splice(0)) job.reject(stopped());
    this.#end(stopped());
  }

  #forget(job: Job): void {
    const index = this.#queue.indexOf(job);
    if (index === -1) return;
    this.#queue.splice(index, 1);
    job.reject(stopped());
  }

  #next(): void {
    if (this.#job) return;
    const job = this.#queue.shift() ?? this.#warmUps.shift();
    if (!job) {
      this.#rest();
      return;
    }
    this.#job = job;
    job.begin();
    clearTimeout(this.#timer);
    try {
      this.#thread ??= this.#start();
    } catch (error) {
      this.#finish((failed) => failed.reject(error));
      return;
    }
    this.#thread.ref();
    const bytes = ownBytes(job.question.bytes);
    this.#say({ type: 'question', question: { ...job.question, bytes } }, [bytes.buffer]);
    this.#resume();
  }

  #start(): Worker {
    const thread = new Worker(this.#file, {
      // It needs no variable, and what it may be made to say is said to a caller.
      env: {},
      resourceLimits: {
        maxOldGenerationSizeMb: this.#limits.megabytes,
        maxYoungGenerationSizeMb: YOUNG_MEGABYTES,
      },
    });
    thread.on('message', (message: FromThread) => {
      if (thread === this.#thread) this.#hear(message);
    });
    thread.on('error', (error: Error & { code?: string }) => {
      if (thread !== this.#thread) return;
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#ended(isMemory ? 'memory' : 'error');
      this.#end(isMemory ? tooMuch(`${this.#limits.megabytes} MB of memory`) : error);
    });
    thread.on('exit', () => {
      if (thread === this.#thread) this.#end(new Error('the thread that makes previews has ended'));
    });
    return thread;
  }

  #hear(message: FromThread): void {
    switch (message.type) {
      case 'request':
        void this.#reply(message.id, message.request);
        return;
      case 'answer':
        this.#finish((job) => job.resolve(message));
        return;
      case 'problem': {
        const { status, detail, title, errors = [] } = message.problem;
        const details = errors.length === 0 ? { title } : { title, errors };
        const problem = new ProblemError(status, detail, { ...details, headers: message.headers });
        this.#finish((job) => job.reject(problem));
        return;
      }
      case 'refused':
        this.#finish((job) => job.reject(asProblem(job.refusal)));
        return;
      case 'failed':
        this.#finish((job) => job.reject(message.error));
    }
  }

  async #reply(to: number, request: Request): Promise<void> {
    const job = this.#job;
    const thread = this.#thread;
    if (!job) return;
    this.#pause();
    const asked = performance.now();
    let reply: Reply;
    try {
      reply = { to, value: await this.#ask(job.host, request) };
    } catch (error) {
      job.refusal = error;
      reply =
        error instanceof PlanUnavailableError && error.notFound
          ? { to, notFound: error.message }
          : { to, refused: true };
    }
    if (thread !== this.#thread) return;
    job.leftToAsk -= performance.now() - asked;
    if (job.gone?.aborted === true || job.leftToAsk <= 0) {
      const seconds = this.#limits.askingMilliseconds / 1000;
      job.refusal = job.leftToAsk <= 0 ? tooMuch(`${seconds} seconds of asking the cluster`) : stopped();
      reply = { to, refused: true };
    }
    this.#resume();
    this.#say({ type: 'reply', ...reply });
  }

  #time(): Pick<Job, 'left' | 'leftToAsk'> {
    return { left: this.#limits.milliseconds, leftToAsk: this.#limits.askingMilliseconds };
  }

  async #ask(host: WorkerHost, request: Request): Promise<unknown> {
    if (request.what === 'authorize') return host.authorize(request.namespace);
    if (request.what === 'podSecurityMinor') return host.podSecurityMinor();
    const thread = this.#thread;
    const { book, facts } = await host.inputsWith(request.given);
    const reply: PlanReply = { facts, book: book === this.#book ? undefined : book };
    // Another thread has not got it.
    if (thread === this.#thread) this.#book = book;
    return reply;
  }

  #say(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#thread?.postMessage(message, transfer);
  }

  #resume(): void {
    const job = this.#job;
    if (!job) return;
    this.#since = performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#ended('time');
        this.#end(tooMuch(`${this.#limits.milliseconds / 1000} seconds`));
      },
      Math.max(job.left, 1),
    );
  }

  #pause(): void {
    clearTimeout(this.#timer);
    if (this.#job) this.#job.left -= performance.now() - this.#since;
  }

  #finish(settle: (job: Job) => void): void {
    clearTimeout(this.#timer);
    const job = this.#job;
    this.#job = undefined;
    if (job) settle(job);
    this.#next();
  }

  #rest(): void {
    this.#thread?.unref();
    this.#timer = setTimeout(() => this.#end(stopped()), this.#limits.idleMilliseconds).unref();
  }

  /** The next question starts another thread. */
  #end(error: Error): void {
    clearTimeout(this.#timer);
    const thread = this.#thread;
    this.#thread = undefined;
    this.#book = undefined;
    void thread?.terminate();
    if (this.#job) this.#finish((job) => job.reject(error));
  }
}

/** A buffer that holds nothing else, so that it can be handed over. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

function tooMuch(limit: string): ProblemError {
  return new ProblemError(413, `the preview takes more than ${limit}; send the manifests in parts`);
}

function stopped(): ProblemError {
  return new ProblemError(503, 'the preview was stopped; try again', { headers: { 'retry-after': '1' } });
}
