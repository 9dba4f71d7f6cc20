/** Thrown where an image cannot be read. The message is one line: which part, what is wrong, what to do about it. */
export class ImageError extends Error {
  readonly code = 'Image';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
  }
}
