import { expect } from 'chai';
import type { Json } from './controlPlane/apiClient.js';
import { apply, WAYS, words, type Way } from './support/applied.js';
import { corpusSamples, makeCorpusNamespace } from './support/corpusSamples.js';
import { mutatingBuiltins } from './support/hardeningPolicies.js';
import { setMode } from './support/mode.js';
import { replicaSetsOf, settled, templatesOf } from './support/rollouts.js';

/** Without Jobs: their templates are immutable, and a Job has no rollout. */
const KINDS: ReadonlySet<string> = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'CronJob',
]);

/*
 * What hardening writes into a template is in nobody's manifest. Applying that again must neither take it away nor begin
 * a rollout, whoever owns which field.
 */
describe('templates of the corpus, applied again from their own manifests', function () {
  this.timeout(180_000);

  before(() => mutatingBuiltins());

  for (const way of WAYS) {
    for (const policy of ['default-mutate', 'restricted-mutate']) {
      it(`settle ${way} under the policy ${policy}`, async () => {
        const namespace = await makeCorpusNamespace({
          'kube-harden.io/mode': 'enforce',
          'kube-harden.io/policy': policy,
        });
        const { objects, before } = await appliedFirst(way, namespace);
        await expectSettled(way, namespace, objects, before, policy);
      });
    }

    it(`begin no rollout ${way} where they were there before enforce`, async () => {
      const namespace = await makeCorpusNamespace({ 'kube-harden.io/policy': 'default-mutate' });
      const { objects, before } = await appliedFirst(way, namespace);
      await setMode(namespace, 'enforce');
      await expectSettled(way, namespace, objects, before, 'from before enforce');
    });
  }
});

/** Generations by `kind/name`, and the names of ReplicaSets, which end in their template's hash. */
interface State {
  readonly generations: Readonly<Record<string, Json>>;
  readonly replicaSets: readonly string[];
}

async function appliedFirst(
  way: Way,
  namespace: string,
): Promise<{ objects: readonly Json[]; before: State }> {
  const objects = templates();
  const { done } = await apply(way, namespace, objects);
  const taken = objects.filter((object) => done.has(applyName(object)));
  expect(taken).to.have.length.above(65);
  return { objects: taken, before: await stateOf(namespace) };
}

/** The second apply may send a patch; it changes no generation. What it configured is applied a third time. */
async function expectSettled(
  way: Way,
  namespace: string,
  objects: readonly Json[],
  before: State,
  what: string,
): Promise<void> {
  const second = await apply(way, namespace, objects);
  expect(second.errors).to.deep.equal([]);
  expect(second.done.size).to.equal(objects.length);
  expect(await stateOf(namespace)).to.deep.equal(before);
  const configured = objects.filter((object) => second.done.get(applyName(object)) !== 'unchanged');
  const third = await apply(way, namespace, configured);
  expect(third.errors).to.deep.equal([]);
  expect(await stateOf(namespace)).to.deep.equal(before);
  const counts = `${Object.keys(before.generations).length} objects, ${before.replicaSets.length} ReplicaSets`;
  console.log(`      ${way}, ${what}: ${counts}; second: ${words(second)}; third: ${words(third)}`);
}

/** Of no replicas: here it is templates that count. */
function templates(): Json[] {
  return corpusSamples()
    .filter(({ kind }) => KINDS.has(kind))
    .map(({ kind, object }, index) => {
      const { generateName: _generateName, ...metadata } = object.metadata;
      const replicas = kind === 'DaemonSet' || kind === 'CronJob' ? {} : { replicas: 0 };
      const suspended = kind === 'CronJob' ? { suspend: true } : {};
      return {
        ...object,
        metadata: { ...metadata, name: `template-${index}` },
        spec: { ...object.spec, ...replicas, ...suspended },
      };
    });
}

/** As kubectl writes it: `deployment.apps/shop`. */
function applyName({ apiVersion, kind, metadata }: Json): string {
  const [group, version] = String(apiVersion).split('/');
  return `${String(kind).toLowerCase()}${version === undefined ? '' : `.${group ?? ''}`}/${metadata.name}`;
}

async function stateOf(namespace: string): Promise<State> {
  await settled(namespace);
  return {
    generations: await templatesOf(namespace, ({ metadata }) => metadata.generation),
    replicaSets: await replicaSetsOf(namespace),
  };
}
