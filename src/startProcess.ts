import { enableCompileCache } from './compileCache.js';
import { nodeProblem } from './nodeVersion.js';

/**
 * Runs the command line in this process, and sets its exit code. It imports what it needs only then: an older Node.js
 * would stop at syntax that it does not know, and not say which one is needed.
 *
 * @param name `kube-harden`, or `kubectl harden` for the plugin
 */
export async function startProcess(name: string, words: readonly string[]): Promise<void> {
  const problem = nodeProblem(process.versions.node);
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 2;
    return;
  }
  enableCompileCache();
  // Whoever writes says what could not be written; without a listener it would be a crash: `serve` goes on without its log.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exitCode = 2;
    });
  }
  const { run } = await import('./cli/run.js');
  const status = await run(name, words);
  process.exitCode = Math.max(status, Number(process.exitCode ?? 0));
}
