import { overByName, type Policy } from '../policy/policy.js';
import type { PolicyChange } from '../policy/policyFile.js';
import type { HealthCheck } from '../server/health.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { linesOf, readOr } from './fileErrors.js';

/** The policies that are built in and, over them by name, those of --policy-file; followed as the file changes. */
export interface PolicyFileSource {
  readonly policies: readonly Policy[];
  readonly check: HealthCheck;
  close(): void;
}

/**
 * The file's readers (yaml, zod: 130 ms) are loaded only where one is given.
 *
 * @param changed told of each reload that gave other policies
 * @throws CommandError where the file cannot be read or is wrong, with a line for each thing that is
 */
export async function policyFileSource(
  policyFile: string | undefined,
  { metrics, logger }: { readonly metrics: Metrics; readonly logger: Logger },
  changed: (policies: readonly Policy[]) => void,
): Promise<PolicyFileSource> {
  const [{ BUILTIN_POLICIES }, followed] = await Promise.all([
    import('../policy/builtin.generated.js'),
    policyFile === undefined ? undefined : readPolicies(policyFile),
  ]);
  let policies = overByName(BUILTIN_POLICIES, followed?.policies ?? []);
  let isReloaded = true;
  metrics.policyFilesRead(true);
  const watch = followed?.watch((loaded) => {
    isReloaded = !('error' in loaded);
    metrics.policyFilesRead(isReloaded);
    if ('error' in loaded) {
      logger.error('policy files changed and are broken: the last good ones stay in force', {
        path: policyFile,
        reasons: linesOf(loaded.error, followed.path),
      });
      return;
    }
    policies = overByName(BUILTIN_POLICIES, loaded.policies);
    changed(policies);
    logger.info('policy files reloaded', {
      path: policyFile,
      policies: loaded.policies.map(({ name }) => name),
    });
  });
  return {
    get policies() {
      return policies;
    },
    check: {
      name: 'policies',
      check: () => ({
        ok: true,
        detail: isReloaded ? undefined : 'the last reload failed; the last good ones are in force',
      }),
    },
    close: () => watch?.close(),
  };
}

interface FollowedPolicies {
  readonly path: string;
  readonly policies: readonly Policy[];
  /** Tells of every change since they were read. */
  watch(changed: (change: PolicyChange) => void): { close(): void };
}

async function readPolicies(path: string): Promise<FollowedPolicies> {
  const [{ loadPolicyPath }, { signature, watchPolicyPath }] = await Promise.all([
    import('../policy/load.js'),
    import('../policy/policyFile.js'),
  ]);
  const seen = signature(path);
  const policies = await readOr(path, '--policy-file', () => loadPolicyPath(path));
  return { path, policies, watch: (changed) => watchPolicyPath(path, changed, seen) };
}
