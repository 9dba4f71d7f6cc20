import { randomBytes } from 'node:crypto';
import { world } from './world.js';

/** A Node that no kubelet stands behind: the DaemonSet controller makes Pods for it, and nothing runs them. */
export async function makeNode(): Promise<string> {
  const name = `e2e-node-${randomBytes(4).toString('hex')}`;
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/os': 'linux' } },
  };
  const { status, body } = await world().controlPlane.api('POST', '/api/v1/nodes', node);
  if (status !== 201) throw new Error(`node not made: ${JSON.stringify(body)}`);
  return name;
}

export async function removeNode(name: string): Promise<void> {
  await world().controlPlane.api('DELETE', `/api/v1/nodes/${name}`);
}
