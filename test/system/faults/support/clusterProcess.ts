import type { ApiObject } from '../../../../src/cluster/apiClient.js';
import {
  ApiServer,
  json,
  kubeconfigOf,
  type Answer,
  type SeenRequest,
} from '../../../cluster/support/apiServer.js';
import { KubeHarden } from '../../../e2e/support/kubeHarden.js';
import { authority } from '../../support/certificates.js';
import { runFolder, type ServeOptions } from './serveProcess.js';

export const NAMESPACES = '/api/v1/namespaces';
export const RANGES = '/api/v1/limitranges';
export const QUOTAS = '/api/v1/resourcequotas';
export const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';
/** What a replica watches. */
export const WATCHED = [NAMESPACES, RANGES, QUOTAS, POLICIES];

/** An API server of which every collection that a replica watches is empty. */
export async function emptyApiServer(port?: number): Promise<ApiServer> {
  const server = await ApiServer.start(port);
  for (const path of WATCHED) server.serve(path);
  return server;
}

/** With labels of ours, their prefix left out. */
export function namespaceObject(
  name: string,
  labels: Readonly<Record<string, string>> = { mode: 'enforce' },
): ApiObject {
  const ours = Object.entries(labels).map(([key, value]) => [`kube-harden.io/${key}`, value] as const);
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: Object.fromEntries(ours) } };
}

let started = 0;

/**
 * A `kube-harden serve` of its own that reads namespaces and policies from an API server; ended with the run where a
 * test does not end it.
 *
 * @param port the API server's, there already or not, or that of a forwarder to it
 * @param waitReady without it this resolves as soon as it listens
 */
export function serveCluster(
  port: number,
  { waitReady = true, args = [], env = {} }: ServeOptions & { readonly waitReady?: boolean } = {},
): Promise<KubeHarden> {
  started += 1;
  const name = `cluster-${started}`;
  return KubeHarden.start({
    name,
    folder: runFolder,
    kubeconfig: runFolder.write(`${name}.kubeconfig`, JSON.stringify(kubeconfigOf(port))),
    certificates: authority,
    args: ['--log-decisions', 'denied', '--shutdown-delay-duration', '0s', ...args],
    env,
    waitReady,
  });
}

/** What an API server answers that knows every caller of the preview, and lets them. */
export function reviewsAll({ path }: SeenRequest): Answer | undefined {
  const user = { username: 'jane', groups: [] };
  if (path.endsWith('/tokenreviews')) return json({ status: { authenticated: true, user } }, 201);
  if (path.endsWith('/subjectaccessreviews')) return json({ status: { allowed: true } }, 201);
  return undefined;
}
