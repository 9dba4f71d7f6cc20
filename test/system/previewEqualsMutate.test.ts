import { expect } from 'chai';
import type { Operation } from 'fast-json-patch';
import { createAdmissionHandler } from '../../src/admission/handler.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { previewRoutes } from '../../src/preview/routes.js';
import { corpusSource, corpusWorkloads } from '../support/corpus.js';
import { requestFor } from '../support/promises.js';
import { call, post } from './support/clients.js';
import { closeServers, startServers } from './support/testServers.js';

/** Both doors of one real server, over TLS: what the preview shows is what the webhook does. */
describe('The preview and the webhook', function () {
  this.timeout(60_000);
  afterEach(closeServers);

  for (const templates of ['Warn', 'Mutate'] as const) {
    it(`answer the same patch for every object of the corpus (templates: ${templates})`, async () => {
      const policies = BUILTIN_POLICIES.map((policy) => ({ ...policy, templates }));
      const plans = new StandalonePlans({ policies, clock: Date.now });
      const { port, servers } = await startServers({
        handler: createAdmissionHandler({
          plans,
          observer: { decided: () => undefined, failed: () => undefined },
        }),
        loadPreviewRoutes: () => Promise.resolve(previewRoutes({ plans, policies: () => plans.policies })),
      });
      const previewPort = servers.preview?.listener.address.port ?? 0;
      let compared = 0;
      let patched = 0;
      for (const { id, object } of corpusWorkloads()) {
        const request = requestFor({ object });
        const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
        const mutated = await post(port, JSON.stringify(review));
        const shown = await call(previewPort, `/preview?namespace=${request.namespace ?? ''}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(inShop(object)),
        });
        if (shown.status !== 200) {
          expect(mutated.status, `${id}: ${shown.text.slice(0, 300)}`).to.equal(shown.status);
          continue;
        }
        const { response } = JSON.parse(mutated.text) as { response: { patch?: string } };
        const { results } = JSON.parse(shown.text) as { results: { patch: Operation[] }[] };
        const patch =
          response.patch === undefined
            ? []
            : (JSON.parse(Buffer.from(response.patch, 'base64').toString()) as Operation[]);
        expect(results, id).to.have.length(1);
        expect(results[0]?.patch, id).to.deep.equal(patch);
        compared++;
        if (response.patch !== undefined) patched++;
      }
      console.log(`      ${compared} objects of ${corpusSource()} compared, ${patched} with a patch`);
      expect(compared).to.be.above(150);
      expect(patched).to.be.above(100);
    });
  }
});

/** The preview goes by the object's own namespace, a webhook by the request's. */
function inShop(object: Record<string, unknown>): Record<string, unknown> {
  const metadata = (object['metadata'] ?? {}) as Record<string, unknown>;
  return { ...object, metadata: { ...metadata, namespace: 'shop' } };
}
