import { STATUS_CODES } from 'node:http';
import type { output } from 'zod';
import type { problemDocument, problemIssue } from './problemSchema.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** One fault in what was sent; problemSchema.ts describes the fields. */
export type ProblemIssue = output<typeof problemIssue>;

/** An RFC 9457 problem document. */
export type Problem = output<typeof problemDocument>;

export interface ProblemDetails {
  /** A URI that names the kind of problem; `about:blank` (the status says it all) unless given. */
  readonly type?: string;
  /** The status' own phrase unless given. */
  readonly title?: string;
  readonly instance?: string;
  readonly errors?: readonly ProblemIssue[];
  /** Of the answer, not of the document: `WWW-Authenticate` with a 401, `Retry-After` with a 503. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The one place where problem documents are made. `detail` says what is wrong here and what to do. */
export function problem(status: number, detail: string, details: ProblemDetails = {}): Problem {
  return {
    type: details.type ?? 'about:blank',
    title: details.title ?? STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    ...(details.instance === undefined ? {} : { instance: details.instance }),
    ...(details.errors === undefined ? {} : { errors: details.errors }),
  };
}

/**
 * Thrown by a route of the preview or ops listener; the listener answers with its problem document.
 * Any other error becomes a 500 whose detail says nothing of the inside.
 */
export class ProblemError extends Error {
  readonly code = 'Problem';
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, detail: string, details: ProblemDetails = {}, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'ProblemError';
    this.problem = problem(status, detail, details);
    this.headers = details.headers ?? {};
  }
}
