import type { PreviewResult } from '../../preview/result.js';
import type { ProblemIssue } from '../../preview/problem.js';

/*
 * What the page and its worker say to each other. The worker asks the listener and keeps the whole answer (14 MB for
 * 2 MB of manifests): the page gets what it draws, and asks for one line or one object when somebody looks at it.
 */

/** An answer without the Pod that will run, which the page does not show. */
export type ShownResult = Omit<PreviewResult, 'hardened'>;
export type ShownChange = ShownResult['changes'][number];
export type ShownContainer = ShownResult['containers'][number];

export type ToWorker =
  | {
      readonly kind: 'preview';
      /** Grows; answers to earlier ones are dropped. */
      readonly id: number;
      readonly text: string;
      /** `/preview` with its query. */
      readonly url: string;
      /** Empty where none is given. */
      readonly token: string;
    }
  | { readonly kind: 'line'; readonly id: number; readonly line: number }
  | { readonly kind: 'object'; readonly id: number; readonly index: number };

export type FromWorker = PreviewAnswer | PreviewFailure | LineAnswer | ObjectAnswer;

export interface PreviewAnswer extends Alignment {
  readonly kind: 'preview';
  readonly id: number;
  readonly text: string;
  /** Changed lines of `text`, from 1, ascending, each once. */
  readonly lines: Int32Array;
  /** For each of `lines` the index in `labels` of what is written at its end. */
  readonly lineLabels: Int32Array;
  /** The risk and rules' ids, as short as they fit: `high risk · runAsUser +2 · no image profile`. */
  readonly labels: readonly string[];
  readonly objects: readonly ObjectSummary[];
}

/** Where blank lines keep the two texts side by side, and which of the input's lines are no more. */
export interface Alignment {
  /** Pairs: after which line of the input (0: before the first), how many blank lines. */
  readonly inputGaps: Int32Array;
  /** The same of the hardened text. */
  readonly hardenedGaps: Int32Array;
  /** The input's lines that are replaced or taken out, ascending. */
  readonly replaced: Int32Array;
}

export interface ObjectSummary {
  /** `Deployment shop/web`. */
  readonly title: string;
  readonly outcome: PreviewResult['outcome'];
  readonly changes: number;
  readonly violations: number;
  readonly skips: number;
  /** Pod Security levels, null for a kind that has no pod. */
  readonly before: string | null;
  readonly after: string | null;
}

/** The listener refused, or could not be reached (status 0). */
export interface PreviewFailure {
  readonly kind: 'failure';
  readonly id: number;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly ProblemIssue[];
}

export interface LineAnswer {
  readonly kind: 'line';
  readonly id: number;
  readonly line: number;
  readonly parts: readonly {
    readonly object: number;
    readonly title: string;
    readonly namespace: string;
    readonly policy: string;
    readonly changes: readonly ShownChange[];
    /** Those that the changes are about, where their risk has to do with images. */
    readonly containers: readonly ShownContainer[];
  }[];
}

export interface ObjectAnswer {
  readonly kind: 'object';
  readonly id: number;
  readonly index: number;
  readonly result: ShownResult;
  /** For each change the last line of the hardened text that it wrote; 0 where it only took something out. */
  readonly changeLines: Int32Array;
}
