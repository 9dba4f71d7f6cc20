import { CaBundles } from '../../../src/cluster/caBundle.js';
import { readCertificateSecret, type CertificateSecret } from '../../../src/cluster/certificateSecret.js';
import { MemoryApi } from './memoryApi.js';

export const SECRET_PATH = '/api/v1/namespaces/kube-harden/secrets/kube-harden-certificates';
export const CONFIGURATION_PATH =
  '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kube-harden';

/** What the manifests bring: an empty Secret, and a configuration of two entries without a caBundle. */
export class CertificateCluster {
  readonly api = new MemoryApi();

  constructor() {
    this.emptySecret();
    this.applyConfiguration();
  }

  get secret(): CertificateSecret {
    return readCertificateSecret(this.api.get(SECRET_PATH));
  }

  get bundles(): CaBundles {
    return new CaBundles(this.api.get(CONFIGURATION_PATH));
  }

  emptySecret(): void {
    this.api.put(SECRET_PATH, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: 'kube-harden-certificates', labels: { kept: 'yes' } },
    });
  }

  /** Writes keys of the Secret; undefined takes one away. */
  changeSecret(change: Readonly<Record<string, string | undefined>>): void {
    const secret = this.api.get(SECRET_PATH);
    const data = { ...(secret['data'] as Record<string, string>) };
    for (const [key, value] of Object.entries(change)) {
      if (value === undefined) Reflect.deleteProperty(data, key);
      else data[key] = Buffer.from(value).toString('base64');
    }
    this.api.put(SECRET_PATH, { ...secret, data });
  }

  applyConfiguration(): void {
    const webhook = (name: string, path: string): object => ({
      name,
      clientConfig: { service: { name: 'kube-harden', namespace: 'kube-harden', path } },
    });
    this.api.put(CONFIGURATION_PATH, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'kube-harden' },
      webhooks: [
        webhook('enforce.kube-harden.io', '/mutate/enforce'),
        webhook('audit.kube-harden.io', '/mutate/audit'),
      ],
    });
  }
}
