import { expect } from 'chai';
import type { Json } from '../controlPlane/apiClient.js';
import { eventually } from './wait.js';
import { world } from './world.js';

const MODE = 'kube-harden.io/mode';
const PROBE = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'probe' },
  spec: { containers: [{ name: 'probe', image: 'registry.example/probe:1' }] },
};

/** Labels a namespace; the API server and every replica act on it when this resolves. */
export async function setMode(namespace: string, mode: 'enforce' | 'disabled'): Promise<void> {
  const { controlPlane } = world();
  const patch = { metadata: { labels: { [MODE]: mode } } };
  const { status } = await controlPlane.api('PATCH', `/api/v1/namespaces/${namespace}`, patch);
  expect(status).to.equal(200);
  // The API server selects by a cache of its own; a replica that lags looks the labels up.
  await eventually(`namespace ${namespace} in mode ${mode}`, async () => {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const { body } = await controlPlane.api('POST', path, PROBE);
    return hardens(body) === (mode === 'enforce');
  });
}

/** Whether a pod's seccomp profile, which nobody else sets, is anywhere in it. */
export function hardens(value: Json): boolean {
  return JSON.stringify(value).includes('RuntimeDefault');
}
