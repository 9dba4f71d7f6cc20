import type { ServerResponse } from 'node:http';
import type { ApiMethod } from '../../../../src/cluster/apiClient.js';
import { ApiError } from '../../../../src/cluster/apiError.js';
import { json, status, type ApiServer, type SeenRequest } from '../../../cluster/support/apiServer.js';
import {
  CONFIGURATION_PATH,
  CertificateCluster,
  SECRET_PATH,
} from '../../../cluster/support/certificateCluster.js';
import type { MemoryApi } from '../../../cluster/support/memoryApi.js';
import { emptyApiServer } from './clusterProcess.js';

export const LEASE_PATH = '/apis/coordination.k8s.io/v1/namespaces/kube-harden/leases/kube-harden';
const SECRETS_PATH = '/api/v1/namespaces/kube-harden/secrets';

/** As the manifests bring it: held by nobody. */
export function putLease(api: MemoryApi): void {
  api.put(LEASE_PATH, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kube-harden' },
  });
}

/**
 * An API server over HTTP that a process can lead at: besides the collections that a replica watches it has what the
 * manifests bring for the leader, which is to be looked at in `cluster`.
 */
export async function leaderApiServer(): Promise<{ server: ApiServer; cluster: CertificateCluster }> {
  const server = await emptyApiServer();
  const cluster = new CertificateCluster();
  putLease(cluster.api);
  server.intercept = (request) => {
    if (request.path === SECRETS_PATH && request.isWatch)
      return (res) => void watchSecret(cluster.api, request, res);
    if ([LEASE_PATH, SECRET_PATH, CONFIGURATION_PATH].includes(request.path))
      return (res) => void answer(cluster.api, request, res);
    return undefined;
  };
  return { server, cluster };
}

async function answer(
  api: MemoryApi,
  { method, path, body }: SeenRequest,
  res: ServerResponse,
): Promise<void> {
  try {
    json(await api.request(method as ApiMethod, path, { body }))(res);
  } catch (error) {
    if (error instanceof ApiError) status(error.status, error.message)(res);
    else status(500, String(error))(res);
  }
}

async function watchSecret(api: MemoryApi, { path, query }: SeenRequest, res: ServerResponse): Promise<void> {
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  res.writeHead(200, { 'content-type': 'application/json' });
  res.flushHeaders();
  await api.watch(
    path,
    query,
    (type, object) => void res.write(`${JSON.stringify({ type, object })}\n`),
    gone.signal,
  );
  res.end();
}
