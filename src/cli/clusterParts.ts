import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { ApiServerVersion } from '../cluster/apiServerVersion.js';
import { ClusterSource } from '../cluster/clusterSource.js';
import { connect, KubeconfigError, type Connection } from '../cluster/connection.js';
import { LeaderElection } from '../cluster/leaderElection.js';
import { ClusterPreviewAccess } from '../cluster/previewAccess.js';
import { SelfManagedCertificates } from '../cluster/selfManagedCertificates.js';
import type { HealthCheck } from '../server/health.js';
import type { TlsSource } from '../server/tlsSource.js';
import { CommandError } from './commandError.js';
import { policyFileSource } from './policyFileSource.js';
import type { ClusterSettings } from './serveFlags.js';
import type { ServeParts } from './serveParts.js';
import { tlsFiles, type TlsFileSettings } from './standaloneParts.js';

export interface ClusterOptions extends TlsFileSettings {
  readonly cluster: ClusterSettings;
  readonly policyFile: string | undefined;
}

/**
 * Serving in a cluster: namespaces and policies are watched, certificates come from files or from a Secret, one replica
 * leads.
 *
 * @throws CommandError where the kubeconfig or a file cannot be used
 */
export async function clusterParts(options: ClusterOptions): Promise<ServeParts> {
  const { cluster, metrics, logger } = options;
  const { namespace } = cluster;
  const connection = await connectOr(cluster);
  // A connection of its own: a flood of made-up tokens must not stand before the look-ups that admission waits for.
  const accessConnection = await connectOr(cluster);
  const apiServerVersion = new ApiServerVersion({ api: accessConnection.api, logger });
  const tls = certificates(options, connection);
  // As no other process has it, a restarted container of the same pod neither.
  const identity = `${process.env['POD_NAME'] || hostname()}_${randomBytes(4).toString('hex')}`;
  const files = await policyFileSource(options.policyFile, options, () => source.refresh());
  const source: ClusterSource = new ClusterSource({
    connection,
    ownNamespace: namespace,
    identity,
    basePolicies: () => files.policies,
    metrics,
    logger,
    clock: Date.now,
  });
  const election = new LeaderElection({
    api: connection.api,
    namespace,
    identity,
    logger,
    onStartedLeading: (signal) => {
      metrics.leader.value = 1;
      source.lead(signal);
      return tls.lead?.(signal);
    },
    onStoppedLeading: () => (metrics.leader.value = 0),
  });
  source.start();
  return {
    plans: source.plans,
    tls: tls.source,
    checks: [files.check, ...source.checks, leaderCheck(election)],
    access: new ClusterPreviewAccess({ api: accessConnection.api, logger }),
    podSecurityMinor: () => apiServerVersion.minor(),
    namespaces: `namespaces and policies of ${connection.server}`,
    mode: 'cluster',
    started: () => election.start(),
    leave: () => election.stop(),
    close: () => {
      files.close();
      source.close();
      connection.api.close();
      accessConnection.api.close();
    },
  };
}

async function connectOr({ kubeconfig, context }: ClusterSettings): Promise<Connection> {
  try {
    return await connect({ kubeconfig, context });
  } catch (error) {
    if (error instanceof KubeconfigError)
      throw new CommandError(`--kubeconfig: ${error.message}`, 2, { cause: error });
    throw error;
  }
}

interface Certificates {
  readonly source: TlsSource;
  /** What the leader does for them. */
  readonly lead?: (signal: AbortSignal) => Promise<void> | void;
}

function certificates(options: ClusterOptions, { api, stream }: Connection): Certificates {
  const { cluster, metrics, logger, clientCaFile } = options;
  if (cluster.selfManaged === undefined) return { source: tlsFiles(options) };
  const source = new SelfManagedCertificates({
    api,
    stream,
    namespace: cluster.namespace,
    ...cluster.selfManaged,
    clientCaFile,
    logger,
    metrics,
  });
  return { source, lead: (signal) => source.lead(signal) };
}

/** To be read, never to fail: every replica answers, whoever leads. */
function leaderCheck(election: LeaderElection): HealthCheck {
  return {
    name: 'leadership',
    check: () => ({ ok: true, detail: election.isLeader ? 'this replica leads' : undefined }),
  };
}
