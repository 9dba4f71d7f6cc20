import { expect } from 'chai';
import { specWithEveryRule } from '../support/everyRule.js';
import type { Json } from './controlPlane/apiClient.js';
import { apply, WAYS, words, type Way } from './support/applied.js';
import { corpusSamples, makeCorpusNamespace } from './support/corpusSamples.js';
import { applyPolicy } from './support/hardeningPolicies.js';

/** kubectl's client-side apply costs 0.1 s an object once it is there: of Pod Security's many, a quarter. */
const SAMPLED: Readonly<Record<Way, (id: string, index: number) => boolean>> = {
  'client-side': (id, index) => !id.startsWith('psa/') || index % 4 === 0,
  'server-side': () => true,
};

/** With every rule on. What two of them replace is mostly the API server's own word, and must be applied again too. */
const EVERY_RULE = 'reapplied-every-rule';
const REPLACED = /"(imagePullPolicy|enableServiceLinks|pullPolicy)":/;

/*
 * Most of a Pod is immutable: a field that hardening changes, and that the author's manifest says otherwise, makes the
 * next apply of the same file fail. Hence the policy `default` never changes what an author wrote on a bare Pod.
 */
describe('bare Pods of the corpus, applied again from their own manifests', function () {
  this.timeout(120_000);

  before(() => applyPolicy(EVERY_RULE, specWithEveryRule('default')));

  for (const way of WAYS) {
    for (const policy of ['default', EVERY_RULE]) {
      it(`are taken ${way} under the policy ${policy}`, async () => {
        const isOwn = (pod: Json): boolean => policy !== EVERY_RULE || !REPLACED.test(JSON.stringify(pod));
        const pods = podsFor(way).filter(isOwn);
        const plain = await apply(way, await makeCorpusNamespace(), pods);
        const namespace = await makeCorpusNamespace({
          'kube-harden.io/mode': 'enforce',
          'kube-harden.io/policy': policy,
        });
        const first = await apply(way, namespace, pods);
        expect([...first.done]).to.deep.equal([...plain.done]);
        const taken = pods.filter(({ metadata }) => first.done.has(`pod/${metadata.name}`));
        expect(taken).to.have.length.above(40);
        const again = await apply(way, namespace, taken);
        console.log(`      ${way}, ${policy}: ${words(first)}; again: ${words(again)}`);
        expect(again.errors).to.deep.equal([]);
        expect(again.done.size).to.equal(taken.length);
      });
    }
  }
});

/** Names differ in the corpus by folder only, and here all are in one namespace. */
function podsFor(way: Way): Json[] {
  return corpusSamples()
    .filter(({ kind }) => kind === 'Pod')
    .filter(({ id }, index) => SAMPLED[way](id, index))
    .map(({ object }, index) => ({ ...object, metadata: { ...object.metadata, name: `pod-${index}` } }));
}
