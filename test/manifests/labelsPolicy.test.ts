import { expect } from 'chai';
import { UID_RANGE_ANNOTATIONS } from '../../src/policy/namespace.js';
import { LABEL_PREFIX } from '../../src/policy/plan.js';
import { build, find } from './support/manifests.js';

interface PolicySpec {
  readonly failurePolicy: string;
  readonly matchConstraints: {
    readonly resourceRules: readonly { readonly resources: readonly string[]; readonly operations: readonly string[] }[];
    readonly [selector: string]: unknown;
  };
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  readonly validations: readonly { readonly expression: string; readonly reason: string; readonly message: string }[];
  readonly [field: string]: unknown;
}

// What its expressions do is for a real API server to say (e2e); here: that they speak of what the code reads.
describe('manifests: ValidatingAdmissionPolicy kube-harden-labels', () => {
  const objects = build('base');
  const spec = find(objects, 'ValidatingAdmissionPolicy', 'kube-harden-labels')['spec'] as PolicySpec;
  const [validation] = spec.validations;
  const changed = spec.variables.find(({ name }) => name === 'changed')?.expression ?? '';

  it('is asked of every way to change a namespace, of all namespaces, and fails closed', () => {
    expect(spec.failurePolicy).to.equal('Fail');
    expect(spec).to.not.have.any.keys('matchConditions', 'paramKind');
    const { resourceRules, ...selectors } = spec.matchConstraints;
    expect(resourceRules).to.deep.equal([
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
        scope: '*',
      },
    ]);
    expect(selectors).to.deep.equal({ matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} });
  });

  it('guards the label prefix and exactly the annotations that are read', () => {
    expect([...changed.matchAll(/startsWith\('([^']+)'\)/g)].map(([, prefix]) => prefix)).to.deep.equal([
      LABEL_PREFIX,
      LABEL_PREFIX,
    ]);
    const [, list = ''] = /\[('[^\]]+')\]\.filter/.exec(changed) ?? [];
    expect(list.split(', ').map((quoted) => quoted.replaceAll("'", ''))).to.deep.equal(UID_RANGE_ANNOTATIONS);
  });

  it('asks for the verb that the ClusterRole grants, and says so', () => {
    expect(spec.validations).to.have.lengthOf(1);
    expect(validation?.expression).to.include(
      "authorizer.group('kube-harden.io').resource('namespaces').name(object.metadata.name).check('label').allowed()",
    );
    const messages = [validation?.message, (validation as unknown as Record<string, string>)['messageExpression']];
    for (const message of messages) expect(message).to.include('"label"').and.to.include('ClusterRole kube-harden-platform');
    expect(validation?.reason).to.equal('Forbidden');
  });

  it('is bound, to deny', () => {
    expect(find(objects, 'ValidatingAdmissionPolicyBinding', 'kube-harden-labels')['spec']).to.deep.equal({
      policyName: 'kube-harden-labels',
      validationActions: ['Deny'],
    });
  });
});
