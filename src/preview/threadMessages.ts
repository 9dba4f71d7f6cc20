import type { NamespaceFacts } from '../policy/namespace.js';
import type { PlanBookData } from '../policy/planBook.js';
import type { PlanChoices } from '../policy/planChoices.js';
import type { PreviewQuestion } from './answer.js';
import type { Problem } from './problem.js';

/*
 * What the thread that makes previews and the one that started it say to each other. One question is answered at a
 * time; while it is, the thread asks back for what only the other one knows.
 */

export type ToThread =
  { readonly type: 'question'; readonly question: PreviewQuestion } | ({ readonly type: 'reply' } & Reply);

/** To the request of this number. */
export type Reply = { readonly to: number } & (
  | { readonly value: unknown }
  /** The question comes to nothing; the one who asked is told why where it is known. */
  | { readonly refused: true }
  /** Only this namespace's objects do. */
  | { readonly notFound: string }
);

/** In reply to a request for a plan. */
export interface PlanReply {
  readonly facts: NamespaceFacts;
  /** Left out where it is the one that was sent last. */
  readonly book?: PlanBookData | undefined;
}

export type Request =
  | { readonly what: 'authorize'; readonly namespace: string }
  | { readonly what: 'podSecurityMinor' }
  | { readonly what: 'plan'; readonly given: PlanChoices };

export type FromThread =
  | { readonly type: 'request'; readonly id: number; readonly request: Request }
  | { readonly type: 'answer'; readonly contentType: string; readonly body: Uint8Array<ArrayBuffer> }
  | {
      readonly type: 'problem';
      readonly problem: Problem;
      readonly headers: Readonly<Record<string, string>>;
    }
  /** A request was refused. */
  | { readonly type: 'refused' }
  | { readonly type: 'failed'; readonly error: unknown };
