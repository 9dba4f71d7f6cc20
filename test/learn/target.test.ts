import { expect } from 'chai';
import {
  hardenedAlready,
  learnTargets,
  lostNodes,
  PODS_MAX,
  type RunningPod,
} from '../../src/learn/target.js';
import { FakeCluster } from '../scan/fakeCluster.js';

interface Given {
  readonly name?: string;
  readonly created?: string;
  readonly deleted?: boolean;
  readonly spec?: object;
  readonly status?: object;
}

function podOf({ name = 'web-0', created, deleted = false, spec, status }: Given = {}): RunningPod {
  return {
    metadata: {
      name,
      namespace: 'shop',
      creationTimestamp: created ?? '2026-01-01T00:00:00Z',
      ...(deleted && { deletionTimestamp: '2026-01-01T01:00:00Z' }),
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'registry.example/web:1' }], ...spec },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'app', state: { running: {} } }],
      ...status,
    },
  };
}

describe('learnTargets', () => {
  it('takes the running containers, sidecars too', () => {
    const initContainers = [
      { name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' },
      { name: 'migrate', image: 'registry.example/migrate:1' },
    ];
    const pod = podOf({
      spec: { initContainers },
      status: { initContainerStatuses: [{ name: 'proxy', state: { running: {} } }] },
    });
    const { containers, told } = learnTargets([pod], undefined);
    expect(containers.map(({ container }) => container.name)).to.deep.equal(['proxy', 'app']);
    expect(told).to.deep.equal([]);
  });

  const REFUSED: readonly [what: string, given: Given, said: RegExp][] = [
    ['a pending pod', { status: { phase: 'Pending' } }, /^pod web-0 is Pending: only a running program/],
    ['a pod without a status', { status: { phase: undefined } }, /^pod web-0 is not running yet/],
    ['a pod that has ended', { status: { phase: 'Succeeded' } }, /^pod web-0 is Succeeded/],
    ['a pod that goes', { deleted: true }, /^pod web-0 is being deleted/],
    ['a Windows pod', { spec: { os: { name: 'windows' } } }, /^pod web-0 is a Windows pod/],
    ['a pod on a lost node', { spec: { nodeName: 'lost' } }, /^pod web-0 is on a lost node \(lost\)/],
    ['a pod of which nothing is heard', { status: { phase: 'Unknown' } }, /^pod web-0 is on a lost node/],
    [
      'a container that waits',
      {
        status: { containerStatuses: [{ name: 'app', state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
      },
      /^container "app" of pod web-0 is waiting \(CrashLoopBackOff\)/,
    ],
    [
      'a container without a status',
      { status: { containerStatuses: null } },
      /^container "app" of pod web-0 is not running/,
    ],
  ];
  for (const [what, given, said] of REFUSED) {
    it(`says why ${what} cannot be looked at`, () => {
      const { containers, told } = learnTargets([podOf(given)], undefined, new Set(['lost']));
      expect(containers).to.deep.equal([]);
      expect(told.join('\n')).to.match(said);
    });
  }

  it('says which containers there are, and that an init container has ended', () => {
    const pod = podOf({
      spec: { initContainers: [{ name: 'migrate', image: 'registry.example/migrate:1' }] },
    });
    expect(learnTargets([pod], 'other').told).to.deep.equal([
      'pod web-0 has no container "other"; it has app',
    ]);
    expect(learnTargets([pod], 'migrate').told[0]).to.include('is an init container, and has ended');
  });

  it('looks at the youngest of many replicas', () => {
    const pods = Array.from({ length: PODS_MAX + 5 }, (_, index) =>
      podOf({ name: `web-${index}`, created: `2026-01-01T00:00:${String(index).padStart(2, '0')}Z` }),
    );
    const { containers, told } = learnTargets(pods, undefined);
    expect(containers.map(({ pod }) => pod.metadata?.name))
      .to.include('web-14')
      .and.not.include('web-4');
    expect(containers).to.have.length(PODS_MAX);
    expect(told).to.deep.equal(['10 of 15 running pods are looked at, the youngest']);
  });
});

describe('hardenedAlready', () => {
  it('says what is not seen of a container that is kept from it', () => {
    const securityContext = { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
    const spec = {
      securityContext: { runAsUser: 65532 },
      containers: [{ name: 'app', image: 'registry.example/web:1', securityContext }],
    };
    const { containers } = learnTargets([podOf({ spec })], undefined);
    expect(containers.flatMap(hardenedAlready).map((line) => line.split(': ')[1])).to.deep.equal([
      'where else it would write is not seen',
      'the uid that its image would choose is not seen',
      'which ones it would use is not seen',
    ]);
  });

  it('does not heed the annotation, which anybody can write', () => {
    const pod = podOf();
    const marked = {
      ...pod,
      metadata: { ...pod.metadata, annotations: { 'kube-harden.io/changed': 'runAsUser, capabilities' } },
    };
    expect(learnTargets([marked], undefined).containers.flatMap(hardenedAlready)).to.deep.equal([]);
  });
});

describe('lostNodes', () => {
  const node = (name: string, status: string): object => ({
    metadata: { name },
    status: { conditions: [{ type: 'Ready', status }] },
  });

  it('are those from which nothing has been heard', async () => {
    const nodes = [node('node-1', 'True'), node('silent', 'Unknown'), node('broken', 'False')];
    const api = new FakeCluster({ nodes: nodes as never[] });
    const pods = ['node-1', 'silent', 'broken', 'gone'].map((nodeName) => podOf({ spec: { nodeName } }));
    expect([...(await lostNodes(api, pods))]).to.deep.equal(['silent']);
  });

  it('are none where nodes may not be read', async () => {
    const api = new FakeCluster({}, () => true);
    expect([...(await lostNodes(api, [podOf()]))]).to.deep.equal([]);
  });
});
