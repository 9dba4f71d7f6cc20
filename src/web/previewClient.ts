import { previewUrl, type Choices } from './choices.js';
import type {
  FromWorker,
  LineAnswer,
  ObjectAnswer,
  PreviewAnswer,
  PreviewFailure,
  ToWorker,
} from './worker/protocol.js';

/** The worker's file, whose name holds its hash: scripts/buildWeb.js puts it here. */
declare const WORKER_URL: string;

export interface PreviewListeners {
  readonly previewed: (answer: PreviewAnswer) => void;
  readonly failed: (failure: PreviewFailure) => void;
  readonly line: (answer: LineAnswer) => void;
  readonly object: (answer: ObjectAnswer) => void;
}

/** The page's end of the worker. Answers to what has been asked anew since are dropped. */
export class PreviewClient {
  private readonly worker = new Worker(WORKER_URL, { type: 'module' });
  /** Of the request that was sent last. */
  private asked = 0;
  /** Of the answer that is shown. */
  private shown = 0;

  constructor(private readonly listeners: PreviewListeners) {
    this.worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => this.receive(data));
  }

  preview(text: string, choices: Choices, token: string): void {
    this.post({ kind: 'preview', id: ++this.asked, text, url: previewUrl(choices), token });
  }

  /** What is on its way is of no interest any more. */
  forget(): void {
    this.asked++;
    this.shown = this.asked;
  }

  askLine(line: number): void {
    this.post({ kind: 'line', id: this.shown, line });
  }

  askObject(index: number): void {
    this.post({ kind: 'object', id: this.shown, index });
  }

  private post(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private receive(message: FromWorker): void {
    const { previewed, failed, line, object } = this.listeners;
    if (message.kind === 'preview' || message.kind === 'failure') {
      if (message.id !== this.asked) return;
      if (message.kind === 'failure') failed(message);
      else {
        this.shown = message.id;
        previewed(message);
      }
    } else if (message.id === this.shown) {
      if (message.kind === 'line') line(message);
      else object(message);
    }
  }
}
