import { expect } from 'chai';
import { locatePod, podAt, WORKLOAD_KINDS } from '../../src/hardening/locate.js';

const POD = { metadata: {}, spec: { containers: [] } };
const TEMPLATE = { spec: { template: POD } };

describe('locatePod', () => {
  const found: [string, string, object, string][] = [
    ['v1', 'Pod', POD, ''],
    ['v1', 'ReplicationController', TEMPLATE, 'spec.template'],
    ['v1', 'PodTemplate', { template: POD }, 'template'],
    ['apps/v1', 'Deployment', TEMPLATE, 'spec.template'],
    ['apps/v1', 'StatefulSet', TEMPLATE, 'spec.template'],
    ['apps/v1', 'DaemonSet', TEMPLATE, 'spec.template'],
    ['apps/v1', 'ReplicaSet', TEMPLATE, 'spec.template'],
    ['batch/v1', 'Job', TEMPLATE, 'spec.template'],
    ['batch/v1', 'CronJob', { spec: { jobTemplate: TEMPLATE } }, 'spec.jobTemplate.spec.template'],
  ];
  for (const [apiVersion, kind, object, base] of found)
    it(`${kind} keeps its pod at ${base || 'the top'}`, () => {
      const located = locatePod({ apiVersion, kind, ...object });
      expect(located?.base.join('.')).to.equal(base);
      expect(located?.kind).to.equal(kind);
      expect(located?.isTemplate).to.equal(kind !== 'Pod');
      expect(located?.pod.spec).to.equal(POD.spec);
    });
  it('knows every kind of WORKLOAD_KINDS', () => {
    expect(found.map(([, kind]) => kind)).to.have.members([...WORKLOAD_KINDS]);
  });
  const missed: [string, object][] = [
    ['a Service of knative', { apiVersion: 'serving.knative.dev/v1', kind: 'Service', ...TEMPLATE }],
    ['a Deployment of another group', { apiVersion: 'v1', kind: 'Deployment', ...TEMPLATE }],
    ['a Pod of another group', { apiVersion: 'example.com/v1', kind: 'Pod', ...POD }],
    ['no kind', { apiVersion: 'v1', ...POD }],
    ['no apiVersion', { kind: 'Pod', ...POD }],
    ['a Deployment without a template', { apiVersion: 'apps/v1', kind: 'Deployment', spec: {} }],
    ['a Deployment without a spec', { apiVersion: 'apps/v1', kind: 'Deployment' }],
    ['a Pod whose spec is a list', { apiVersion: 'v1', kind: 'Pod', spec: [] }],
  ];
  for (const [title, object] of missed)
    it(`finds nothing in ${title}`, () =>
      expect(locatePod(object as Record<string, unknown>)).to.equal(undefined));

  it('names a StatefulSet’s claims, whatever stands among them', () => {
    const volumeClaimTemplates = [
      { metadata: { name: 'data' } },
      {},
      null,
      { metadata: null },
      { metadata: { name: 1 } },
    ];
    const of = (kind: string, spec: object): readonly string[] | undefined =>
      locatePod({ apiVersion: 'apps/v1', kind, spec: { ...TEMPLATE.spec, ...spec } })?.volumeClaimTemplates;
    expect(of('StatefulSet', { volumeClaimTemplates })).to.deep.equal(['data']);
    expect(of('StatefulSet', { volumeClaimTemplates: 'x' })).to.deep.equal([]);
    expect(of('Deployment', { volumeClaimTemplates })).to.deep.equal([]);
  });
  it('podAt finds nothing in what is no object', () => {
    expect(podAt(undefined, [])).to.equal(undefined);
    expect(podAt({ spec: 1 }, ['spec', 'template'])).to.equal(undefined);
  });
});
