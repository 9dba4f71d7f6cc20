import { expect } from 'chai';
import { decide } from '../../src/admission/decide.js';
import { valueText } from '../../src/admission/denial.js';
import type { AdmissionRequest, KubernetesObject } from '../../src/admission/types.js';
import { planOf, pod, requestOf } from './support/reviews.js';

const SPEC = `
  rules:
    privileged: {action: Deny}
    hostNamespaces: {action: Deny, optOut: Forbidden}
    resources: {action: Deny}
    sshd: {action: Warn}
`;

function messageFor(object: KubernetesObject, spec = SPEC, given: Partial<AdmissionRequest> = {}): string {
  const decision = decide(requestOf(object, given), planOf(spec));
  expect(decision.outcome).to.equal('denied');
  return decision.message ?? '';
}

const OBJECT = pod({
  hostPID: true,
  hostIPC: true,
  containers: [
    { name: 'a', image: 'sshd', securityContext: { privileged: true } },
    { name: 'b', image: 'web' },
  ],
});

describe('denial message', () => {
  const message = messageFor(OBJECT);

  it('begins with the object and the policy', () => {
    expect(message).to.match(/^kube-harden refuses pod\/web: \d+ violations of policy default\. \(1\) /);
  });

  it('lists every violation with its field and value', () => {
    expect(message).to.contain(
      'privileged on container "a": spec.containers[0].securityContext.privileged is true',
    );
    expect(message).to.contain('hostNamespaces: spec.hostPID is true');
    expect(message).to.contain('hostNamespaces: spec.hostIPC is true');
    expect(message).to.match(/resources on container "b": spec\.containers\[1\]\.resources\S* is not set/);
  });

  it('counts what it lists', () => {
    const count = Number(/: (\d+) violations/.exec(message)?.[1]);
    expect(message.match(/\(\d+\) /g)?.map((mark) => parseInt(mark.slice(1), 10))).to.deep.equal(
      Array.from({ length: count }, (_, index) => index + 1),
    );
  });

  it('says how to lift each: by the field, the label, an exception', () => {
    expect(message).to.contain(
      'mend the field, kubectl label ns shop kube-harden.io/privileged=disabled, or an exception in policy default.',
    );
  });

  it('says to overwrite a label that is there, which kubectl refuses to change else', () => {
    const plan = planOf(SPEC, { mode: 'enforce', privileged: 'somehow' });
    expect(decide(requestOf(OBJECT), plan).message).to.contain(
      'kubectl label ns shop kube-harden.io/privileged=disabled --overwrite, or an exception',
    );
  });

  it('offers no label where the opt-out is forbidden', () => {
    expect(message).to.contain(
      'spec.hostPID is true; lift it: mend the field, or ask for an exception in policy default.',
    );
    expect(message).to.not.contain('kube-harden.io/hostNamespaces=');
  });

  it('leaves out what is only warned about', () => expect(message).to.not.contain('sshd'));

  it('speaks of one violation', () => {
    const one = messageFor(pod({ hostPID: true }), 'rules: {hostNamespaces: {action: Deny}}');
    expect(one).to.contain(': 1 violation of policy default. (1) hostNamespaces: ');
  });

  it('names an object by its generateName while it has no name', () => {
    const object = pod({ hostPID: true }, { name: undefined, generateName: 'web-7f-' });
    expect(messageFor(object, SPEC, { name: '' })).to.contain('refuses pod/web-7f-: ');
  });

  it('prints no control character', () => {
    const object = pod({
      containers: [{ name: 'a\n\u001b[31m', image: 'x', securityContext: { privileged: true } }],
    });
    expect(messageFor(object, SPEC, { name: 'w\u0000b' })).to.match(/^[\x20-\x7e]+$/);
  });

  it('shows values as a person reads them', () => {
    expect(valueText(['NET_ADMIN', 'ALL'])).to.equal('[NET_ADMIN, ALL]');
    expect(valueText([])).to.equal('[]');
    expect(valueText([{}])).to.equal('a list');
    expect(valueText('x'.repeat(100))).to.have.length.below(70);
    expect(valueText({})).to.equal('an object');
    expect(valueText({ type: 'Unconfined' })).to.equal('{type: Unconfined}');
    expect(valueText({ type: { of: 'x' } })).to.equal('an object');
    expect(valueText({ ['k'.repeat(2000)]: 'v' })).to.have.length.below(900);
    expect(valueText(0)).to.equal('0');
    expect(valueText(null)).to.equal('null');
  });

  it('does not repeat a list of great length', () => {
    const add = Array.from({ length: 100_000 }, (_, index) => `CAP_${index}`);
    const object = pod({
      containers: [{ name: 'a', image: 'x', securityContext: { capabilities: { add } } }],
    });
    expect(messageFor(object, 'rules: {capabilities: {action: Deny}}').length).to.be.below(1500);
  });
});
