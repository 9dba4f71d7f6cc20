import { join } from 'node:path';
import type { ControlPlane } from '../controlPlane/controlPlane.js';
import { eventually } from './wait.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CRD = 'crd/hardeningpolicies.kube-harden.io';
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

export interface InstallOptions {
  /** A folder with a kustomization.yaml, from the root of the repository. */
  readonly kustomization?: string;
  /** Where the API server is to call the webhook. */
  readonly forwarderPort: number;
}

interface WebhookConfiguration {
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: {
      readonly caBundle?: string;
      readonly service?: { readonly path?: string };
      readonly url?: string;
    };
  }[];
}

/** As docs/operations.md says: the CRDs and the namespace first, then all the rest; then the webhooks called on loopback. */
export async function install(
  controlPlane: ControlPlane,
  { kustomization = 'manifests/overlays/self-signed', forwarderPort }: InstallOptions,
): Promise<void> {
  const apply = ['apply', '--server-side', '--field-manager', 'kubectl'];
  await controlPlane.kubectlOutput([...apply, '-k', 'manifests/crd'], { cwd: ROOT });
  const established = ['wait', '--for=condition=Established', '--timeout=30s', CRD];
  // kubectl ends with an error where there are no conditions yet.
  await eventually('the CRD established', () => controlPlane.kubectlOutput(established), 30_000);
  await controlPlane.kubectlOutput([...apply, '-k', kustomization], { cwd: ROOT });
  await pointWebhooks(controlPlane, forwarderPort);
}

/**
 * Points the webhooks of a configuration to a port of this machine: there is no pod behind the Service here. The path
 * stays, and so does the caBundle where there is one.
 */
export async function pointWebhooks(
  controlPlane: ControlPlane,
  port: number,
  { configuration = 'kube-harden' } = {},
): Promise<void> {
  const path = `${CONFIGURATIONS}/${configuration}`;
  const { status, body } = await controlPlane.api<WebhookConfiguration>('GET', path);
  if (status !== 200) throw new Error(`no webhook configuration ${configuration}: ${JSON.stringify(body)}`);
  const operations = body.webhooks.flatMap(({ name, clientConfig }, index) => {
    const { caBundle, service, url } = clientConfig;
    const called = service?.path ?? (url === undefined ? '/mutate' : new URL(url).pathname);
    return [
      // Others may reorder: what is replaced must be what was read.
      { op: 'test', path: `/webhooks/${index}/name`, value: name },
      {
        op: 'replace',
        path: `/webhooks/${index}/clientConfig`,
        value: { url: `https://127.0.0.1:${port}${called}`, ...(caBundle === undefined ? {} : { caBundle }) },
      },
    ];
  });
  const reply = await controlPlane.api('PATCH', path, operations, {
    contentType: 'application/json-patch+json',
  });
  if (reply.status !== 200) throw new Error(`webhooks not patched: ${JSON.stringify(reply.body)}`);
}
