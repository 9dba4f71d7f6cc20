/** Thrown for a file whose text cannot be made to read as its patched data: nothing is written then. */
export class YamlEditError extends Error {
  readonly code = 'YamlNotEditable';
  constructor(message: string, options?: ErrorOptions) {
    super(`the text cannot be edited: ${message}`, options);
    this.name = 'YamlEditError';
  }
}
