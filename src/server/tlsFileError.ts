/** Thrown when a certificate, key or CA file cannot be used; the message names file, cause and what to do. */
export class TlsFileError extends Error {
  readonly code = 'TlsFile';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TlsFileError';
  }
}
