import type { ControlPlane } from '../controlPlane/controlPlane.js';
import type { KubeHarden } from './kubeHarden.js';
import { eventually } from './wait.js';
import type { World } from './world.js';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-harden/leases/kube-harden';

/** The replica that says by its metric that it leads and whose name the Lease holds; never two. */
export function untilLed(
  { controlPlane, replicas }: Pick<World, 'controlPlane' | 'replicas'>,
  timeoutMs: number,
): Promise<KubeHarden> {
  return eventually(
    'a leader',
    async () => {
      const leads = await Promise.all(replicas.map((replica) => replica.metric('kube_harden_leader')));
      const leaders = replicas.filter((_, index) => leads[index] === 1);
      if (leaders.length > 1) throw new Error(`${leaders.length} replicas lead at once`);
      const [leader] = leaders;
      const holder = await leaseHolder(controlPlane);
      return leader !== undefined && holder.startsWith(`${leader.name}_`) && leader;
    },
    timeoutMs,
  );
}

/** The identity in the Lease: the replica's name, an underscore, and something random. */
export async function leaseHolder(controlPlane: ControlPlane): Promise<string> {
  const { body } = await controlPlane.api<{ spec?: { holderIdentity?: string } }>('GET', LEASE);
  return body.spec?.holderIdentity ?? '';
}
