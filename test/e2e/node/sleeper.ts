import type { Json } from '../controlPlane/apiClient.js';
import type { PodManifest } from '../support/podRequests.js';

/** A pod on the node that does nothing until it is told to. */
export function sleeper(
  name: string,
  image: string,
  container: Readonly<Record<string, Json>> = {},
): PodManifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      nodeName: process.env['E2E_NODE_NAME'],
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image, imagePullPolicy: 'Never', ...container }],
    },
  };
}
