import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a container wrote, one text for each time it was started and of which the kubelet has kept something, from the
 * folder of its logs: files `0.log`, `1.log`, of lines like `2026-11-25T22:03:10.123Z stderr F the text`.
 */
export function containerLogs(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d+\.log$/.test(name))
    .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
    .flatMap((name) => logOf(join(folder, name)));
}

/** Nothing where the kubelet has removed it meanwhile, as it does when the next container has ended. */
function logOf(file: string): string[] {
  try {
    return [readFileSync(file, 'utf8').replaceAll(/^\S+ std(?:out|err) [FP] /gm, '')];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
