import { execFile } from 'node:child_process';
import { MAX_MANIFEST_BYTES } from '../preview/manifests.js';

/** What a kustomization builds to. */
export interface KustomizeBuild {
  /** YAML, as the tool prints it. */
  readonly bytes: Uint8Array;
  /** What the tool said on its standard error, such as deprecated fields; one line each. */
  readonly notes: readonly string[];
}

/** Thrown where a kustomization cannot be built; the message is one line without the folder. */
export class KustomizeError extends Error {
  readonly code = 'Kustomize';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KustomizeError';
  }
}

/** The ways to build, the first that is installed counts. `--`: a folder may be called `-x`. */
const TOOLS = [
  { program: 'kubectl', words: ['kustomize', '--'] },
  { program: 'kustomize', words: ['build', '--'] },
] as const;

/**
 * Builds a kustomization as `kubectl apply -k` does: by `kubectl kustomize` or, where kubectl is not installed, by
 * `kustomize build`. No shell is involved.
 *
 * @param folder as given to `-k`: a folder, or what else the tool takes (a repository's URL)
 * @throws KustomizeError where the tool fails, prints too much, or there is none
 */
export async function kustomizeBuild(folder: string): Promise<KustomizeBuild> {
  for (const { program, words } of TOOLS) {
    const build = await run(program, [...words, folder]);
    if (build) return build;
  }
  throw new KustomizeError('neither kubectl nor kustomize is on PATH; install one of them');
}

/** @returns undefined where there is no such program */
function run(program: string, words: readonly string[]): Promise<KustomizeBuild | undefined> {
  const called = `${program} ${words[0] ?? ''}`;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      words,
      { encoding: 'buffer', maxBuffer: MAX_MANIFEST_BYTES, windowsHide: true },
      (error, stdout, stderr) => {
        const notes = linesOf(stderr);
        if (error === null) resolve({ bytes: stdout, notes });
        else if (error.code === 'ENOENT') resolve(undefined);
        else reject(new KustomizeError(`${called}: ${reasonOf(error, notes)}`, { cause: error }));
      },
    );
    // A tool that asks (for a repository's password, say) is told at once that nobody answers.
    child.stdin?.on('error', () => undefined).end();
  });
}

function reasonOf(error: Error & { readonly code?: unknown }, notes: readonly string[]): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
    return `prints more than ${MAX_MANIFEST_BYTES} bytes (20 MiB)`;
  if ('syscall' in error) return error.message;
  if (notes.length === 0) return `failed (${error.message.split('\n')[0] ?? ''})`;
  const text = notes.join(' ');
  // kubectl 1.36 writes a log line about itself: E1126 01:05:53.492115 17268 run.go:72] "command failed" err="..."
  const logged = /^E\d{4} .*\] "command failed" err="((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  return (
    logged?.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? ' ' : escaped)) ??
    text.replace(/^error: /i, '')
  );
}

function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
