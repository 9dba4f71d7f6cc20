/** Thrown when an API server answers with an error: carries the HTTP status and the Status object's own words. */
export class ApiError extends Error {
  readonly code = 'ApiError';
  constructor(
    /** The HTTP status: 403, 404, 409 (somebody else wrote first), 410 (the resourceVersion is too old), ... */
    readonly status: number,
    message: string,
    /** metav1.StatusReason, such as `NotFound` or `Expired`. */
    readonly reason?: string,
    /** Of a list that has expired: by which its rest can be listed as it is now. */
    readonly continueToken?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

const FORBIDDEN = 403;

/** Whether whoever asks lacks the right: then the rest can be answered all the same. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === FORBIDDEN;
}
