import { expect } from 'chai';
import { harden } from '../../src/hardening/harden.js';
import type { Plan } from '../../src/hardening/plan.js';
import { container, planOf, pod } from '../support/harden.js';

/** How often a pod of so many containers, each with a low port, has how the pod as a whole is treated looked up. */
function lookUps(count: number): number {
  let reads = 0;
  const plan = planOf({ policy: 'default' });
  const byId = new Proxy(plan.byId, {
    get(target, id: keyof Plan['byId']) {
      if (id === 'hostNamespaces') reads++;
      return target[id];
    },
  });
  const containers = Array.from({ length: count }, (_, index) =>
    container({ name: `c${index}`, ports: [{ containerPort: 80 }] }),
  );
  const given = pod({ hostNetwork: true, containers });
  harden({ pod: given, scope: 'pod', bare: true, daemonSet: false }, { ...plan, byId });
  return reads;
}

describe('low ports', () => {
  it('are judged once for a pod: a look at all containers for each of thousands took seconds', () => {
    expect(lookUps(1)).to.be.above(0);
    expect(lookUps(200)).to.equal(lookUps(1));
  });
});
