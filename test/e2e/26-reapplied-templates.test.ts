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

/** kubectl's client-side apply costs 0.1 s of a processor for each object that is there already: a third of them. */
const EVERY: Readonly<Record<Way, number>> = { 'client-side': 3, 'server-side': 1 };
const AGAIN: Readonly<Record<Way, number>> = { 'client-side': 8, 'server-side': 40 };

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
        const labels = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy };
        const namespace = await makeCorpusNamespace(labels);
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

/*
 * A Job's template is immutable, as a Pod is: promise 1 holds for it only where nothing that the author wrote is replaced.
 */
describe('Jobs, applied again from their own manifests', function () {
  this.timeout(120_000);

  before(() => mutatingBuiltins());

  for (const way of WAYS) {
    it(`are taken ${way} under the policy default-mutate`, async () => {
      const labels = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': 'default-mutate' };
      const namespace = await makeCorpusNamespace(labels);
      const jobs = [...corpusJobs(), OWN_JOB];
      const first = await apply(way, namespace, jobs);
      const taken = jobs.filter((object) => first.done.has(applyName(object)));
      expect(taken).to.include(OWN_JOB);
      const again = await apply(way, namespace, taken);
      expect(again.errors).to.deep.equal([]);
      expect(again.done.size).to.equal(taken.length);
      console.log(`      ${way}: ${words(first)}; again: ${words(again)}`);
    });
  }
});

/** Its list of capabilities is not the one that hardening writes elsewhere. */
const OWN_JOB: Json = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'own' },
  spec: {
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'main',
            image: 'registry.example/report:1',
            securityContext: { capabilities: { drop: ['NET_RAW'] } },
          },
        ],
      },
    },
  },
};

/** Generations by `kind/name`, and the names of ReplicaSets, which end in their template's hash. */
interface State {
  readonly generations: Readonly<Record<string, Json>>;
  readonly replicaSets: readonly string[];
}

async function appliedFirst(
  way: Way,
  namespace: string,
): Promise<{ objects: readonly Json[]; before: State }> {
  const objects = templates(way);
  const { done } = await apply(way, namespace, objects);
  const taken = objects.filter((object) => done.has(applyName(object)));
  expect(taken.length).to.be.above(objects.length * 0.8);
  return { objects: taken, before: await stateOf(namespace) };
}

/** The second apply may send a patch; it changes no generation. Of what it configured, some is applied a third time. */
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
  const third = await apply(way, namespace, configured.slice(0, AGAIN[way]));
  expect(third.errors).to.deep.equal([]);
  expect(await stateOf(namespace)).to.deep.equal(before);
  const counts = `${Object.keys(before.generations).length} objects, ${before.replicaSets.length} ReplicaSets`;
  console.log(`      ${way}, ${what}: ${counts}; second: ${words(second)}; third: ${words(third)}`);
}

/** Of no replicas: here it is templates that count. */
function templates(way: Way): Json[] {
  return corpusSamples()
    .filter(({ kind }) => KINDS.has(kind))
    .filter((_, index) => index % EVERY[way] === 0)
    .map(({ kind, object }, index) => {
      const replicas = kind === 'DaemonSet' || kind === 'CronJob' ? {} : { replicas: 0 };
      const suspended = kind === 'CronJob' ? { suspend: true } : {};
      return {
        ...object,
        metadata: { ...object.metadata, generateName: undefined, name: `template-${index}` },
        spec: { ...object.spec, ...replicas, ...suspended },
      };
    });
}

function corpusJobs(): Json[] {
  return corpusSamples()
    .filter(({ kind }) => kind === 'Job')
    .map(({ object }, index) => ({ ...object, metadata: { name: `job-${index}` } }));
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
