import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ProgramPod } from '../programPod.js';

/** The paths that a container has made or changed in its image since it was created: its own layer, without mounts. */
export async function layerFiles(pod: ProgramPod): Promise<ReadonlySet<string>> {
  const [first] = await pod.processes();
  if (first === undefined) throw new Error(`${pod.namespace}/${pod.name} has no process`);
  const mounts = readFileSync(`/proc/${first.pid}/mountinfo`, 'utf8');
  const upper = /^\d+ \d+ \S+ \S+ \/ .* - overlay .*[, ]upperdir=([^,\s]+)/m.exec(mounts)?.[1];
  if (upper === undefined) throw new Error(`${pod.namespace}/${pod.name} has no overlay for its root`);
  // The runtime's view of the node: the folder lies where the tests have it, too.
  return new Set(pathsBelow(upper).map((path) => `/${relative(upper, path)}`));
}

function pathsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });
}
