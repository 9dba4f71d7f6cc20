import { randomBytes } from 'node:crypto';
import { ControlPlane } from '../controlPlane/controlPlane.js';
import { install } from './install.js';
import { World } from './world.js';

/** A control plane with kube-harden, of one test file: for what would disturb the others. `closeWorld` ends it. */
export async function startOwnWorld(replicas: number, args: readonly string[]): Promise<World> {
  const controlPlane = await ControlPlane.start();
  const own = await World.create(controlPlane);
  try {
    await install(controlPlane, { forwarderPort: own.forwarder.port });
    own.kubeconfig = await controlPlane.serviceAccountKubeconfig('kube-harden', 'kube-harden', {
      server: `https://127.0.0.1:${own.apiDoor.port}`,
    });
    await Promise.all(Array.from({ length: replicas }, () => own.startReplica({ args })));
    return own;
  } catch (error) {
    await closeWorld(own, { failed: true });
    throw error;
  }
}

export async function closeWorld(own: World, options: { readonly failed: boolean }): Promise<void> {
  await own.close();
  await own.controlPlane.stop(options);
}

/** As makeNamespace, in any control plane. */
export async function namespaceIn(
  controlPlane: ControlPlane,
  labels: Readonly<Record<string, string>>,
): Promise<string> {
  const name = `e2e-${randomBytes(4).toString('hex')}`;
  const reply = await controlPlane.api('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  });
  if (reply.status !== 201) throw new Error(`namespace not made: ${JSON.stringify(reply.body)}`);
  await controlPlane.hasServiceAccount(name);
  return name;
}
