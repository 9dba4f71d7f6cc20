import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a program lies that a shell with this environment would start. */
export function onPath(program: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}
