import type { ImageConfig } from '../imageConfig.js';
import type { FoundFile, ImageFiles } from '../imageFiles.js';

/** What runtimes take where the image sets no PATH. Source: containerd pkg/oci/spec.go, defaultUnixEnv. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The files that the image's command line names, by their real paths: its program (found on the image's own PATH), and
 * those that it starts in turn as far as they stand there (`tini -- caddy run`, `sh -c "exec caddy"`).
 */
export function commandFiles(config: ImageConfig, files: ImageFiles): ReadonlySet<string> {
  const words = [...config.entrypoint, ...config.cmd].flatMap((argument) => argument.split(/[\s;&|()"']+/));
  const folders = pathOf(config.env).split(':');
  const found = words
    .filter((word) => word !== '' && !word.startsWith('-'))
    .map((word) => findProgram(word, folders, config.workingDir, files));
  return new Set(found.flatMap((program) => (program?.file.kind === 'file' ? [program.path] : [])));
}

function findProgram(
  word: string,
  folders: readonly string[],
  workingDir: string,
  files: ImageFiles,
): FoundFile | undefined {
  if (word.startsWith('/')) return files.find(word);
  if (word.includes('/')) return files.find(`${workingDir}/${word}`);
  for (const folder of folders) {
    const program = files.find(`${folder}/${word}`);
    if (program) return program;
  }
  return undefined;
}

function pathOf(env: readonly string[]): string {
  return env.findLast((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
}
