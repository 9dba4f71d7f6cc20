import { expect } from 'chai';
import { loadPolicyObject } from '../../src/policy/load.js';
import { PolicyError, issueText, type PolicyIssue } from '../../src/policy/policyError.js';
import { WRONG_POLICIES } from '../support/policyDocuments.js';
import { podOf, putPolicy, sendPod } from './support/podRequests.js';
import { EFFECT_MS, eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const EDITS = 10;
const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';

interface Status {
  readonly observedGeneration: number;
  readonly conditions: readonly Readonly<Record<string, unknown>>[];
  readonly errors: readonly PolicyIssue[];
}

/** All that the API server lets through and the loader does not, in one policy. */
const WRONG = Object.assign(
  {},
  ...WRONG_POLICIES.filter(({ apiServer }) => apiServer === 'accepts').map(({ document }) => document.spec),
) as Record<string, unknown>;

function issuesOf(name: string, spec: unknown): readonly PolicyIssue[] {
  try {
    loadPolicyObject({
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name },
      spec,
    });
  } catch (error) {
    if (error instanceof PolicyError) return error.issues;
    throw error;
  }
  return [];
}

const withUid = (value: number): object => ({ rules: { runAsUser: { action: 'Default', value } } });

async function uidIn(namespace: string): Promise<unknown> {
  const { status, body } = await sendPod(namespace, podOf('web'));
  expect(status, JSON.stringify(body)).to.equal(201);
  return body.spec.securityContext?.['runAsUser'];
}

async function statusOf(name: string, generation: number): Promise<Status> {
  return eventually(`the status of generation ${generation}`, async () => {
    const { body } = await world().controlPlane.api<{ status?: Status }>('GET', `${POLICIES}/${name}`);
    return body.status?.observedGeneration === generation && body.status;
  });
}

interface Events {
  readonly items: readonly {
    readonly type: string;
    readonly reason: string;
    readonly message: string;
    readonly involvedObject: { readonly kind: string; readonly name: string };
  }[];
}

/** As `kubectl get events` has it. */
async function eventAbout(name: string, reason: string): Promise<Events['items'][number]> {
  return eventually(`an event ${reason} about ${name}`, async () => {
    const { body } = await world().controlPlane.api<Events>('GET', '/api/v1/namespaces/default/events');
    return body.items.find((event) => event.involvedObject.name === name && event.reason === reason);
  });
}

function enforcedBy(policy: string): Promise<string> {
  return makeNamespace({ 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy });
}

describe('a HardeningPolicy', function () {
  this.timeout(120_000);

  it(`that is edited holds within ${EFFECT_MS} ms, ${EDITS} edits in a row`, async () => {
    await putPolicy('e2e-edited', withUid(2000));
    const namespace = await enforcedBy('e2e-edited');
    expect(await uidIn(namespace)).to.equal(2000);
    let slowest = 0;
    for (let uid = 2001; uid <= 2000 + EDITS; uid++) {
      const begun = performance.now();
      await world().controlPlane.api('PATCH', `${POLICIES}/e2e-edited`, { spec: withUid(uid) });
      await eventually(`uid ${uid}`, async () => (await uidIn(namespace)) === uid, 10_000, 10);
      slowest = Math.max(slowest, Math.round(performance.now() - begun));
    }
    console.log(`      slowest of ${EDITS} edits: ${slowest} ms`);
    expect(slowest).to.be.below(EFFECT_MS);
  });

  it('that is deleted leaves its namespaces with the default, which every answer says', async () => {
    await putPolicy('e2e-deleted', withUid(3000));
    const namespace = await enforcedBy('e2e-deleted');
    expect(await uidIn(namespace)).to.equal(3000);
    await world().controlPlane.kubectlOutput(['delete', 'hardeningpolicy', 'e2e-deleted']);
    await eventually('the default', async () => (await uidIn(namespace)) === 65532);
    const { warnings } = await sendPod(namespace, podOf('web'));
    expect(warnings).to.include('label kube-harden.io/policy=e2e-deleted names no policy: default applies');
  });

  it('that is edited into a broken one stays as it last was good, and says why', async () => {
    const name = 'e2e-broken-edit';
    await putPolicy(name, withUid(4000));
    const namespace = await enforcedBy(name);
    expect(await uidIn(namespace)).to.equal(4000);
    const wrong = { ...withUid(4001), ...WRONG };
    const expected = issuesOf(name, wrong);
    expect(expected).to.have.length.of.at.least(2);

    const { generation } = await putPolicy(name, wrong);
    const { conditions, errors } = await statusOf(name, generation);
    expect(errors).to.deep.equal(expected.map(({ path, message }) => ({ path, message })));
    expect(conditions).to.have.length(1);
    expect(conditions[0]).to.include({
      type: 'Accepted',
      status: 'False',
      reason: 'Rejected',
      observedGeneration: generation,
    });
    expect(conditions[0]?.['message']).to.match(/^\d+ errors; the last good one stays in force: spec\./);
    const event = await eventAbout(name, 'PolicyRejected');
    expect(event).to.deep.include({ type: 'Warning' });
    for (const issue of expected) expect(event.message).to.include(issueText(issue));
    for (let index = 0; index < 10; index++) expect(await uidIn(namespace)).to.equal(4000);

    // A merge patch leaves what it does not name: null takes the broken parts out again.
    const gone = Object.fromEntries(Object.keys(WRONG).map((key) => [key, null]));
    const mended = await putPolicy(name, { ...withUid(4002), ...gone });
    expect(await uidIn(namespace)).to.equal(4002);
    expect(await statusOf(name, mended.generation)).to.not.have.property('errors.0');
    await eventAbout(name, 'PolicyAccepted');
  });

  it('that has never loaded refuses the pods of its namespaces, and nobody else notices', async () => {
    const name = 'e2e-never-loaded';
    const { generation } = await putPolicy(name, WRONG);
    const { conditions } = await statusOf(name, generation);
    expect(conditions[0]?.['message']).to.include('it has never loaded');
    const namespace = await enforcedBy(name);
    const { status, body } = await sendPod(namespace, podOf('web'));
    expect(status).to.equal(500);
    expect(body.message).to.include(`policy "${name}" has never loaded: `);
    for (const issue of issuesOf(name, WRONG)) expect(body.message).to.include(issueText(issue));

    expect(await uidIn(await makeNamespace({ 'kube-harden.io/mode': 'enforce' }))).to.equal(65532);
    for (const replica of world().replicas) expect((await replica.ready()).status).to.equal(200);
    // Mended, it takes effect without anything else.
    await world().controlPlane.kubectlOutput(['delete', 'hardeningpolicy', name]);
    await putPolicy(name, withUid(5000));
    await eventually('the mended one', async () => (await uidIn(namespace)) === 5000);
  });

  it('says in kubectl get whether it is in force', async () => {
    await statusOf('e2e-good', (await putPolicy('e2e-good', withUid(6000))).generation);
    await statusOf('e2e-bad', (await putPolicy('e2e-bad', WRONG)).generation);
    const table = await world().controlPlane.kubectlOutput(['get', 'hardeningpolicies']);
    const [head = '', ...rows] = table.split('\n').map((line) => line.split(/ {2,}/).slice(0, 2).join(' '));
    expect(head).to.equal('NAME ACCEPTED');
    expect(rows).to.include.members(['e2e-good Accepted', 'e2e-bad Rejected']);
    const wide = await world().controlPlane.kubectlOutput(['get', 'hardeningpolicies', '-o', 'wide']);
    expect(wide).to.match(/e2e-bad .*it has never loaded: requests of namespaces that name it fail/);
  });
});
