import type { NamespaceFacts } from '../policy/namespace.js';
import type { StandalonePlans } from '../policy/standalonePlans.js';
import { TlsFileError } from '../server/tlsFileError.js';
import { TlsFiles } from '../server/tlsFiles.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { CommandError } from './commandError.js';
import { readOr } from './fileErrors.js';
import { policyFileSource } from './policyFileSource.js';
import type { ServeParts } from './serveParts.js';

export interface TlsFileSettings {
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface StandaloneOptions extends TlsFileSettings {
  readonly policyFile: string | undefined;
  readonly namespacesFile: string | undefined;
  readonly namespace: string | undefined;
}

/**
 * Serving without a cluster: the built-in policies, those of --policy-file over them by name, the namespaces of
 * --namespaces-file, certificates from files.
 *
 * @throws CommandError where a file cannot be read or is wrong, with a line for each thing that is
 */
export async function standaloneParts(options: StandaloneOptions): Promise<ServeParts> {
  const { metrics, policyFile, namespacesFile } = options;
  const tls = tlsFiles(options);
  const inForce = (): void => metrics.policiesLoaded(plans.policies, Date.now());
  const [{ StandalonePlans }, files, namespaces] = await Promise.all([
    import('../policy/standalonePlans.js'),
    policyFileSource(policyFile, options, (policies) => {
      plans.replacePolicies(policies);
      inForce();
    }),
    namespacesFile === undefined ? undefined : readNamespaces(namespacesFile),
  ]);
  const plans: StandalonePlans = new StandalonePlans({
    policies: files.policies,
    namespaces,
    ownNamespace: options.namespace,
    clock: Date.now,
  });
  inForce();
  return {
    plans,
    tls,
    checks: [files.check],
    namespaces: namespacesFile ?? 'every namespace counts as enforce',
    mode: 'standalone',
    started: () => undefined,
    leave: () => Promise.resolve(),
    close: () => files.close(),
  };
}

async function readNamespaces(path: string): Promise<ReadonlyMap<string, NamespaceFacts>> {
  const { loadNamespacesFile } = await import('../policy/namespacesFile.js');
  return readOr(path, '--namespaces-file', () => loadNamespacesFile(path));
}

/** @throws CommandError where they cannot be used */
export function tlsFiles(settings: TlsFileSettings): TlsFiles {
  try {
    return new TlsFiles({
      certFile: settings.tlsCertFile,
      keyFile: settings.tlsPrivateKeyFile,
      clientCaFile: settings.clientCaFile,
      logger: settings.logger,
      metrics: settings.metrics,
    });
  } catch (error) {
    if (error instanceof TlsFileError) throw new CommandError(error.message, 2, { cause: error });
    throw error;
  }
}
