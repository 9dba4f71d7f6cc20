import type { PemPair } from '../../../src/server/certificateAuthority.js';

export interface KubeconfigOptions {
  readonly server: string;
  /** PEM of the authority of the server's certificate. */
  readonly ca: string;
  readonly credentials: PemPair | { readonly token: string };
  readonly namespace?: string;
}

/** A kubeconfig that stands alone: everything is in it. JSON is YAML. */
export function kubeconfig({ server, ca, credentials, namespace = 'default' }: KubeconfigOptions): string {
  const user =
    'token' in credentials
      ? { token: credentials.token }
      : {
          'client-certificate-data': base64(credentials.cert),
          'client-key-data': base64(credentials.key),
        };
  return json({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'e2e', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'e2e', user }],
    contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'e2e', namespace } }],
    'current-context': 'e2e',
  });
}

/** The kubeconfig from which the API server takes what it shows to webhooks: `*` is every host. */
export function webhookKubeconfig(pair: PemPair): string {
  return json({
    apiVersion: 'v1',
    kind: 'Config',
    users: [
      {
        name: '*',
        user: { 'client-certificate-data': base64(pair.cert), 'client-key-data': base64(pair.key) },
      },
    ],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
