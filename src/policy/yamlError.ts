/** Thrown for text that Kubernetes could not read, or whose keys are ambiguous: the first problem, with its place. */
export class YamlError extends Error {
  readonly code = 'YamlInvalid';
  /**
   * @param document index of the document in the stream, empty ones not counted, from 0
   * @param line from 1
   * @param column from 1
   */
  constructor(
    message: string,
    readonly document: number,
    readonly line: number,
    readonly column: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'YamlError';
  }
}
