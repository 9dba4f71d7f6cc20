import { expect } from 'chai';
import fc from 'fast-check';
import { fieldPath } from '../../src/hardening/fieldPath.js';
import { fieldKeys } from '../../src/preview/fieldKeys.js';

describe('fieldKeys', () => {
  it('reads Kubernetes’ field notation', () => {
    expect(fieldKeys('spec.containers[0].securityContext.runAsUser')).to.deep.equal([
      'spec',
      'containers',
      0,
      'securityContext',
      'runAsUser',
    ]);
    expect(fieldKeys('metadata.annotations["a.b/c"]')).to.deep.equal(['metadata', 'annotations', 'a.b/c']);
    expect(fieldKeys('spec.volumes[]')).to.deep.equal(['spec', 'volumes', '-']);
    expect(fieldKeys('')).to.deep.equal([]);
  });

  it('gives back every path that fieldPath writes', () => {
    const key = fc.oneof(fc.nat(), fc.constant('-'), fc.string(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(key), (path) => {
        expect(fieldKeys(fieldPath(path))).to.deep.equal(path);
      }),
    );
  });

  for (const text of ['spec..a', 'spec.', 'a[b]', 'a["x]', ' a']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => fieldKeys(text)).to.throw('not in field notation');
    });
  }
});
