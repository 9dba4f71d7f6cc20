import { expect } from 'chai';
import type { AdmissionRequest } from '../../src/admission/types.js';
import { handlerFor, plansOf, pod, requestOf, responseOf, reviewOf } from './support/reviews.js';

const MIRROR = { annotations: { 'kubernetes.io/config.mirror': 'x' } };

/** What somebody who is no API server may send to a listener that asks for no certificate. */
const FORGED: Readonly<Record<string, Partial<AdmissionRequest>>> = {
  'a node': { userInfo: { username: 'system:node:a', groups: ['system:nodes'] } },
  'a cluster admin': { userInfo: { username: 'admin', groups: ['system:masters'] } },
  'a namespace that is not there': { namespace: 'not-there' },
  'a namespace that is never touched': { namespace: 'kube-system' },
  'a mirror pod of the same name': {
    object: pod({}, MIRROR),
    userInfo: { username: 'system:node:a', groups: ['system:nodes'] },
  },
  'an update with the same uid': { operation: 'UPDATE', oldObject: pod({ hostNetwork: true }) },
  'another kind': { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
};

describe('a forged review', () => {
  for (const [what, given] of Object.entries(FORGED)) {
    it(`of ${what} changes nothing of what others are answered`, async () => {
      const handler = handlerFor(plansOf());
      const honest = reviewOf(requestOf(pod()));
      const before = await handler.answer(honest);
      expect(responseOf(before)).to.include({ allowed: true, patchType: 'JSONPatch' });
      await handler.answer(reviewOf(requestOf(pod(), given)));
      expect(await handler.answer(honest)).to.deep.equal(before);
    });
  }
});
