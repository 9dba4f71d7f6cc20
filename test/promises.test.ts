import { expect } from 'chai';
import fc from 'fast-check';
import type { Plan } from '../src/hardening/plan.js';
import { harden } from '../src/hardening/harden.js';
import { evaluatePodSecurity } from '../src/podSecurity/evaluate.js';
import { barePod, controllerPod } from './support/controllerPod.js';
import { corpusSource, corpusWorkloads } from './support/corpus.js';
import { ALL_CLASSES, classesOf, namesEmpty, workload, type Generated } from './support/podArbitrary.js';
import { planOf, expectPromises, podOf, POLICIES, type Case } from './support/promises.js';
import type { Json } from './support/apiValidation.js';

const GENERATED = 2400;
const CLASS_MIN = 100;

/*
 * The four promises of the rule catalogue: still valid, only stronger, once is enough, no surprise rollout. Over every
 * real manifest there is, and over generated objects that are thick with what could go wrong.
 */
describe('The four promises', function () {
  this.timeout(110_000);

  describe('over real manifests', () => {
    const corpus = corpusWorkloads();
    const counts = new Map<string, number>();
    after(() => {
      const table = [...counts].sort().map(([key, count]) => `${key} ${count}`);
      console.log(
        `      ${corpus.length} objects of ${corpusSource()}; patches that were not empty: ${table.join(', ')}`,
      );
    });
    const count = (kind: string, changed: boolean): void => {
      counts.set(kind, (counts.get(kind) ?? 0) + (changed ? 1 : 0));
    };

    for (const policy of POLICIES) {
      it(`hold under ${policy}, for each object as it is, under templates: Mutate, and as the Pod of its controller`, () => {
        const asItIs = planOf(policy, 'Warn');
        const mutating = planOf(policy, 'Mutate');
        for (const { id, object } of corpus) {
          const isPod = object.kind === 'Pod';
          const cases: [string, Case, Plan][] = [
            ['as it is', { object }, asItIs],
            ['templates: Mutate', { object }, mutating],
            ['as its Pod', isPod ? bareCase(object) : { object: controllerPod(object) }, asItIs],
          ];
          for (const [how, given, plan] of cases) {
            const { decision } = told(`${id} ${how}`, () => expectPromises(given, plan));
            count(`${String(object.kind)} (${how})`, decision.patch.length > 0);
            if (how === 'as it is' && !isPod) expect(decision.patch).to.deep.equal([]);
          }
        }
      });
    }

    it('harden some of every kind', () => {
      for (const kind of new Set(corpus.map(({ object }) => String(object.kind)))) {
        const patched = [...counts]
          .filter(([key]) => key.startsWith(`${kind} (`))
          .reduce((sum, [, n]) => sum + n, 0);
        expect(patched, kind).to.be.above(0);
      }
    });
  });

  describe('over generated objects', () => {
    const classes = new Map<string, number>(ALL_CLASSES.map((name) => [name, 0]));
    const outcomes = new Map<string, number>();
    after(() => {
      const table = [...classes].map(([name, n]) => `${name} ${n}`).join(', ');
      console.log(`      ${GENERATED} generated: ${table}`);
      console.log(`      outcomes: ${[...outcomes].map(([name, n]) => `${name} ${n}`).join(', ')}`);
    });
    const plans = POLICIES.flatMap((policy) => [planOf(policy, 'Warn'), planOf(policy, 'Mutate')]);

    it('hold under the three built-in policies, and with every rule on', () => {
      let runs = 0;
      fc.assert(
        fc.property(workload, (generated) => {
          if (runs++ < GENERATED)
            for (const name of classesOf(generated)) classes.set(name, (classes.get(name) ?? 0) + 1);
          for (const plan of plans) {
            const { decision } = expectPromises(caseOf(generated), plan);
            outcomes.set(decision.outcome, (outcomes.get(decision.outcome) ?? 0) + 1);
          }
        }),
        { numRuns: GENERATED },
      );
    });

    it(`were at least ${CLASS_MIN} of each class`, () => {
      expect([...classes].filter(([, n]) => n < CLASS_MIN)).to.deep.equal([]);
    });
  });

  describe('Strength', () => {
    const LEVELS = ['privileged', 'baseline', 'restricted'] as const;

    it('of the 92 real workloads, 66 or more reach restricted under the default policy; 9 did before', function () {
      const open = corpusWorkloads().filter(({ part }) => part === 'open');
      const plan = planOf('default', 'Mutate');
      const before = new Map<string, number>();
      const reached = new Map<string, number>();
      const stays: string[] = [];
      for (const { id, object } of open) {
        const pod = podOf(object.kind === 'Pod' ? barePod(object) : controllerPod(object));
        if (!pod) throw new Error(`${id} has no pod`);
        const input = {
          pod,
          scope: 'pod',
          bare: object.kind === 'Pod',
          daemonSet: object.kind === 'DaemonSet',
        } as const;
        const { skips } = harden(input, plan);
        const { hardened } = expectPromises({ object: { apiVersion: 'v1', kind: 'Pod', ...pod } }, plan);
        const result = evaluatePodSecurity(podOf(hardened) ?? pod);
        const was = evaluatePodSecurity(pod).level;
        before.set(was, (before.get(was) ?? 0) + 1);
        reached.set(result.level, (reached.get(result.level) ?? 0) + 1);
        if (result.level !== 'restricted') {
          const codes = [...new Set(skips.map(({ rule, code }) => `${rule} ${code}`))].join(', ');
          const blockers = result.blockers.map(({ control }) => control).join(', ');
          stays.push(`${id}: ${result.level}, blocked by ${blockers}${codes ? ` (${codes})` : ''}`);
        }
      }
      const table = (counts: Map<string, number>): string =>
        LEVELS.map((level) => `${level} ${counts.get(level) ?? 0}`).join(', ');
      console.log(`      ${open.length} workloads before: ${table(before)}; after: ${table(reached)}`);
      for (const line of stays) console.log(`        ${line}`);
      // The part that is copied to this repository leans to what cannot be hardened: 3 of its 26 before, 13 after.
      const isWhole = open.length === 92;
      expect(before.get('restricted')).to.equal(isWhole ? 9 : 3);
      expect(reached.get('restricted')).to.be.at.least(isWhole ? 66 : 13);
    });
  });
});

function bareCase(manifest: Json): Case {
  const object = barePod(manifest);
  return namesEmpty(manifest) ? { object } : { object, manifest };
}

function caseOf({ source, object, manifest, old }: Generated): Case {
  if (source === 'admitted' && manifest && !namesEmpty(manifest)) return { object, manifest };
  return { object, old };
}

/** Says which object it was when a promise does not hold. */
function told<T>(id: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof Error) error.message = `${id}: ${error.message}`;
    throw error;
  }
}
