import type { Json } from '../controlPlane/apiClient.js';
import { pause } from '../support/wait.js';
import { world } from '../support/world.js';
import { theNode } from './theNode.js';

/** Binds the pods of a namespace to the node as they come, in the place of a scheduler, which there is none of. */
export class Scheduler {
  private readonly ended: Promise<void>;
  private isStopped = false;

  constructor(private readonly namespace: string) {
    this.ended = this.run();
  }

  /** @throws Error where a pod could not be bound */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.ended;
  }

  private async run(): Promise<void> {
    const { controlPlane } = world();
    const pods = `/api/v1/namespaces/${this.namespace}/pods`;
    while (!this.isStopped) {
      const { body } = await controlPlane.api<{ items?: readonly Json[] }>(
        'GET',
        `${pods}?fieldSelector=spec.nodeName%3D`,
      );
      for (const { metadata } of body.items ?? []) {
        const binding = {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: metadata.name },
          target: { apiVersion: 'v1', kind: 'Node', name: theNode().name },
        };
        const { status } = await controlPlane.api('POST', `${pods}/${metadata.name}/binding`, binding);
        // Meanwhile it may be gone, or bound by who made it.
        if (![201, 404, 409].includes(status)) throw new Error(`pod ${metadata.name} not bound: ${status}`);
      }
      await pause(200);
    }
  }
}
