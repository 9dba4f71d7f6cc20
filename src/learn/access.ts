import { isForbidden, ApiError } from '../cluster/apiError.js';
import { ExecError, execInPod, type ExecConnection, type ExecResult } from '../cluster/execInPod.js';
import type { Way } from './observation.js';
import { ObserveError } from './observeError.js';

/** How the programs of a container, or of a debug container beside it, are run. */
export interface Access {
  readonly way: Way;
  /** For people: what is run, and in what. */
  readonly text: string;
  /** Where the container's files are for what is run: empty, or /proc/PID/root. */
  readonly root: string;
  /** The container's first process for what is run; empty where that is in its mounts itself. */
  readonly first: string;
  /** Runs a script with arguments, and gives what it prints. @throws ObserveError */
  script(script: string, ...args: readonly string[]): Promise<string>;
}

/** A container of a pod, and until when it is looked at. */
export interface Place {
  readonly connection: ExecConnection;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** All that a look prints stays below it: some thousands of paths, or the processes of a busy container. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Runs one program. @returns undefined where the container does not have it @throws ObserveError */
export async function runIn(
  place: Place,
  command: readonly string[],
  onOutput?: (bytes: Buffer) => void,
): Promise<ExecResult | undefined> {
  const { connection, namespace, pod, container, deadline, signal } = place;
  const timeoutMs = Math.max(1, deadline - Date.now());
  try {
    const result = await execInPod(connection, {
      ...{ namespace, pod, container, command, timeoutMs, maxBytes: MAX_BYTES, signal },
      ...(onOutput && { onOutput }),
    });
    // 126 and 127 are also what some runtimes say instead of an error of their own.
    return result.exitCode === 127 || result.exitCode === 126 ? undefined : result;
  } catch (error) {
    if (error instanceof ExecError && error.reason === 'NotFound') return undefined;
    throw problem(error, place);
  }
}

function problem(error: unknown, { namespace, pod }: Place): unknown {
  const at = `pod ${namespace}/${pod}`;
  const cause = { cause: error };
  if (isForbidden(error))
    return new ObserveError(
      `${at} cannot be looked into: ${error.message} (learn needs get and create on pods/exec)`,
      cause,
    );
  if (error instanceof ApiError && error.status === 404)
    return new ObserveError(`${at} cannot be looked into: ${error.message}; it has gone meanwhile`, cause);
  if (error instanceof ApiError || error instanceof ExecError)
    return new ObserveError(`${at} cannot be looked into: ${error.message}`, cause);
  return error;
}

/** Runs scripts by a shell of the container's own. */
export function shellAccess(place: Place, access: Pick<Access, 'way' | 'text' | 'root' | 'first'>): Access {
  return {
    ...access,
    script: async (script, ...args) => {
      let head = '';
      const onOutput = (bytes: Buffer): void => {
        if (head.length < HEAD) head += bytes.toString('latin1', 0, HEAD);
      };
      const command = ['sh', '-c', compact(script), 'learn', ...args];
      try {
        const result = await runIn(place, command, onOutput);
        if (result === undefined)
          throw new ObserveError(
            `pod ${place.namespace}/${place.pod}: the shell of container "${place.container}" has gone`,
          );
        if (result.cut) await endScript(place, head);
        return result.stdout;
      } catch (error) {
        await endScript(place, head);
        throw error;
      }
    },
  };
}

/** Room for the line by which a script names its own process. */
const HEAD = 64;
const END_MS = 3000;

/**
 * Ends a script that is no longer waited for: a runtime leaves it blocked for ever on output that nobody takes (containerd 1.6,
 * measured). It is the first of a session of its own, so all that it started is in its process group.
 */
async function endScript(place: Place, head: string): Promise<void> {
  const pid = /^@ self (\d+)$/m.exec(head)?.[1];
  if (pid === undefined) return;
  const now = { ...place, deadline: Date.now() + END_MS, signal: undefined };
  // It may have ended by now, and the pod too; what was wrong before is what counts.
  await runIn(now, ['sh', '-c', `kill -9 -${pid}`]).catch(() => undefined);
}

/** Without comments and indents: a command is sent as part of a URL, which some proxies bound to 8 KiB. */
export function compact(script: string): string {
  return script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}
