import { expect } from 'chai';
import { fieldPath } from '../../src/hardening/fieldPath.js';
import { shown } from '../../src/hardening/shown.js';
import { capabilityName } from '../../src/hardening/capabilityNames.js';

describe('fieldPath', () => {
  for (const [path, expected] of [
    [[], ''],
    [['spec', 'containers', 0, 'image'], 'spec.containers[0].image'],
    [['metadata', 'annotations', 'a/b'], 'metadata.annotations["a/b"]'],
    [['metadata', 'labels', 'say "x"'], 'metadata.labels["say \\"x\\""]'],
    [['spec', 'volumes', '-'], 'spec.volumes[]'],
    [['spec', 'x', 'ephemeral-storage'], 'spec.x.ephemeral-storage'],
    [['', 'a'], '[""].a'],
  ] as const)
    it(expected || '(empty)', () => expect(fieldPath(path)).to.equal(expected));
});

describe('shown', () => {
  for (const [value, expected] of [
    [undefined, 'nothing'],
    [null, 'null'],
    ['a', '"a"'],
    ['x'.repeat(80), `"${'x'.repeat(56)}...`],
  ] as const)
    it(expected, () => expect(shown(value)).to.equal(expected));
});

describe('capabilityName', () => {
  for (const name of ['NET_ADMIN', 'CAP_NET_ADMIN', 'cap_net_admin', 'Net_Admin'])
    it(`${name} is NET_ADMIN`, () => expect(capabilityName(name)).to.equal('NET_ADMIN'));
});
