import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { listAll } from '../cluster/listAll.js';
import { isForbidden } from '../cluster/apiError.js';

const QUOTAS = 'resourcequotas';

/** ResourceQuotas with what is in use, of the whole cluster at once or of one namespace after the other. */
export class Quotas {
  private known: Map<string, ApiObject[]> | undefined;

  constructor(private readonly api: ApiClient) {}

  /** @returns whether they may be listed of all namespaces */
  async preload(): Promise<boolean> {
    const known = new Map<string, ApiObject[]>();
    try {
      for (const quota of await listAll(this.api, `/api/v1/${QUOTAS}`)) {
        const namespace = quota.metadata?.namespace ?? '';
        known.set(namespace, [...(known.get(namespace) ?? []), quota]);
      }
    } catch (error) {
      if (!isForbidden(error)) throw error;
      return false;
    }
    this.known = known;
    return true;
  }

  /** None where they may not be read: the plan's own look-up has told that. */
  async of(namespace: string): Promise<readonly ApiObject[]> {
    if (this.known) return this.known.get(namespace) ?? [];
    try {
      return await listAll(this.api, `/api/v1/namespaces/${namespace}/${QUOTAS}`);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      return [];
    }
  }
}
