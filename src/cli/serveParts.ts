import type { Policy } from '../policy/policy.js';
import type { PreviewAccess } from '../preview/access.js';
import type { PreviewPlans } from '../preview/previewFile.js';
import type { WorkerHost } from '../preview/previewWorker.js';
import type { HealthCheck } from '../server/health.js';
import type { TlsSource } from '../server/tlsSource.js';

/** What differs between serving standalone and serving in a cluster. */
export interface ServeParts {
  readonly plans: PreviewPlans & Pick<WorkerHost, 'inputsWith'> & { readonly policies: readonly Policy[] };
  readonly tls: TlsSource;
  readonly checks: readonly HealthCheck[];
  /** Who may ask the preview; without it, this machine only. */
  readonly access?: PreviewAccess | undefined;
  /** The minor of the Pod Security Standards that the cluster's API server judges by; undefined where it is not known. */
  readonly podSecurityMinor?: (() => Promise<number | undefined>) | undefined;
  /** Where the namespaces come from, in a phrase. */
  readonly namespaces: string;
  readonly mode: 'standalone' | 'cluster';
  /** The listeners are up. */
  started(): void;
  /** Shutdown begins: others may take over. Requests are still answered. */
  leave(): Promise<void>;
  close(): void;
}
