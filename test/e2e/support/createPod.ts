import type { ApiClient, ApiReply } from '../controlPlane/apiClient.js';

export interface CreatedPod {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  /** Where the answer is an error. */
  readonly message?: string;
}

/** The annotation that says what kube-harden has changed; undefined where it has not touched the pod. */
export function changedBy({ body }: ApiReply<CreatedPod>): string | undefined {
  return body.metadata?.annotations?.['kube-harden.io/changed'];
}

/** Creates a small pod through the API server; in a dry run unless told otherwise. */
export function createPod(
  client: Pick<ApiClient, 'api'>,
  namespace: string,
  { name = 'web', dryRun = true } = {},
): Promise<ApiReply<CreatedPod>> {
  const path = `/api/v1/namespaces/${namespace}/pods${dryRun ? '?dryRun=All' : ''}`;
  return client.api<CreatedPod>('POST', path, {
    metadata: { name },
    spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
  });
}
