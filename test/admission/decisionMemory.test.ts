import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DecisionMemory, type Remembered } from '../../src/admission/decisionMemory.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import type { Plan } from '../../src/hardening/plan.js';
import type { PlanSource } from '../../src/policy/planSource.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { collectGarbage } from '../support/collectGarbage.js';
import { controllerPod } from '../support/controllerPod.js';
import { corpusWorkloads } from '../support/corpus.js';
import { namespace, policyFrom, withBuiltin } from '../support/policies.js';
import { apiServerReview } from './support/apiServerReview.js';
import { handlerFor, planOf, plansOf, podTemplate, responseOf, workload } from './support/reviews.js';

const uidOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** Counts what is read of a plan's rules: a decision that is made reads them, one that is remembered does not. */
function counted(plans: PlanSource): { readonly plans: PlanSource; decisions: number } {
  const counter = { decisions: 0, plans };
  const watched = new Map<unknown, ReturnType<typeof planOf>>();
  return Object.assign(counter, {
    plans: {
      planFor: (name: string, entry: 'any') => {
        const plan = plans.planFor(name, entry) as ReturnType<typeof planOf>;
        const known = watched.get(plan);
        if (known !== undefined) return known;
        const proxy = new Proxy(plan, {
          get(target, field) {
            if (field === 'rules') counter.decisions++;
            return Reflect.get(target, field) as unknown;
          },
        });
        watched.set(plan, proxy);
        return proxy;
      },
    },
  });
}

describe('remembered decisions', () => {
  const deployment = controllerPod(workload('Deployment'));

  it('are what every pod of the corpus would be answered without, under every built-in policy', () => {
    const workloads = corpusWorkloads();
    let patched = 0;
    for (const policy of ['baseline', 'default', 'restricted']) {
      const plans = new StandalonePlans({
        policies: BUILTIN_POLICIES,
        namespaces: new Map([['shop', namespace('shop', { mode: 'enforce', policy })]]),
        clock: () => 0,
      });
      const memory = handlerFor(plans);
      workloads.forEach(({ id, object }, index) => {
        const pod = controllerPod(object);
        const details = { uid: uidOf(index), letters: 'zzzzz', time: '2026-11-26T08:00:00Z' };
        // Told from its own text alone: no handler remembers what it sees for the first time.
        const expected = handlerFor(plans);
        const answer = expected.answer(apiServerReview(pod, details)) as { body: string };
        for (const letters of ['bbbbb', 'ccccc'])
          void memory.answer(apiServerReview(pod, { uid: uidOf(99), letters, time: '2026-01-01T00:00:00Z' }));
        expect(memory.answer(apiServerReview(pod, details)), id).to.deep.equal(answer);
        const told = memory.decisions.at(-1);
        const first = expected.decisions[0];
        expect([told?.outcome, told?.changes.length, told?.skips.length, told?.violations.length], id).to.eql(
          [first?.outcome, first?.changes.length, first?.skips.length, first?.violations.length],
        );
        if (answer.body.includes('"patch"')) patched++;
      });
    }
    expect(patched).to.be.greaterThan(workloads.length);
  });

  it('are made twice, and not a third time', () => {
    const counter = counted(plansOf());
    const handler = handlerFor(counter.plans);
    const seen: number[] = [];
    for (let index = 0; index < 4; index++) {
      void handler.answer(apiServerReview(deployment, { uid: uidOf(index) }));
      seen.push(counter.decisions);
    }
    expect(seen[1]).to.be.greaterThan(seen[0] ?? 0);
    expect(seen.slice(2)).to.deep.equal([seen[1], seen[1]]);
    expect(handler.decisions).to.have.length(4);
  });

  it('answer each request with its own uid, and tell the log so', async () => {
    const handler = handlerFor(plansOf());
    const uids = [];
    for (let index = 0; index < 5; index++)
      uids.push(responseOf(await handler.answer(apiServerReview(deployment, { uid: uidOf(index) }))).uid);
    expect(uids).to.deep.equal([0, 1, 2, 3, 4].map(uidOf));
    expect(handler.requests.map(({ uid }) => uid)).to.deep.equal(uids);
    expect(handler.requests[4]).to.deep.include({ namespace: 'shop', operation: 'CREATE', dryRun: false });
    expect(handler.requests[4]?.object?.metadata?.generateName).to.equal('web-5d4f8c7b69-');
  });

  it('end with the plan that they were made for', async () => {
    const [first, second] = [planOf(), planOf('  rules: {seccompProfile: {action: Disabled}}')];
    let plan = first;
    const handler = handlerFor({ planFor: () => plan });
    const answers = [];
    for (const next of [first, first, first, second, second, second, first]) {
      plan = next;
      const { operations } = responseOf(await handler.answer(apiServerReview(deployment)));
      answers.push(JSON.stringify(operations).includes('seccompProfile'));
    }
    expect(answers).to.deep.equal([true, true, true, false, false, false, true]);
  });

  it('keep no plan, and say which policy and mode it was', async () => {
    let plan: Plan | undefined = planOf();
    const freed = new WeakRef(plan);
    const handler = handlerFor({ planFor: () => plan ?? planOf('', { mode: 'disabled' }) });
    for (let index = 0; index < 3; index++) await handler.answer(apiServerReview(deployment));
    expect(handler.decisions[2]?.remembered).to.equal(true);
    expect(handler.decisions[2]?.plan).to.deep.equal({ mode: 'enforce', policy: 'default' });
    handler.decisions.length = 0;
    plan = undefined;
    for (let turn = 0; turn < 10 && freed.deref() !== undefined; turn++) {
      await pause(1);
      collectGarbage();
    }
    expect(freed.deref()).to.equal(undefined);
    expect(responseOf(await handler.answer(apiServerReview(deployment)))).to.not.have.property('patch');
  });

  it('end when an exception does, to the millisecond', async () => {
    const expiry = Date.parse('2027-01-02T00:00:00Z');
    let now = expiry - 1;
    const spec = `
  exceptions:
    - {name: old, rules: [seccompProfile], reason: r, expires: "2027-01-01", match: {namespaces: [shop]}}`;
    const plans = new StandalonePlans({
      policies: withBuiltin(policyFrom(spec)),
      namespaces: new Map([['shop', namespace('shop', { mode: 'enforce' })]]),
      clock: () => now,
    });
    const handler = handlerFor(plans);
    const isPatched = async (): Promise<boolean> =>
      JSON.stringify(responseOf(await handler.answer(apiServerReview(deployment))).operations).includes(
        'seccompProfile',
      );
    expect([await isPatched(), await isPatched(), await isPatched()]).to.deep.equal([false, false, false]);
    now = expiry;
    expect(await isPatched()).to.equal(true);
  });

  it('are of one namespace, where two have different plans', async () => {
    const plans = plansOf();
    const handler = handlerFor(plans);
    for (let index = 0; index < 3; index++) await handler.answer(apiServerReview(deployment));
    const other = await handler.answer(apiServerReview(deployment, { namespace: 'kube-system' }));
    expect(responseOf(other)).to.not.have.property('patch');
  });

  it('are waited for where the plan is, and then only used if it is still the same', async () => {
    let plan = planOf();
    const handler = handlerFor({ planFor: () => Promise.resolve(plan) });
    for (let index = 0; index < 3; index++) await handler.answer(apiServerReview(deployment));
    plan = planOf('', { mode: 'disabled' });
    expect(responseOf(await handler.answer(apiServerReview(deployment)))).to.not.have.property('patch');
  });

  it('are none where a request was refused', async () => {
    const handler = handlerFor(plansOf());
    const wrong = apiServerReview(controllerPod(workload('Deployment', podTemplate()))).replace(
      '"image":"web:1"',
      '"image":["web:1"]',
    );
    for (let index = 0; index < 3; index++) {
      const { status, body } = await handler.answer(wrong);
      expect(status).to.equal(400);
      expect(body).to.contain('spec.containers[0].image');
    }
  });

  for (const [what, own] of [
    ['a name that is too long', 'x'.repeat(254)],
    ['a name that is no text', [[], [], []]],
  ] as const) {
    it(`are none of an object with ${what}, of which nothing was decided`, async () => {
      const handler = handlerFor(plansOf('', { mode: 'disabled' }));
      const remembers = async (name: unknown): Promise<boolean> => {
        const text = apiServerReview(deployment).replace(
          '"metadata":{"generateName":"',
          `"metadata":{"generateName":"web-","generateName":${JSON.stringify(name)},"x":"`,
        );
        for (let index = 0; index < 4; index++) expect((await handler.answer(text)).status).to.equal(200);
        return handler.decisions.at(-1)?.remembered === true;
      };
      expect([await remembers('short'), await remembers(own)]).to.deep.equal([true, false]);
    });
  }

  it('are none of what is no JSON within managedFields, though the rest is remembered', async () => {
    const handler = handlerFor(plansOf());
    for (let index = 0; index < 3; index++) await handler.answer(apiServerReview(deployment));
    for (const wrong of ['"manager":,', '"manager":"x"],"y":["z",', '"manager":"x\n",']) {
      const text = apiServerReview(deployment).replace('"manager":"kube-controller-manager",', wrong);
      const { status, body } = await handler.answer(text);
      expect(status, wrong).to.equal(400);
      expect(body).to.contain('the body is not JSON');
    }
  });

  it('are none of what is no JSON behind managedFields, which is refused each time', async () => {
    const handler = handlerFor(plansOf());
    const cut = apiServerReview(deployment).slice(0, -3);
    for (let index = 0; index < 3; index++) {
      const { status, body } = await handler.answer(cut);
      expect(status).to.equal(400);
      expect(body).to.contain('the body is not JSON');
    }
  });

  it('are of what was sent, whatever another client has sent in the form of an API server', async () => {
    const honest = apiServerReview(deployment);
    const expected = await handlerFor(plansOf()).answer(honest);
    const forged = [
      honest.replace(',"managedFields":[', ',"managedFields":[{"hostNetwork":true},'),
      honest.replace('},"spec":', ',"x":[1]},"spec":'),
      honest.replace('"namespace":"shop","operation"', '"namespace":"kube-system","operation"'),
      honest.replace('"metadata":{', '"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"},'),
      honest.replaceAll('kube-api-access-x7k2p', 'kube-api-access-*****'),
    ];
    for (const text of forged) {
      expect(text).to.not.equal(honest);
      const handler = handlerFor(plansOf());
      for (let index = 0; index < 3; index++) await handler.answer(text);
      for (let index = 0; index < 3; index++) expect(await handler.answer(honest)).to.deep.equal(expected);
    }
  });
});

describe('DecisionMemory', () => {
  const remembered = (answer: string, changes: object[] = []): Remembered =>
    ({ answer, decision: { changes, skips: [], violations: [] } }) as unknown as Remembered;
  const digestOf = (number: number): string => createHash('sha256').update(String(number)).digest('base64');

  function twice(memory: DecisionMemory, digest: string, answer = 'x'): void {
    for (let time = 0; time < 2; time++) memory.offer(digest, () => remembered(answer));
  }

  it('keeps nothing that came once', () => {
    const memory = new DecisionMemory();
    let made = 0;
    for (let number = 1; number <= 1000; number++)
      memory.offer(digestOf(number), () => {
        made++;
        return remembered('x');
      });
    expect(made).to.equal(0);
    expect(memory.find(digestOf(1))).to.equal(undefined);
  });

  it('keeps what comes again, and forgets first what nobody asks for', () => {
    const memory = new DecisionMemory();
    twice(memory, digestOf(0), 'asked for');
    twice(memory, digestOf(1), 'forgotten');
    for (let number = 2; number < 20_000; number++) {
      twice(memory, digestOf(number));
      expect(memory.find(digestOf(0))?.answer).to.equal('asked for');
    }
    expect(memory.find(digestOf(1))).to.equal(undefined);
    expect(memory.find(digestOf(19_999))?.answer).to.equal('x');
  });

  it('holds at most 2 MiB of answers, whatever comes', () => {
    const memory = new DecisionMemory();
    for (let number = 0; number < 3000; number++)
      twice(memory, digestOf(number), String(number).padStart(8000, 'x'));
    let characters = 0;
    for (let number = 0; number < 3000; number++)
      characters += memory.find(digestOf(number))?.answer.length ?? 0;
    expect(characters).to.be.within(0.85 * 2 ** 20, 2 * 2 ** 20);
  });

  it('counts what is decided anew in place of what it was', () => {
    const memory = new DecisionMemory();
    twice(memory, digestOf(0), 'stays');
    for (let time = 0; time < 1000; time++) twice(memory, digestOf(1), String(time).padStart(8000, 'x'));
    expect(memory.find(digestOf(0))?.answer).to.equal('stays');
  });

  it('keeps no decision that takes more than 256 KiB, by its answer or what the log is told of it', () => {
    const memory = new DecisionMemory();
    const changes = Array.from({ length: 40_000 }, () => ({ rule: 'resources' }));
    for (let time = 0; time < 2; time++) {
      memory.offer(digestOf(1), () => remembered('x', changes));
      memory.offer(digestOf(2), () => remembered('x'.repeat(300_000)));
      memory.offer(digestOf(3), () => remembered('x', changes.slice(0, 100)));
    }
    expect([1, 2, 3].map((number) => memory.find(digestOf(number)) !== undefined)).to.deep.equal([
      false,
      false,
      true,
    ]);
  });

  it('keeps what comes again soon, and not what comes again after many others', () => {
    const memory = new DecisionMemory();
    const rounds = (texts: number): void => {
      for (let round = 0; round < 3; round++)
        for (let number = 0; number < texts; number++) memory.offer(digestOf(number), () => remembered('x'));
    };
    rounds(1100);
    expect(memory.find(digestOf(0))).to.equal(undefined);
    rounds(900);
    expect(memory.find(digestOf(0))?.answer).to.equal('x');
  });
});
