import { expect } from 'chai';
import fc from 'fast-check';
import { validateEphemeralContainersUpdate, validateObject } from './apiValidation.js';
import { barePod } from './controllerPod.js';
import type { Generated } from './podArbitrary.js';
import { ALL_CLASSES, barePodManifest, classesOf, workload } from './podArbitrary.js';

const errorsOf = ({ source, old, object }: Generated): string[] =>
  source === 'ephemeral' && old !== undefined
    ? validateEphemeralContainersUpdate(old, object)
    : validateObject(object);

describe('podArbitrary', () => {
  it('makes objects that the API accepts, and their manifests with them', () => {
    fc.assert(
      fc.property(workload, (generated) => {
        expect(errorsOf(generated)).to.deep.equal([]);
        if (generated.manifest !== undefined) expect(validateObject(generated.manifest)).to.deep.equal([]);
        if (generated.old !== undefined)
          expect(validateEphemeralContainersUpdate(generated.old, generated.old)).to.deep.equal([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('makes at least 100 of each class in 2,000', () => {
    const count = new Map(ALL_CLASSES.map((name) => [name, 0]));
    for (const generated of fc.sample(workload, { numRuns: 2000, seed: 20 }))
      for (const name of classesOf(generated)) count.set(name, (count.get(name) ?? 0) + 1);
    expect([...count].filter(([, n]) => n < 100)).to.deep.equal([]);
  });

  it('admission changes nothing of an admitted Pod a second time', () => {
    fc.assert(
      fc.property(barePodManifest, ({ object }) => {
        const once = barePod(object);
        expect(barePod(once)).to.deep.equal(once);
      }),
      { numRuns: 300 },
    );
  });
});
