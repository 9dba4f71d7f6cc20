import { expect } from 'chai';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { loadPolicies, loadPolicyObject } from '../../src/policy/load.js';
import { RIGHT_POLICIES, WRONG_POLICIES, type PolicyObject } from '../support/policyDocuments.js';
import type { ApiReply } from './controlPlane/apiClient.js';
import { BUILTIN_NAMES, applyPolicy, builtinSpec } from './support/hardeningPolicies.js';
import { eventually } from './support/wait.js';
import { world } from './support/world.js';

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/hardeningpolicies.kube-harden.io';

function post(document: PolicyObject, query: string): Promise<ApiReply> {
  return world().controlPlane.api('POST', `${POLICIES}?${query}`, document);
}

describe('a HardeningPolicy that is wrong', () => {
  for (const { name, document, path, apiServer, message = '' } of WRONG_POLICIES) {
    const outcome = { refuses: 'is refused', prunes: 'loses the field', accepts: 'has the status Rejected' };

    it(`${outcome[apiServer]}: ${name}`, async () => {
      if (apiServer === 'accepts') {
        await expectRejected(document, path);
        return;
      }
      const strict = await post(document, 'dryRun=All&fieldValidation=Strict');
      expect(strict.body.message).to.include(message);
      expect(strict.status).to.be.oneOf([400, 422]);
      const lax = await post(document, 'dryRun=All&fieldValidation=Warn');
      if (apiServer === 'refuses') {
        expect(lax.status).to.be.oneOf([400, 422]);
        expect(lax.body.message).to.include(message);
      } else {
        expect(strict.status).to.equal(400);
        expect(lax.status).to.equal(201);
        expect(lax.warnings.join('\n')).to.include(message);
      }
    });
  }

  let made = 0;

  async function expectRejected(document: PolicyObject, path: string): Promise<void> {
    const { controlPlane } = world();
    const name = `wrong-${(made += 1)}`;
    const { status } = await post({ ...document, metadata: { name } }, 'fieldValidation=Strict');
    expect(status).to.equal(201);
    try {
      const policy = await eventually('a status', async () => {
        const { body } = await controlPlane.api('GET', `${POLICIES}/${name}`);
        return body.status?.observedGeneration === body.metadata.generation && body;
      });
      expect(policy.status.errors.map((error: { path: string }) => error.path)).to.deep.equal([path]);
      const [condition] = policy.status.conditions;
      expect(condition).to.include({ type: 'Accepted', status: 'False', reason: 'Rejected' });
      expect(condition.message).to.include(path);
    } finally {
      await controlPlane.api('DELETE', `${POLICIES}/${name}`);
    }
  }
});

describe('a HardeningPolicy that is right', () => {
  for (const { name, document, refused } of RIGHT_POLICIES) {
    it(
      refused === undefined ? `means what its file means: ${name}` : `is refused all the same: ${name}`,
      async () => {
        const { status, body } = await post(document, 'dryRun=All&fieldValidation=Strict');
        if (refused === undefined) {
          expect(status, body.message).to.equal(201);
          expect(loadPolicyObject(body)).to.deep.equal(loadPolicies(JSON.stringify(document))[0]);
        } else {
          expect(status).to.equal(422);
          expect(body.message).to.include(refused);
        }
      },
    );
  }

  for (const name of BUILTIN_NAMES) {
    it(`means what is built in: ${name}, as it is printed`, async () => {
      const document = {
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        metadata: { name },
        spec: builtinSpec(name),
      };
      const { status, body } = await post(document, 'dryRun=All&fieldValidation=Strict');
      expect(status, body.message).to.equal(201);
      const builtin = BUILTIN_POLICIES.find((policy) => policy.name === name);
      expect(loadPolicyObject(body)).to.deep.equal(builtin);
    });
  }
});

describe('the CRD of HardeningPolicies', () => {
  it('is established, and structural to the API server', async () => {
    const { body } = await world().controlPlane.api('GET', CRD);
    const conditions = new Map<string, string>(
      body.status.conditions.map(({ type, status }: { type: string; status: string }) => [type, status]),
    );
    expect(conditions.get('Established')).to.equal('True');
    expect(conditions.get('NamesAccepted')).to.equal('True');
    expect(conditions.has('NonStructuralSchema')).to.equal(false);
  });

  it('lets kubectl explain a rule: what it does, its actions, its settings and their defaults', async () => {
    const { controlPlane } = world();
    const rule = await controlPlane.kubectlOutput(['explain', 'hardeningpolicy.spec.rules.runAsUser']);
    expect(rule).to.match(/^GROUP:\s+kube-harden\.io$/m);
    expect(rule).to.include('FIELD: runAsUser <Object>');
    for (const field of ['action', 'optOut', 'strategy', 'value', 'group', 'fsGroup', 'existingVolumes'])
      expect(rule, field).to.match(new RegExp(`^  ${field}\\t<`, 'm'));
    expect(rule).to.match(/enum: .*Default.*Override|enum: .*Override.*Default/);
    const value = await controlPlane.kubectlOutput(['explain', 'hardeningpolicy.spec.rules.runAsUser.value']);
    expect(value).to.match(/DESCRIPTION:\n\s+\S.{20,}/);
  });

  it('shows in a list which are in force, and in a wide one what is wrong with the others', async () => {
    const { controlPlane } = world();
    await applyPolicy('shown', { templates: 'Mutate' });
    const list = await eventually('the status in a list', async () => {
      const text = await controlPlane.kubectlOutput(['get', 'hardeningpolicies', 'shown']);
      return text.includes('Accepted') && text;
    });
    expect(list).to.match(/^NAME +ACCEPTED +TEMPLATES +WARNINGS +AGE$/m);
    expect(list).to.match(/^shown +Accepted +Mutate +Summary +\d+s$/m);
    const wide = await controlPlane.kubectlOutput(['get', 'hardeningpolicies', 'shown', '-o', 'wide']);
    expect(wide).to.match(/^NAME +ACCEPTED +TEMPLATES +WARNINGS +UNKNOWN IMAGES +MESSAGE +AGE$/m);
    expect(wide).to.include('the policy is in force');
  });
});
