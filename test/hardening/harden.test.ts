import { expect } from 'chai';
import { harden } from '../../src/hardening/harden.js';
import { toPatch } from '../../src/hardening/patch.js';
import { PodDraft } from '../../src/hardening/podDraft.js';
import type { Plan } from '../../src/hardening/plan.js';
import type { Pod, PodSpec } from '../../src/hardening/podSpec.js';
import { ruleIds, type Rule } from '../../src/hardening/rule.js';
import { RuleError } from '../../src/hardening/ruleError.js';
import { container, hardenPod, planOf, pod } from '../support/harden.js';

const inputOf = (given: Pod) => ({ pod: given, scope: 'pod', bare: false, daemonSet: false }) as const;

describe('harden', () => {
  it('throws a RuleError that names the rule and carries the cause', () => {
    for (const cause of [new TypeError('boom'), 'boom']) {
      const rule: Rule = {
        ...(planOf({ rules: { sshd: 'Warn' } }).rules[0]?.rule as Rule),
        apply() {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a defect may throw
          throw cause;
        },
      };
      const plan: Plan = {
        ...planOf({}),
        rules: [{ rule, action: 'Warn', settings: {}, optOut: 'Allowed', optedOut: false }],
      };
      expect(() => harden(inputOf(pod()), plan))
        .to.throw(RuleError, 'rule sshd failed: boom')
        .that.includes({ rule: 'sshd', code: 'RuleFailed', cause });
    }
  });
  it('a draft in which no rule has begun writes nothing', () => {
    expect(() => new PodDraft(inputOf(pod()), planOf({})).stance()).to.throw('no rule has begun');
  });
  it('lists changes in catalogue order', () => {
    const { changes } = hardenPod(pod(), { policy: 'default' });
    expect(ruleIds(changes)).to.deep.equal([...new Set(changes.map(({ rule }) => rule))]);
  });
  it('takes nulls for unset everywhere', () => {
    const given = {
      metadata: { name: 'n', labels: null, annotations: null, ownerReferences: null },
      spec: {
        containers: [
          {
            name: 'a',
            securityContext: null,
            resources: null,
            ports: null,
            volumeMounts: null,
            command: null,
          },
          {
            name: 'b',
            image: null,
            securityContext: { capabilities: null, runAsUser: null, privileged: null },
          },
        ],
        ...{ initContainers: null, securityContext: null, volumes: null, nodeSelector: null, affinity: null },
        ...{ tolerations: null, os: null, hostNetwork: null, serviceAccountName: null, resources: null },
      },
    } as Pod;
    const { hardened } = hardenPod(given, { policy: 'restricted', valid: false });
    expect(hardened.spec.securityContext).to.include({ runAsNonRoot: true, runAsUser: 65532 });
  });
  it('a pod that an earlier pass has hardened, with more containers injected since, is hardened again', () => {
    const { hardened } = hardenPod(pod(), { policy: 'default' });
    const injected = {
      ...hardened,
      spec: {
        ...hardened.spec,
        containers: [...(hardened.spec.containers ?? []), container({ name: 'proxy' })],
      },
    };
    const again = hardenPod(injected, { policy: 'default' });
    expect(again.changes.every(({ container: at }) => at?.name === 'proxy')).to.equal(true);
    expect(again.changes.length).to.be.above(0);
  });

  describe('what a hostile author writes costs no more than its length', () => {
    const many = <T>(count: number, make: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, i) => make(i));
    const hostPath = (i: number) => ({ name: `v${i}`, hostPath: { path: '/run' } });
    const shapes: Record<string, (N: number) => PodSpec> = {
      'containers of one name': (N) => ({ containers: many(N, () => ({ name: 'a' })) }),
      'privileged containers': (N) => ({
        containers: many(N, (i) => ({ name: `c${i}`, securityContext: { privileged: true } })),
      }),
      'host paths, each with a container': (N) => ({
        volumes: many(N, hostPath),
        containers: many(N, (i) => ({ name: `c${i}`, volumeMounts: [{ name: `v${i}`, mountPath: '/x' }] })),
      }),
      'host paths of one name, and as many mounts': (N) => ({
        volumes: many(N, () => hostPath(0)),
        containers: many(N, (i) => ({ name: `c${i}`, volumeMounts: [{ name: 'v0', mountPath: '/x' }] })),
      }),
      'one container that mounts them all': (N) => ({
        volumes: many(N, hostPath),
        containers: [{ name: 'a', volumeMounts: many(N, (i) => ({ name: `v${i}`, mountPath: `/x/${i}` })) }],
      }),
      'volumes that look like tokens': (N) => ({
        volumes: many(N, (i) => ({
          name: `kube-api-access-${i}`,
          projected: { sources: [{ serviceAccountToken: {} }] },
        })),
        containers: many(N, (i) => ({
          name: `c${i}`,
          volumeMounts: [{ name: `kube-api-access-${i}`, mountPath: '/x' }],
        })),
      }),
      'node selector terms': (N) => ({
        containers: many(N, (i) => ({ name: `c${i}` })),
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: many(N, () => ({ matchFields: [{}] })),
            },
          },
        },
      }),
    };
    const plan = planOf({
      policy: 'default',
      rules: {
        automountServiceAccountToken: 'Default',
        scheduling: {
          action: 'Default',
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'tenant', operator: 'Exists' }] }],
            },
          },
        },
      },
      exceptions: [{ rules: ['sshd'], containers: ['other'] }],
    });
    // Of the processor, not of the clock: others may have it in between.
    const milliseconds = (spec: PodSpec): number => {
      const given: Pod = { spec };
      const start = process.cpuUsage();
      toPatch(given, [], harden(inputOf(given), plan).changes);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    };
    for (const [title, make] of Object.entries(shapes))
      it(`thousands of ${title}`, () => {
        // Four times the size is four times the work; a square would be sixteen. Of each size the best of five, in turn: a
        // pause of the machine or of the collector in one of them says nothing.
        const best = { small: Infinity, large: Infinity };
        for (let attempt = 0; attempt < 5; attempt++) {
          best.small = Math.min(best.small, milliseconds(make(500)));
          best.large = Math.min(best.large, milliseconds(make(2_000)));
        }
        expect(best.large / Math.max(best.small, 5)).to.be.below(9);
      });
  });
});
