import { expect } from 'chai';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import { PolicyStore } from '../../src/cluster/policyStore.js';

let version = 0;

/** A policy whose sshd rule has this action; `Wran` is none. */
function policy(name: string, generation: number, action: string, uid = `uid-${name}`): ApiObject {
  version += 1;
  return {
    apiVersion: 'kube-harden.io/v1alpha1',
    kind: 'HardeningPolicy',
    metadata: { name, uid, generation, resourceVersion: String(version) },
    spec: { rules: { sshd: { action } } },
  };
}

describe('PolicyStore', () => {
  let store: PolicyStore;
  let told: string[];
  beforeEach(() => {
    told = [];
    store = new PolicyStore({
      loaded: ({ name, generation, issues }) =>
        told.push(`${issues.length === 0 ? 'loaded' : 'rejected'} ${name} ${generation}`),
      seen: ({ name }) => told.push(`seen ${name}`),
      changed: () => told.push('changed'),
    });
  });
  const actionOf = (name: string): string | undefined => store.get(name)?.policy?.rules.sshd.action;

  it('loads a policy, and does not load a generation again for its status', () => {
    store.put(policy('a', 1, 'Warn'));
    store.put({ ...policy('a', 1, 'Warn'), status: { observedGeneration: 1 } });
    expect(told).to.deep.equal(['loaded a 1', 'seen a', 'changed', 'seen a']);
    expect(store.get('a')).to.deep.include({
      status: { observedGeneration: 1 },
      resourceVersion: String(version),
    });
    expect(actionOf('a')).to.equal('Warn');
  });

  it('has all errors of one that never loaded, and no policy', () => {
    const broken = policy('a', 1, 'Wran');
    store.put({ ...broken, spec: { rules: { sshd: { action: 'Wran' }, nope: {} }, templates: 'x' } });
    expect(store.get('a')?.policy).to.equal(undefined);
    expect(store.get('a')?.issues.map(({ path }) => path)).to.have.members([
      'spec.rules.sshd.action',
      'spec.rules.nope',
      'spec.templates',
    ]);
    expect(told).to.deep.equal(['rejected a 1', 'seen a', 'changed']);
  });

  it('keeps the last good one for broken generations, however many', () => {
    store.put(policy('a', 1, 'Deny'));
    store.put(policy('a', 2, 'Wran'));
    store.put(policy('a', 3, 'Dney'));
    expect(actionOf('a')).to.equal('Deny');
    expect(store.get('a')?.issues).to.have.length(1);
    store.put(policy('a', 4, 'Warn'));
    expect(actionOf('a')).to.equal('Warn');
    expect(store.get('a')?.issues).to.deep.equal([]);
  });

  it('one that was deleted and made anew under its name inherits nothing', () => {
    store.put(policy('a', 1, 'Deny', 'first'));
    const list = store.startReplacing();
    list.add(policy('a', 1, 'Wran', 'second'));
    list.commit('');
    expect(store.get('a')).to.include({ uid: 'second', policy: undefined });
    expect(store.get('a')?.issues).to.have.length(1);
    store.delete(policy('a', 1, 'Wran', 'second'));
    expect(store.size).to.equal(0);
  });

  it('a good one made anew at the same generation is another', () => {
    store.put(policy('a', 1, 'Deny', 'first'));
    store.put(policy('a', 1, 'Warn', 'second'));
    expect(actionOf('a')).to.equal('Warn');
  });

  it('tells of a whole list once, and of none where it is the same', () => {
    store.put(policy('gone', 1, 'Warn'));
    told = [];
    const replace = (...objects: ApiObject[]): void => {
      const list = store.startReplacing();
      for (const object of objects) list.add(object);
      list.commit('');
    };
    replace(policy('a', 1, 'Warn'), policy('b', 1, 'Deny'));
    expect(told.filter((line) => line === 'changed')).to.have.length(1);
    expect(store.all.map(({ name }) => name)).to.deep.equal(['a', 'b']);
    told = [];
    replace(policy('a', 1, 'Warn'), policy('b', 1, 'Deny'));
    expect(told).to.not.include('changed');
    replace(policy('a', 1, 'Warn'));
    expect(told.at(-1)).to.equal('changed');
  });

  it('does not forget to tell what a list brought that broke off', () => {
    store.startReplacing().add(policy('a', 1, 'Warn'));
    expect(told).to.not.include('changed');
    const again = store.startReplacing();
    again.add(policy('a', 1, 'Warn'));
    again.commit('');
    expect(told).to.include('changed');
  });

  it('names that a prototype has are names', () => {
    store.put(policy('constructor', 1, 'Warn'));
    expect(actionOf('constructor')).to.equal('Warn');
    expect(store.get('toString')).to.equal(undefined);
  });
});
