import { expect } from 'chai';
import fc from 'fast-check';
import { Agent } from 'node:https';
import { decide } from '../../../src/admission/decide.js';
import type { KubernetesObject } from '../../../src/admission/types.js';
import type { Plan } from '../../../src/hardening/plan.js';
import { patched, responseOf, reviewOf } from '../../admission/support/reviews.js';
import type { ApiServer } from '../../cluster/support/apiServer.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { validateObject, type Json } from '../../support/apiValidation.js';
import { barePod, controllerPod } from '../../support/controllerPod.js';
import { corpusWorkloads } from '../../support/corpus.js';
import { workload } from '../../support/podArbitrary.js';
import {
  POLICIES,
  expectPromises,
  planOf,
  requestFor,
  type Case,
  type PolicyName,
} from '../../support/promises.js';
import { post } from '../support/clients.js';
import { NAMESPACES, emptyApiServer, namespaceObject, serveCluster } from './support/clusterProcess.js';
import { LONG, print } from './support/serveProcess.js';

/*
 * An API server calls a webhook a second time when others have changed the object meanwhile, and any replica may answer.
 * Two that do not know the same policy yet are A, then B, then A again. That a sidecar which another webhook injects is
 * hardened once: test/e2e/55-sidecar.test.ts. That one policy twice is one policy: test/promises.test.ts.
 */

const GENERATED = LONG ? 1000 : 25;
const BUILTIN = ['baseline', 'default', 'restricted'] as const;
/** With those that have every rule on, where there is time for all their orders. */
const TRIED = LONG ? POLICIES : BUILTIN;
/** Of the corpus, one object in so many. */
const EVERY = LONG ? 1 : 3;

/** Every two of these, in both orders. */
function pairs<T>(all: readonly T[]): (readonly [T, T])[] {
  return all.flatMap((one) => all.filter((other) => other !== one).map((other) => [one, other] as const));
}

class Counts {
  passes = 0;
  denied = 0;
  /** Objects that B would change again after A, B, A. */
  unsettled = 0;
}

/** The promises hold at each step, on what the step before has made. */
function passThrough(given: Case, [a, b]: readonly [Plan, Plan], counts: Counts): void {
  let { object } = given;
  for (const plan of [a, b, a]) {
    const { decision, hardened } = expectPromises({ ...given, object }, plan);
    counts.passes += 1;
    if (decision.outcome === 'denied') {
      // A refused request is over.
      counts.denied += 1;
      return;
    }
    object = hardened;
  }
  if (decide(requestFor({ ...given, object }), b).patch.length > 0) counts.unsettled += 1;
}

function told(what: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

interface Tried {
  readonly id: string;
  readonly object: Json;
}

const corpus = corpusWorkloads();

/** The Pods of the corpus as they reach admission. */
function corpusPods(): Tried[] {
  return corpus
    .filter((_, index) => index % EVERY === 0)
    .map(({ id, object }) => ({
      id,
      object: object.kind === 'Pod' ? barePod(object) : controllerPod(object),
    }));
}

function corpusTemplates(): Tried[] {
  return corpus.filter(({ object }) => object.kind !== 'Pod').filter((_, index) => index % EVERY === 0);
}

describe('24. replicas that disagree on the policy', function () {
  this.timeout(LONG ? 600_000 : 60_000);

  for (const templates of ['Warn', 'Mutate'] as const) {
    it(`keep every real object valid and only make it stronger, in any order of two policies, templates: ${templates}`, () => {
      const objects = templates === 'Warn' ? corpusPods() : corpusTemplates();
      const counts = new Counts();
      const orders = pairs<PolicyName>(TRIED);
      for (const [a, b] of orders) {
        const plans = [planOf(a, templates), planOf(b, templates)] as const;
        for (const { id, object } of objects)
          told(`${id}, ${a} then ${b} then ${a}`, () => passThrough({ object }, plans, counts));
      }
      print(
        `${objects.length} objects, ${orders.length} orders: ${counts.passes} passes, ${counts.denied} denied, 0 broken; ` +
          `${counts.unsettled} that the second policy would change again`,
      );
      expect(counts.passes).to.be.above(objects.length * orders.length);
    });
  }

  it(`keep ${GENERATED} generated objects valid likewise`, () => {
    const counts = new Counts();
    const orders = pairs(POLICIES).map(
      ([a, b]) => [[a, b].join(' then '), [planOf(a, 'Mutate'), planOf(b, 'Mutate')] as const] as const,
    );
    fc.assert(
      fc.property(workload, ({ object, old }) => {
        for (const [order, plans] of orders) told(order, () => passThrough({ object, old }, plans, counts));
      }),
      { numRuns: GENERATED },
    );
    print(
      `${GENERATED} objects, ${orders.length} orders: ${counts.passes} passes, ${counts.denied} denied, 0 broken; ` +
        `${counts.unsettled} that the second policy would change again`,
    );
    expect(counts.passes).to.be.above(GENERATED * orders.length);
  });

  describe('as two processes', () => {
    const orders = pairs(BUILTIN);
    const agent = new Agent({ keepAlive: true });
    let servers: ApiServer[];
    let replicas: KubeHarden[];

    before(async () => {
      servers = [await emptyApiServer(), await emptyApiServer()];
      for (const [index, server] of servers.entries())
        for (const [number, order] of orders.entries())
          server.put(
            NAMESPACES,
            namespaceObject(`shop-${number}`, { mode: 'enforce', policy: order[index] ?? '' }),
          );
      replicas = await Promise.all(servers.map(({ port }) => serveCluster(port)));
    });
    after(async () => {
      agent.destroy();
      for (const replica of replicas) expect(await replica.stop()).to.deep.equal({ code: 0, signal: null });
      for (const server of servers) server.close();
    });

    it('that answer by turns give a valid object, and the last has nothing left to do', async () => {
      const pods = corpusPods();
      let answers = 0;
      let changed = 0;
      let denied = 0;
      for (const [number, order] of orders.entries()) {
        for (const { id, object } of pods) {
          const namespace = `shop-${number}`;
          const metadata = object.metadata as object;
          const given = { ...object, metadata: { ...metadata, namespace } } as KubernetesObject;
          let current = given;
          let left: unknown[] = [];
          let operationsMade = 0;
          for (const turn of [0, 1, 0, 0]) {
            const review = reviewOf({ ...requestFor({ object: current }), namespace });
            const { status, text } = await post(replicas[turn]?.admissionPort ?? 0, review, { agent });
            expect(status, `${id}: ${text}`).to.equal(200);
            answers += 1;
            const { allowed, operations } = responseOf({ body: text });
            left = [...operations];
            operationsMade += operations.length;
            if (!allowed) {
              denied += 1;
              left = [];
              break;
            }
            current = patched(current, operations);
          }
          expect(left, `${id}, ${order.join(' then ')}: a fourth pass`).to.deep.equal([]);
          if (operationsMade > 0) changed += 1;
          if (validateObject(given).length === 0)
            expect(validateObject(current), `${id}, ${order.join(' then ')}`).to.deep.equal([]);
        }
      }
      print(
        `${pods.length} pods, ${orders.length} orders: ${answers} answers, ${changed} pods changed, ${denied} denied, 0 invalid`,
      );
      expect(changed).to.be.above(pods.length);
    });
  });
});
