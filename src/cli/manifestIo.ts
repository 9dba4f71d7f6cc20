import type { Output } from './output.js';
import { processOutput } from './output.js';
import { systemReason } from './systemReason.js';

/** What a command that reads manifests needs of the process, so that tests need none. */
export interface ManifestIo extends Pick<Output, 'stderr'> {
  /** A process's promise is fulfilled once the text is written. It rejects with a system error, on a full disk say. */
  stdout(text: string): Promise<void> | undefined;
  stdin(): Promise<Uint8Array>;
  /** Standard output is a terminal that shows colours. */
  readonly colour: boolean;
}

export function processIo(): ManifestIo {
  return {
    stderr: (text) => {
      processOutput.stderr(text);
    },
    colour: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    stdout: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => {
          // A reader that has seen enough (`| head -1`) is no error.
          if (!error || ('code' in error && error.code === 'EPIPE')) resolve();
          else reject(error);
        });
      }),
    async stdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
  };
}

/**
 * Writes a result to standard output.
 *
 * @returns whether it could be written; where not, the reason is among the problems
 */
export async function writeOut(io: ManifestIo, text: string, problems: string[]): Promise<boolean> {
  try {
    await io.stdout(text);
    return true;
  } catch (error) {
    problems.push(`standard output: ${systemReason(error)}`);
    return false;
  }
}
