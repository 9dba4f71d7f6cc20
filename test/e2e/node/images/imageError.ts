/** An image of the node's tests cannot be made; the message says why and what to do. */
export class ImageError extends Error {
  readonly code = 'E2E_IMAGE';
  override readonly name = 'ImageError';
}
