import { expect } from 'chai';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { NamespaceStore } from '../../src/cluster/namespaceStore.js';
import { parseQuantity } from '../../src/hardening/quantity.js';

function ns(name: string, resourceVersion: string, mode: string, more: object = {}): ApiObject {
  return { metadata: { name, resourceVersion, labels: { 'kube-harden.io/mode': mode }, ...more } };
}

function below(namespace: string, name: string, resourceVersion: string, spec: object, more = {}): ApiObject {
  return { metadata: { name, namespace, resourceVersion }, spec, ...more };
}

describe('NamespaceStore', () => {
  let store: NamespaceStore;
  let changed: string[];
  beforeEach(() => {
    changed = [];
    store = new NamespaceStore((name) => changed.push(name));
  });
  const modeOf = (name: string): string | undefined => store.get(name)?.labels['kube-harden.io/mode'];

  it('keeps our labels and the uid range, and nothing else of a namespace', () => {
    store.namespaces.put({
      metadata: {
        name: 'shop',
        resourceVersion: '1',
        labels: JSON.parse(
          '{"kube-harden.io/mode":"audit","team":"a","kube-harden.iox/mode":"x","__proto__":"x"}',
        ) as Record<string, string>,
        annotations: { 'openshift.io/sa.scc.uid-range': '5/6', 'kube-harden.io/uid-range': '1/2', note: 'x' },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    expect(store.get('shop')).to.deep.equal({
      name: 'shop',
      labels: { 'kube-harden.io/mode': 'audit' },
      uidRange: '1/2',
      limitRanges: [],
      quotaByQos: false,
      quotas: [],
    });
    expect(store.get('__proto__')).to.equal(undefined);
  });

  it('is told a change only where what is kept changed', () => {
    store.namespaces.put(ns('shop', '1', 'audit'));
    store.namespaces.put(ns('shop', '2', 'audit', { annotations: { note: 'x' } }));
    expect(changed).to.deep.equal(['shop']);
    store.namespaces.put(ns('shop', '3', 'enforce'));
    expect(changed).to.deep.equal(['shop', 'shop']);
    const quota = { hard: { pods: '10', cpu: '4', 'limits.memory': '1Gi' } };
    store.resourceQuotas.put(below('shop', 'q', '4', quota));
    expect(changed).to.have.length(3);
    store.resourceQuotas.put(below('shop', 'q', '5', quota, { status: { used: { cpu: '3' } } }));
    expect(changed).to.have.length(3);
    store.resourceQuotas.put(below('shop', 'q', '6', { ...quota, scopes: ['BestEffort'] }));
    expect(changed).to.have.length(4);
    expect(store.get('shop')).to.deep.include({
      quotaByQos: true,
      quotas: [{ name: 'q', resources: ['limits.memory', 'requests.cpu'] }],
    });
  });

  it('does not go back to an older event, however many digits a version has', () => {
    store.namespaces.put(ns('shop', '100', 'enforce'));
    store.namespaces.put(ns('shop', '99', 'audit'));
    expect(modeOf('shop')).to.equal('enforce');
    store.namespaces.delete(ns('shop', '98', 'audit'));
    expect(modeOf('shop')).to.equal('enforce');
    store.namespaces.delete(ns('shop', '101', 'enforce'));
    expect(modeOf('shop')).to.equal(undefined);
    expect(changed).to.deep.equal(['shop', 'shop']);
  });

  it('a namespace that was looked up later than a list survives it; what the list does not have goes', () => {
    store.namespaces.put(ns('old', '5', 'enforce'));
    store.namespaces.put(ns('kept', '6', 'enforce'));
    const list = store.namespaces.startReplacing();
    list.add(ns('kept', '6', 'enforce'));
    store.namespaces.put(ns('new', '12', 'enforce'));
    expect(modeOf('old')).to.equal('enforce');
    list.commit('10');
    expect(store.namespaces.size).to.equal(2);
    expect(modeOf('kept')).to.equal('enforce');
    expect(modeOf('new')).to.equal('enforce');
  });

  it('a list of a cluster that was set back counts, whatever versions were known', () => {
    store.namespaces.put(ns('shop', '995000', 'audit'));
    store.namespaces.put(ns('gone', '995001', 'audit'));
    const list = store.namespaces.startReplacing(true);
    expect(modeOf('shop')).to.equal('audit');
    list.add(ns('shop', '990000', 'audit'));
    store.namespaces.put(ns('shop', '990700', 'enforce'));
    list.commit('990500');
    expect([modeOf('shop'), modeOf('gone')]).to.deep.equal(['enforce', undefined]);
    store.namespaces.put(ns('shop', '990600', 'disabled'));
    expect(modeOf('shop')).to.equal('enforce');
  });

  it('a list that breaks off takes nothing away', () => {
    store.namespaces.put(ns('shop', '5', 'enforce'));
    store.namespaces.startReplacing().add(ns('other', '6', 'enforce'));
    expect(store.namespaces.size).to.equal(2);
    expect(modeOf('shop')).to.equal('enforce');
    expect(modeOf('other')).to.equal('enforce');
  });

  it('has LimitRanges in the order of their names, of the namespace only, and of types that matter', () => {
    const max = (memory: string): object => ({
      limits: [
        { type: 'Container', max: { memory, ['__proto__x']: '1' } },
        { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } },
      ],
    });
    store.namespaces.put(ns('shop', '1', 'enforce'));
    store.limitRanges.put(below('shop', 'b', '2', max('2Gi')));
    store.limitRanges.put(below('shop', 'a', '3', max('1Gi')));
    store.limitRanges.put(below('shop-2', 'a', '4', max('3Gi')));
    const memory = (): unknown[] =>
      (store.get('shop')?.limitRanges ?? []).map(({ max: m }) => m.get('memory'));
    expect(memory()).to.deep.equal([parseQuantity('1Gi'), parseQuantity('2Gi')]);
    expect(changed).to.deep.equal(['shop', 'shop', 'shop', 'shop-2']);
    store.limitRanges.delete(below('shop', 'a', '5', {}));
    expect(memory()).to.deep.equal([parseQuantity('2Gi')]);
  });

  it('tells apart quantities that differ', () => {
    const of = (memory: string): object => ({ limits: [{ type: 'Pod', max: { memory } }] });
    store.limitRanges.put(below('shop', 'a', '1', of('1Gi')));
    store.limitRanges.put(below('shop', 'a', '2', of('1024Mi')));
    expect(changed).to.have.length(1);
    store.limitRanges.put(below('shop', 'a', '3', of('1025Mi')));
    expect(changed).to.have.length(2);
  });

  it('takes objects without spec, labels and limits as they come', () => {
    store.namespaces.put({ metadata: { name: 'shop', resourceVersion: '1' } });
    store.limitRanges.put({ metadata: { name: 'a', namespace: 'shop', resourceVersion: '1' } });
    store.resourceQuotas.put(below('shop', 'a', '1', { hard: { pods: '4' } }));
    expect(store.get('shop')).to.deep.include({ labels: {}, limitRanges: [], quotas: [], quotaByQos: false });
  });

  it('keeps little of 10,000 namespaces with 20 foreign labels each', () => {
    const before = heap();
    for (let i = 0; i < 10_000; i += 1) {
      const foreign = Array.from({ length: 20 }, (_, n) => `"team.example/label-${n}":"value-${i}-${n}"`);
      const text = `{"metadata":{"name":"namespace-${i}","resourceVersion":"${i + 1}","labels":{"kube-harden.io/mode":"enforce",${foreign.join(',')}}}}`;
      store.namespaces.put(JSON.parse(text) as ApiObject);
    }
    const kept = heap() - before;
    process.stdout.write(`    10,000 namespaces: ${Math.round(kept / 10_000)} bytes each\n`);
    expect(store.namespaces.size).to.equal(10_000);
    expect(Object.keys(store.get('namespace-7')?.labels ?? {})).to.deep.equal(['kube-harden.io/mode']);
    // The foreign labels alone would be some 1,500.
    if (global.gc) expect(kept / 10_000).to.be.lessThan(1_000);
  });
});

function heap(): number {
  global.gc?.();
  return process.memoryUsage().heapUsed;
}
