import { expect } from 'chai';
import type { Json } from './controlPlane/apiClient.js';
import { apply, WAYS, words, type Way } from './support/applied.js';
import { corpusSamples, makeCorpusNamespace } from './support/corpusSamples.js';

/** kubectl's client-side apply costs 0.1 s an object once it is there: of Pod Security's many, a quarter. */
const SAMPLED: Readonly<Record<Way, (id: string, index: number) => boolean>> = {
  'client-side': (id, index) => !id.startsWith('psa/') || index % 4 === 0,
  'server-side': () => true,
};

/*
 * Most of a Pod is immutable: a field that hardening changes, and that the author's manifest says otherwise, makes the
 * next apply of the same file fail. Hence the policy `default` never changes what an author wrote on a bare Pod.
 */
describe('bare Pods of the corpus, applied again from their own manifests', function () {
  this.timeout(120_000);

  for (const way of WAYS) {
    it(`are taken ${way} under the policy default`, async () => {
      const pods = podsFor(way);
      const plain = await apply(way, await makeCorpusNamespace(), pods);
      const namespace = await makeCorpusNamespace({
        'kube-harden.io/mode': 'enforce',
        'kube-harden.io/policy': 'default',
      });
      const first = await apply(way, namespace, pods);
      expect([...first.done]).to.deep.equal([...plain.done]);
      const taken = pods.filter(({ metadata }) => first.done.has(`pod/${metadata.name}`));
      expect(taken).to.have.length.above(40);
      const again = await apply(way, namespace, taken);
      console.log(`      ${way}: ${words(first)}; again: ${words(again)}`);
      expect(again.errors).to.deep.equal([]);
      expect(again.done.size).to.equal(taken.length);
    });
  }
});

/** Names differ in the corpus by folder only, and here all are in one namespace. */
function podsFor(way: Way): Json[] {
  return corpusSamples()
    .filter(({ kind }) => kind === 'Pod')
    .filter(({ id }, index) => SAMPLED[way](id, index))
    .map(({ object }, index) => ({ ...object, metadata: { ...object.metadata, name: `pod-${index}` } }));
}
