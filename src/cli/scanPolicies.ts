import type { Policy } from '../policy/policy.js';
import { CommandError } from './commandError.js';
import { systemReason } from './systemReason.js';

/**
 * The policies of `--policy-file`.
 *
 * @throws CommandError with everything that is wrong with it, one line each
 */
export async function loadPolicyFlag(path: string | undefined): Promise<readonly Policy[]> {
  if (path === undefined) return [];
  const { loadPolicyPath } = await import('../policy/load.js');
  try {
    return loadPolicyPath(path);
  } catch (error) {
    // The loader's own errors carry a code; what has none is a bug.
    if (!(error instanceof Error && 'code' in error)) throw error;
    const lines = 'syscall' in error ? [`${path}: ${systemReason(error)}`] : error.message.split('\n');
    throw new CommandError(
      lines.map((line) => `--policy-file: ${line}`),
      2,
      { cause: error },
    );
  }
}
