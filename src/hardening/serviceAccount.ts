import type { PodSpec } from './podSpec.js';

/**
 * The service account that a pod runs as. An API server copies the deprecated `serviceAccount` into `serviceAccountName`
 * before a webhook sees the pod; in a file it may stand alone.
 */
export function serviceAccountOf({
  serviceAccountName,
  serviceAccount,
}: Pick<PodSpec, 'serviceAccountName' | 'serviceAccount'>): string {
  return serviceAccountName || serviceAccount || 'default';
}
