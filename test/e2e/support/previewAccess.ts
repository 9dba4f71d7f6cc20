import { join } from 'node:path';
import { ApiClient } from '../controlPlane/apiClient.js';
import type { KubeHarden } from './kubeHarden.js';
import { world } from './world.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kube-harden';

/** The rights with which replicas ask who calls the preview, as the component in manifests/ has them. */
export async function applyPreviewRights(): Promise<void> {
  await world().controlPlane.kubectlOutput(
    ['apply', '--server-side', '-f', 'manifests/components/preview/roles.yaml'],
    { cwd: ROOT },
  );
}

/** A client of a replica's preview that trusts what the API server trusts; the caller closes it. */
export async function previewClient({ name, previewPort }: KubeHarden, token?: string): Promise<ApiClient> {
  if (previewPort === undefined) throw new Error(`${name} serves no preview`);
  const { body } = await world().controlPlane.api<{
    webhooks: readonly { clientConfig: { caBundle: string } }[];
  }>('GET', CONFIGURATION);
  const ca = Buffer.from(body.webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
  return new ApiClient({ port: previewPort, ca, credentials: token === undefined ? undefined : { token } });
}
