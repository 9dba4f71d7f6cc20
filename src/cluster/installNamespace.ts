import { isRecord } from '../hardening/locate.js';
import type { ApiClient } from './apiClient.js';
import { ApiError, isForbidden } from './apiError.js';

/** Where the manifests install kube-harden. */
export const INSTALL_NAMESPACE = 'kube-harden';

/** Its name is the same wherever it is installed, and by whatever. */
export const CONFIGURATION_PATH =
  '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kube-harden';

const NOT_FOUND = 404;

/**
 * Where kube-harden is installed: the namespace of the Service that its webhook configuration names. Where there is none,
 * or it may not be read, or the webhook is called by a URL, it is taken to be where the manifests install it.
 *
 * @throws ApiError, UnreachableError or the system's error where the API server cannot be asked
 */
export async function installNamespace(api: ApiClient): Promise<string> {
  try {
    const { webhooks } = await api.request('GET', CONFIGURATION_PATH);
    for (const entry of Array.isArray(webhooks) ? (webhooks as unknown[]) : []) {
      const clientConfig = isRecord(entry) ? entry['clientConfig'] : undefined;
      const service = isRecord(clientConfig) ? clientConfig['service'] : undefined;
      const namespace = isRecord(service) ? service['namespace'] : undefined;
      if (typeof namespace === 'string' && namespace !== '') return namespace;
    }
  } catch (error) {
    if (!isForbidden(error) && !(error instanceof ApiError && error.status === NOT_FOUND)) throw error;
  }
  return INSTALL_NAMESPACE;
}
