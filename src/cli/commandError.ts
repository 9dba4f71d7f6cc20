/**
 * Thrown by a command that cannot do what it was asked, for reasons that the user can mend: each line is printed to
 * standard error, without a stack, and the process ends with `exitCode`.
 */
export class CommandError extends Error {
  readonly code = 'Command';
  readonly lines: readonly string[];
  constructor(
    lines: string | readonly string[],
    readonly exitCode = 2,
    options?: ErrorOptions,
  ) {
    const list = typeof lines === 'string' ? [lines] : lines;
    super(list.join('\n'), options);
    this.name = 'CommandError';
    this.lines = list;
  }
}
