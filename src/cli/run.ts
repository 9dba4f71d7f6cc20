import { CommanderError } from 'commander';
import { CommandError } from './commandError.js';
import { processOutput } from './output.js';
import { createProgram } from './program.js';

/** 2 means "could not do it", as with kubectl diff. */
const ERROR = 2;

/** What a shell asks by; cobra's name, which kubectl and its users know. */
const COMPLETE = '__complete';

/** Runs the command line and returns the exit code; a command that has differences to tell sets process.exitCode itself. */
export async function run(name: string, words: readonly string[]): Promise<number> {
  try {
    if (words[0] === COMPLETE) {
      const { completionAnswer } = await import('./completionAnswer.js');
      processOutput.stdout(await completionAnswer(words.slice(1)));
      return 0;
    }
    const program = await createProgram(name, words);
    await program.parseAsync(words, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERROR;
    if (error instanceof CommandError) {
      process.stderr.write(error.lines.map((line) => `error: ${line}\n`).join(''));
      return error.exitCode;
    }
    // Everything else is a bug: the stack is what helps to mend it.
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return ERROR;
  }
}
