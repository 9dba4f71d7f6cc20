import { isRecord } from '../hardening/locate.js';
import type { ApiObject } from './apiClient.js';
import { bundlePem, readBundle, type Authority } from './certificateSecret.js';

interface Entry {
  readonly name: string;
  /** PEM, as it stands there. */
  readonly bundle: string;
}

/** The caBundles of our webhook configuration, as they were read. */
export class CaBundles {
  private readonly entries: readonly Entry[];
  private readonly resourceVersion: string | undefined;

  constructor(configuration: ApiObject) {
    const webhooks = Array.isArray(configuration['webhooks']) ? configuration['webhooks'] : [];
    this.entries = webhooks.map((webhook: unknown): Entry => {
      const { name, clientConfig } = isRecord(webhook) ? webhook : {};
      const bundle = isRecord(clientConfig) ? clientConfig['caBundle'] : undefined;
      return {
        name: typeof name === 'string' ? name : '',
        bundle: typeof bundle === 'string' ? Buffer.from(bundle, 'base64').toString('utf8') : '',
      };
    });
    this.resourceVersion = configuration.metadata?.resourceVersion;
  }

  /** What any entry trusts. */
  get authorities(): readonly Authority[] {
    const all = this.entries.flatMap(({ bundle }) => readBundle(bundle));
    return [...new Map(all.map((held) => [held.fingerprint, held])).values()];
  }

  /** What every entry trusts, as fingerprints. */
  get heldByAll(): ReadonlySet<string> {
    const bundles = this.entries.map(
      ({ bundle }) => new Set(readBundle(bundle).map(({ fingerprint }) => fingerprint)),
    );
    const [first = new Set<string>(), ...others] = bundles;
    return new Set([...first].filter((held) => others.every((bundle) => bundle.has(held))));
  }

  /**
   * The JSON patch after which every entry trusts exactly these; undefined where that is so. It tests the version that
   * was read, so that a leader that has been replaced without knowing it cannot take away what its successor has
   * added, and each entry's name, so that no order of entries is relied upon.
   */
  patchTo(authorities: readonly Authority[]): readonly object[] | undefined {
    const pem = bundlePem(authorities);
    const value = Buffer.from(pem).toString('base64');
    const operations = this.entries.flatMap(({ name, bundle }, index) =>
      bundle === pem
        ? []
        : [
            { op: 'test', path: `/webhooks/${index}/name`, value: name },
            { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value },
          ],
    );
    if (operations.length === 0) return undefined;
    return [{ op: 'test', path: '/metadata/resourceVersion', value: this.resourceVersion }, ...operations];
  }
}
