import { ApiError } from '../cluster/apiError.js';

const FORBIDDEN = 403;

/** Whether whoever asks lacks the right: then the rest can be answered all the same. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === FORBIDDEN;
}
