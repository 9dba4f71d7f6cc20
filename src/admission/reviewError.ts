/** Thrown when a body is not an AdmissionReview that can be answered. The message says what is wrong and where. */
export class ReviewError extends Error {
  readonly code = 'ReviewInvalid';
  readonly uid: string | undefined;
  constructor(message: string, options: ErrorOptions & { uid?: string } = {}) {
    super(message, options);
    this.name = 'ReviewError';
    this.uid = options.uid;
  }
}
