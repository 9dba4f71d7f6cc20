import type { Json } from '../../controlPlane/apiClient.js';
import { eventually } from '../../support/wait.js';
import { world } from '../../support/world.js';
import { ProgramPod } from '../programPod.js';
import { theNode } from '../theNode.js';

/** A Deployment of one pod on the node, as its author writes it. */
export async function deploy(namespace: string, name: string, spec: object): Promise<void> {
  const labels = { app: name };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      // There is no scheduler.
      template: { metadata: { labels }, spec: { nodeName: theNode().name, ...spec } },
    },
  };
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const { status, body } = await world().controlPlane.api('POST', path, deployment);
  if (status !== 201) throw new Error(`${namespace}/${name} not deployed: ${JSON.stringify(body)}`);
}

/** The first pod of it, once there is one. */
export async function podOfDeployment(namespace: string, name: string): Promise<ProgramPod> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${name}`;
  const pod = await eventually(`a pod of ${namespace}/${name}`, async () => {
    const { body } = await world().controlPlane.api<{ items?: readonly Json[] }>('GET', path);
    return body.items?.[0];
  });
  return ProgramPod.existing(namespace, pod.metadata.name as string);
}
