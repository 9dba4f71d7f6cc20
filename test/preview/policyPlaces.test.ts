import { expect } from 'chai';
import { PolicyPlaces } from '../../src/preview/policyPlaces.js';

const TWO = `# ours
kind: HardeningPolicy
metadata: {name: one}
spec:
  rules:
    sshd: {action: Deny}
    runAsUser:
---
kind: List
items:
- kind: HardeningPolicy
  metadata: {name: two}
  spec:
    exceptions:
    - name: first
    - name: second
`;

describe('PolicyPlaces', () => {
  const places = new PolicyPlaces([{ name: 'policies.yaml', text: TWO }]);

  it('knows the line of a field, also in a list', () => {
    expect(places.of('one', ['spec', 'rules', 'sshd', 'action'])).to.equal('policies.yaml:6');
    expect(places.of('two', ['spec', 'exceptions', 1])).to.equal('policies.yaml:16');
  });

  it('has none for what is left out, null or written nowhere', () => {
    expect(places.of('one', ['spec', 'rules', 'sshd', 'optOut'])).to.equal(undefined);
    expect(places.of('one', ['spec', 'rules', 'runAsUser'])).to.equal(undefined);
    expect(places.of('one', ['spec', 'rules', 'toString'])).to.equal(undefined);
    expect(places.of('three', ['metadata', 'name'])).to.equal(undefined);
  });

  it('takes the later of two policies of one name', () => {
    const later = { name: 'later.yaml', text: 'kind: HardeningPolicy\nmetadata: {name: one}\n' };
    const both = new PolicyPlaces([{ name: 'policies.yaml', text: TWO }, later]);
    expect(both.of('one', ['metadata', 'name'])).to.equal('later.yaml:2');
  });
});
