import { generateKeyPairSync } from 'node:crypto';
import { CertificateAuthority, validFor } from '../../../src/server/certificateAuthority.js';
import type { RunFolder } from '../support/runFolder.js';
import { ClientAuthority } from './clientAuthority.js';
import { webhookKubeconfig } from './kubeconfig.js';

/** The common name of the certificate that the API server shows to webhooks. */
export const WEBHOOK_CLIENT_NAME = 'kube-apiserver-webhook-client';

/** The files that the components are started with, and the authorities behind them. */
export interface Credentials {
  readonly serverCa: string;
  readonly clients: ClientAuthority;
  readonly files: {
    readonly serverCa: string;
    readonly serverCert: string;
    readonly serverKey: string;
    readonly clientCa: string;
    readonly serviceAccountKey: string;
    readonly serviceAccountPublicKey: string;
    readonly webhookClientCa: string;
    readonly webhookKubeconfig: string;
  };
}

export async function makeCredentials(folder: RunFolder): Promise<Credentials> {
  const [server, clients, webhookClients] = await Promise.all([
    CertificateAuthority.create('e2e API server CA', validFor(1)),
    ClientAuthority.create(),
    CertificateAuthority.create('e2e webhook clients CA', validFor(1)),
  ]);
  const [serving, webhookClient] = await Promise.all([
    server.issue({
      commonName: 'kube-apiserver',
      hosts: ['127.0.0.1', 'localhost', 'kubernetes.default.svc'],
      usage: 'server',
      ...validFor(1),
    }),
    webhookClients.issue({ commonName: WEBHOOK_CLIENT_NAME, hosts: [], usage: 'client', ...validFor(1) }),
  ]);
  const tokens = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    // The form that kube-controller-manager reads.
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  return {
    serverCa: server.cert,
    clients,
    files: {
      serverCa: folder.write('server-ca.crt', server.cert),
      serverCert: folder.write('server.crt', serving.cert),
      serverKey: folder.write('server.key', serving.key),
      clientCa: folder.write('client-ca.crt', clients.cert),
      serviceAccountKey: folder.write('service-account.key', tokens.privateKey),
      serviceAccountPublicKey: folder.write('service-account.pub', tokens.publicKey),
      webhookClientCa: folder.write('webhook-client-ca.crt', webhookClients.cert),
      webhookKubeconfig: folder.write('webhook.kubeconfig', webhookKubeconfig(webhookClient)),
    },
  };
}
