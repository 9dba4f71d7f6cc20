/** What a program was asked to do when it failed. */
export type Step = 'admission' | 'start' | 'write' | 'read' | 'restart';

/** A program does not do what it is for. The message has what the program said of it, or the kubelet, or the API server. */
export class ProgramFailure extends Error {
  readonly code = 'E2E_PROGRAM';
  override readonly name = 'ProgramFailure';

  constructor(
    readonly step: Step,
    message: string,
    /** The one line that says why. */
    readonly quote = message,
  ) {
    super(message);
  }
}
