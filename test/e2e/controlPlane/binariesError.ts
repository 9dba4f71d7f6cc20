/** Something that the tests need is not on this machine; the message says how to get it. */
export class BinariesError extends Error {
  readonly code = 'E2E_BINARIES';
  override readonly name = 'BinariesError';
}
