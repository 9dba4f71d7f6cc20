import { expect } from 'chai';
import { fileURLToPath } from 'node:url';
import { validateObject } from './apiValidation.js';
import { controllerPod } from './controllerPod.js';
import { corpusSource, corpusWorkloads } from './corpus.js';

const COPY = fileURLToPath(new URL('../fixtures/corpus', import.meta.url));

/** Objects that no API server accepts, and why. */
const INADMISSIBLE: [RegExp, RegExp][] = [
  [/^extra\/k8s-api-testdata/, /more than 1 volume type|not a DNS-1123 label/],
  [/^extra\/kyverno-conformance.*bug-demo/, /allowPrivilegeEscalation` to false and `privileged` to true/],
  [
    /^extra\/kyverno-conformance.*(exclude-(privileged|restricted|selinux)|ephemeral-containers)/,
    /cannot be set on create/,
  ],
  [/^psa\/.*\/fail\/procmount[01]\./, /hostUsers` must be false/],
];

describe('corpus', () => {
  for (const root of new Set([corpusSource(), COPY])) {
    const workloads = corpusWorkloads(root);

    it(`${root}: ${workloads.length} workloads, and the API accepts all but those known not to be admissible`, () => {
      for (const { id, object } of workloads) {
        const reason = INADMISSIBLE.find(([name]) => name.test(id))?.[1];
        const errors = validateObject(object);
        if (reason === undefined) expect(errors, id).to.deep.equal([]);
        else expect(errors.join('\n'), id).to.match(reason);
      }
    });

    it(`${root}: the Pods of its controllers are accepted too, and making them changes nothing`, () => {
      for (const { id, object } of workloads) {
        if (INADMISSIBLE.some(([name]) => name.test(id))) continue;
        const before = JSON.stringify(object);
        expect(validateObject(controllerPod(object)), id).to.deep.equal([]);
        expect(JSON.stringify(object), id).to.equal(before);
      }
    });
  }

  it('the copy has every kind that real manifests have, and ids are unique', () => {
    const workloads = corpusWorkloads(COPY);
    const kinds = new Set(workloads.filter(({ part }) => part === 'open').map(({ object }) => object.kind));
    expect([...kinds].sort()).to.deep.equal(
      [
        'CronJob',
        'DaemonSet',
        'Deployment',
        'Job',
        'Pod',
        'ReplicaSet',
        'ReplicationController',
        'StatefulSet',
      ].sort(),
    );
    expect(new Set(workloads.map(({ id }) => id)).size).to.equal(workloads.length);
  });
});
