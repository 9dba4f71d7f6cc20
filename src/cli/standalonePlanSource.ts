import type { NamespaceFacts } from '../policy/namespace.js';
import type { StandalonePlans } from '../policy/standalonePlans.js';
import type { Policy } from '../policy/policy.js';
import type { HealthCheck } from '../server/health.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { CommandError } from './commandError.js';

export interface StandaloneOptions {
  readonly policyFile: string | undefined;
  readonly namespacesFile: string | undefined;
  readonly namespace: string | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface Standalone {
  readonly plans: StandalonePlans;
  readonly check: HealthCheck;
  close(): void;
}

/**
 * Plans without a cluster: the built-in policies, those of --policy-file over them by name, and the namespaces of
 * --namespaces-file. The files' readers (yaml, zod: 130 ms) are loaded only where a file is given.
 *
 * @throws CommandError where a file cannot be read or is wrong, with a line for each thing that is
 */
export async function standalonePlanSource(options: StandaloneOptions): Promise<Standalone> {
  const { metrics, logger, policyFile, namespacesFile } = options;
  const [{ BUILTIN_POLICIES }, { StandalonePlans }, fromFile, namespaces] = await Promise.all([
    import('../policy/builtin.generated.js'),
    import('../policy/standalonePlans.js'),
    policyFile === undefined ? [] : readPolicies(policyFile),
    namespacesFile === undefined ? undefined : readNamespaces(namespacesFile),
  ]);
  let policies = overByName(BUILTIN_POLICIES, fromFile);
  let lastReload: { ok: boolean } = { ok: true };
  const plans = new StandalonePlans({
    policies,
    namespaces,
    ownNamespace: options.namespace,
    clock: Date.now,
  });
  const inForce = (): void =>
    metrics.policiesLoaded(
      policies.map(({ name }) => name),
      Date.now(),
    );
  inForce();

  const watch =
    policyFile === undefined
      ? undefined
      : (await import('../policy/policyFile.js')).watchPolicyPath(policyFile, (loaded) => {
          if ('error' in loaded) {
            lastReload = { ok: false };
            metrics.policiesBroken();
            logger.error('policy files changed and are broken: the last good ones stay in force', {
              path: policyFile,
              reasons: linesOf(loaded.error, policyFile),
            });
            return;
          }
          policies = overByName(BUILTIN_POLICIES, loaded.policies);
          plans.replacePolicies(policies);
          lastReload = { ok: true };
          inForce();
          logger.info('policy files reloaded', {
            path: policyFile,
            policies: loaded.policies.map(({ name }) => name),
          });
        });
  return {
    plans,
    check: {
      name: 'policies',
      check: () => ({
        ok: true,
        detail: lastReload.ok ? undefined : 'the last reload failed; the last good ones are in force',
      }),
    },
    close: () => watch?.close(),
  };
}

async function readPolicies(path: string): Promise<readonly Policy[]> {
  const { loadPolicyPath } = await import('../policy/load.js');
  return readOr(path, '--policy-file', () => loadPolicyPath(path));
}

async function readNamespaces(path: string): Promise<ReadonlyMap<string, NamespaceFacts>> {
  const { loadNamespacesFile } = await import('../policy/namespacesFile.js');
  return readOr(path, '--namespaces-file', () => loadNamespacesFile(path));
}

async function readOr<T>(path: string, flag: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new CommandError(
      linesOf(error, path).map((line) => `${flag}: ${line}`),
      2,
      { cause: error },
    );
  }
}

/** One line for each thing that is wrong; a PolicyError's message has them already. */
function linesOf(error: unknown, path: string): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return [`${path}: no such file or folder; check the path`];
  if (code === 'EACCES') return [`${path}: permission denied; let the user that runs kube-harden read it`];
  return error.message.split('\n');
}

function overByName(builtIn: readonly Policy[], given: readonly Policy[]): Policy[] {
  return [...new Map([...builtIn, ...given].map((policy) => [policy.name, policy])).values()];
}
