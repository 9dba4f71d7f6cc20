import { CommandError } from './commandError.js';

/** @throws CommandError with a line for each thing that is wrong with the flag's file */
export async function readOr<T>(path: string, flag: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new CommandError(
      linesOf(error, path).map((line) => `${flag}: ${line}`),
      2,
      { cause: error },
    );
  }
}

/** One line for each thing that is wrong; a PolicyError's message has them already. */
export function linesOf(error: unknown, path: string): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return [`${path}: no such file or folder; check the path`];
  if (code === 'EACCES') return [`${path}: permission denied; let the user that runs kube-harden read it`];
  return error.message.split('\n');
}
