import type { Answer } from './answer.js';
import { problem, PROBLEM_MEDIA_TYPE, type Problem } from '../preview/problem.js';

/** A problem document as an answer. */
export function problemAnswer(
  what: number | Problem,
  detail = '',
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const document = typeof what === 'number' ? problem(what, detail) : what;
  return {
    status: document.status,
    contentType: PROBLEM_MEDIA_TYPE,
    body: JSON.stringify(document),
    headers,
  };
}
