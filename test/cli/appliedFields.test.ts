import { expect } from 'chai';
import { appliedFields } from '../../src/cli/appliedFields.js';

const SPEC = {
  securityContext: { runAsNonRoot: true },
  nodeName: 'a',
  tolerations: [{ key: 'a' }, { key: 'b' }],
  containers: [
    {
      name: 'web',
      image: 'web:1',
      args: ['a', 'b'],
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      securityContext: { privileged: false, runAsUser: 7 },
    },
    { name: 'injected', image: 'proxy' },
  ],
};

function of(...managedFields: readonly object[]): unknown {
  return appliedFields({ metadata: { name: 'x', managedFields }, spec: SPEC });
}

function applied(spec: object): object {
  return { manager: 'kubectl', operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': spec } };
}

const WEB = 'k:{"name":"web"}';

describe('appliedFields', () => {
  it('is nothing where nobody applied', () => {
    expect(of()).to.equal(undefined);
    expect(of({ operation: 'Update', fieldsV1: { 'f:spec': {} } })).to.equal(undefined);
    expect(appliedFields({})).to.equal(undefined);
    expect(appliedFields({ metadata: { managedFields: 'x' } })).to.equal(undefined);
  });

  it('keeps the fields that are owned, of the items that are', () => {
    const container = {
      '.': {},
      'f:name': {},
      'f:image': {},
      'f:args': {},
      'f:securityContext': { 'f:runAsUser': {} },
    };
    expect(of(applied({ 'f:containers': { [WEB]: container } }))).to.deep.equal({
      spec: {
        containers: [{ name: 'web', image: 'web:1', args: ['a', 'b'], securityContext: { runAsUser: 7 } }],
      },
    });
  });

  it('finds items by several keys, by value and by index', () => {
    const port = { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } };
    const spec = {
      'f:containers': { [WEB]: { 'f:ports': port, 'f:args': { 'v:"b"': {} } } },
      'f:tolerations': { 'i:1': {} },
    };
    expect(of(applied(spec))).to.deep.equal({
      spec: { tolerations: [{ key: 'b' }], containers: [{ args: ['b'], ports: [{ containerPort: 80 }] }] },
    });
  });

  it('takes all owners together', () => {
    const first = applied({ 'f:containers': { [WEB]: { 'f:name': {}, 'f:securityContext': { '.': {} } } } });
    const second = applied({
      'f:containers': { [WEB]: { 'f:image': {}, 'f:securityContext': { 'f:privileged': {} } } },
    });
    expect(of(first, second)).to.deep.equal({
      spec: { containers: [{ name: 'web', image: 'web:1', securityContext: { privileged: false } }] },
    });
  });

  it('what was applied empty stays so, whatever others put into it', () => {
    expect(
      of(applied({ 'f:securityContext': {}, 'f:containers': { [WEB]: { 'f:name': {} } } })),
    ).to.deep.equal({
      spec: { securityContext: {}, containers: [{ name: 'web' }] },
    });
    expect(of(applied({ 'f:containers': { [WEB]: { 'f:args': {} } } }))).to.deep.equal({
      spec: { containers: [{ args: ['a', 'b'] }] },
    });
  });

  it('passes over keys that it cannot read', () => {
    expect(of(applied({ 'f:containers': { 'k:{': {}, 'x:y': {}, 'k:5': {} } }))).to.deep.equal({
      spec: { containers: [] },
    });
  });
});
