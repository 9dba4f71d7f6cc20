import { expect } from 'chai';
import { Agent } from 'node:https';
import { pod, requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import type { ApiServer } from '../../cluster/support/apiServer.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { WRONG_POLICIES } from '../../support/policyDocuments.js';
import { eventually } from '../../e2e/support/wait.js';
import { post } from '../support/clients.js';
import {
  NAMESPACES,
  POLICIES,
  emptyApiServer,
  namespaceObject,
  serveCluster,
} from './support/clusterProcess.js';
import { print } from './support/serveProcess.js';

/*
 * One bad policy between two good ones: test/cluster/policyStore.test.ts and clusterSource.test.ts; with a real API server
 * and what it says of them: test/e2e/10-policies.test.ts. Here: a hundred of them, under load, at a real process.
 */

const PUSHES = 100;
const CLIENTS = 4;
/** The watch is cut before every so many pushes: the bad one then comes with the history of the next watch. */
const CUT_EVERY = 25;

interface Spec {
  readonly rules: Readonly<Record<string, object>>;
}

/** They differ in each of these rules, so that half of one and half of the other would be seen. */
const GOOD: readonly [Spec, Spec] = [
  {
    rules: {
      runAsUser: { action: 'Default', value: 1111 },
      resources: { action: 'Default', requests: { cpu: '11m', memory: '11Mi' } },
      seccompProfile: { action: 'Disabled' },
      readOnlyRootFilesystem: { action: 'Default' },
    },
  },
  {
    rules: {
      runAsUser: { action: 'Default', value: 2222 },
      resources: { action: 'Default', requests: { cpu: '22m', memory: '22Mi' } },
      seccompProfile: { action: 'Default' },
      readOnlyRootFilesystem: { action: 'Disabled' },
    },
  },
];

/** Specs of which nothing can be read. */
const GARBAGE: readonly unknown[] = [
  undefined,
  null,
  'rules',
  7,
  [],
  { rules: [] },
  { rules: { runAsUser: 'x' } },
];

/** Every wrong policy that we know, with the rules of a good one beside what is wrong. */
function badSpecs(good: Spec): unknown[] {
  const wrong = WRONG_POLICIES.filter(({ path }) => path.startsWith('spec.')).map(
    ({ document }) => document.spec as Partial<Spec> | null,
  );
  const beside = wrong.map((spec) => ({ ...good, ...spec, rules: { ...good.rules, ...spec?.rules } }));
  return [...GARBAGE, ...beside];
}

describe('17. bad policies between good ones', () => {
  let server: ApiServer;
  let replica: KubeHarden;
  let generation = 0;

  before(async () => {
    server = await emptyApiServer();
    server.put(NAMESPACES, namespaceObject('shop', { mode: 'enforce', policy: 'mine' }));
    push(GOOD[0]);
    replica = await serveCluster(server.port);
  });
  after(async () => {
    agent.destroy();
    expect(await replica.stop()).to.deep.equal({ code: 0, signal: null });
    server.close();
  });

  function push(spec: unknown): void {
    generation += 1;
    server.put(POLICIES, {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name: 'mine', uid: 'mine', generation },
      ...(spec !== undefined && { spec }),
    });
  }

  /** By the metric: of log lines that are much alike, not each is written. */
  async function untilItIs(state: 'rejected' | 'in force', at = replica): Promise<void> {
    const expected = state === 'rejected' ? 1 : 0;
    await eventually(
      `generation ${generation} ${state}`,
      async () => (await at.metric('kube_harden_policy_rejected', { policy: 'mine' })) === expected,
      10_000,
      5,
    );
  }

  it(`${PUSHES} times under load: each answer is that of a good one, whole`, async function () {
    this.timeout(60_000);
    const known = [await answerOf(replica), ''];
    push(GOOD[1]);
    known[1] = await eventually('the other good one', async () => {
      const answer = await answerOf(replica);
      return answer !== known[0] && answer;
    });
    expect(known[0]).to.include('1111').and.not.equal(known[1]);

    const counts = new Map<string, number>();
    let pushing = true;
    const load = Array.from({ length: CLIENTS }, async () => {
      while (pushing) {
        const answer = await answerOf(replica);
        counts.set(answer, (counts.get(answer) ?? 0) + 1);
      }
    });
    let bad = 0;
    for (let current = 1; bad < PUSHES; current = 1 - current) {
      const specs = badSpecs(GOOD[(1 - current) as 0 | 1]);
      if (bad % CUT_EVERY === 0) server.endWatches('cut');
      push(specs[bad % specs.length]);
      bad += 1;
      await untilItIs('rejected');
      expect(await answerOf(replica), `after bad one ${bad}`).to.equal(known[current]);
      push(GOOD[(1 - current) as 0 | 1]);
      await untilItIs('in force');
      expect(await answerOf(replica), `after the good one that follows it`).to.equal(known[1 - current]);
    }
    pushing = false;
    await Promise.all(load);
    const [first = 0, second = 0] = known.map((answer) => counts.get(answer));
    const others = [...counts.keys()].filter((answer) => !known.includes(answer));
    print(
      `${bad} bad policies, ${bad} good ones between them: ${first + second} answers under load, ${first} of one good policy, ${second} of the other, ${others.length} of any other kind`,
    );
    expect(others).to.deep.equal([]);
    expect(first).to.be.above(0);
    expect(second).to.be.above(0);
    expect(await replica.metric('kube_harden_uncaught_errors_total')).to.equal(0);
  });

  it('that is the first which a replica sees fails the requests of its namespaces until a good one comes', async () => {
    push(badSpecs(GOOD[0]).at(-1));
    await untilItIs('rejected');
    const young = await serveCluster(server.port);
    const failed = await Promise.all(Array.from({ length: 20 }, () => ask(young)));
    for (const { status, text } of failed)
      expect([status, text]).to.satisfy(
        ([code, body]: [number, string]) => code === 500 && body.includes('has never loaded'),
      );
    push(GOOD[0]);
    await untilItIs('in force', young);
    await untilItIs('in force');
    expect(await answerOf(young))
      .to.equal(await answerOf(replica))
      .and.include('1111');
    print(`${failed.length} requests failed at a replica that began with a bad one, 0 admitted`);
    expect(await young.stop()).to.deep.equal({ code: 0, signal: null });
  });
});

const REVIEW = reviewOf(requestOf(pod({}, { namespace: 'shop' })));

/** Over connections that are kept, as an API server does. */
const agent = new Agent({ keepAlive: true });

function ask({ admissionPort }: KubeHarden): ReturnType<typeof post> {
  return post(admissionPort, REVIEW, { agent }, '/mutate/enforce?timeout=5s');
}

/** Patch, warnings and audit annotations of the answer to one and the same review; or the error. */
async function answerOf(replica: KubeHarden): Promise<string> {
  const { status, text } = await ask(replica);
  if (status !== 200) return `${status} ${text}`;
  const { allowed, operations, warnings, auditAnnotations } = responseOf({ body: text });
  return JSON.stringify({ allowed, operations, warnings, auditAnnotations });
}
