import { expect } from 'chai';
import { InvalidObjectError } from '../../src/admission/invalidObjectError.js';
import { CONTAINERS_MAX, scopeOf } from '../../src/admission/scope.js';
import type { AdmissionRequest, KubernetesObject } from '../../src/admission/types.js';
import { pod, podTemplate, requestOf, workload } from './support/reviews.js';

const TEMPLATES = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'CronJob',
  'PodTemplate',
];
const CONTROLLED = {
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true }],
};
const MIRROR = { annotations: { 'kubernetes.io/config.mirror': 'abc' } };
const KUBELET = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
const JANE = { username: 'jane', groups: ['system:authenticated'] };

/** Why it is out of scope, or in which scope it is hardened. */
function scope(object: KubernetesObject, given: Partial<AdmissionRequest> = {}): string {
  const found = scopeOf(requestOf(object, given));
  return 'because' in found ? found.because : found.input.scope;
}

function changedTemplate(kind: string): Partial<AdmissionRequest> {
  return { operation: 'UPDATE', oldObject: workload(kind, podTemplate({ nodeName: 'other' })) };
}

describe('scope: pods', () => {
  it('are hardened when they are created', () => expect(scope(pod())).to.equal('pod'));

  for (const operation of ['UPDATE', 'DELETE', 'CONNECT', 'create', '']) {
    it(`are left alone on ${operation || 'no operation'}`, () => {
      const because =
        operation === 'UPDATE' ? 'a Pod is hardened when it is created' : `operation ${operation}`;
      expect(scope(pod(), { operation, oldObject: pod() })).to.equal(because);
    });
  }

  for (const subResource of ['status', 'binding', 'resize', 'eviction', 'exec', 'constructor']) {
    it(`are left alone on their subresource ${subResource}`, () => {
      expect(scope(pod(), { operation: 'UPDATE', oldObject: pod(), subResource })).to.equal(
        `subresource ${subResource}`,
      );
    });
  }

  it('are hardened with a controlling owner too, and then are not bare', () => {
    const found = scopeOf(requestOf(pod({}, CONTROLLED)));
    expect(found).to.nested.include({ 'input.scope': 'pod', 'input.bare': false });
    expect(scopeOf(requestOf(pod()))).to.nested.include({ 'input.bare': true });
    const owned = { ownerReferences: [{ kind: 'ConfigMap', name: 'x', controller: false }, { kind: 'X' }] };
    expect(scopeOf(requestOf(pod({}, owned)))).to.nested.include({ 'input.bare': true });
  });

  const daemonSet = { ownerReferences: [{ kind: 'DaemonSet', name: 'ds', controller: true }] };
  const users: [who: string, userInfo: AdmissionRequest['userInfo'], trusted: boolean][] = [
    [
      'the daemon set controller',
      { username: 'system:serviceaccount:kube-system:daemon-set-controller' },
      true,
    ],
    ['the controller manager', { username: 'system:kube-controller-manager', groups: [] }, true],
    ['a kubelet', KUBELET, true],
    ['a cluster admin', { username: 'admin', groups: ['system:masters'] }, true],
    ['nobody, as in the preview', undefined, true],
    ['a user', JANE, false],
    ['an anonymous user', { username: 'system:anonymous', groups: ['system:unauthenticated'] }, false],
    ['a user without groups', { username: 'jane' }, false],
    ['groups without a user', { groups: ['system:authenticated'] }, false],
    ['a service account elsewhere', { username: 'system:serviceaccount:shop:daemon-set-controller' }, false],
    ['a namespace that begins alike', { username: 'system:serviceaccount:kube-system-2:x' }, false],
    ['a user who is called like a group', { username: 'system:nodes' }, false],
  ];
  for (const [who, userInfo, trusted] of users) {
    it(`of a DaemonSet are ${trusted ? '' : 'not '}believed to be so from ${who}`, () => {
      const found = scopeOf(requestOf(pod({}, daemonSet), { userInfo }));
      expect(found).to.nested.include({ 'input.daemonSet': trusted, 'input.scope': 'pod' });
    });
    // A controller copies the annotations of a template, which its author wrote.
    const mirror = trusted && !who.includes('controller');
    it(`that say they are mirror pods are ${mirror ? 'left alone' : 'hardened'} from ${who}`, () => {
      expect(scope(pod({}, MIRROR), { userInfo })).to.equal(mirror ? 'a mirror pod' : 'pod');
    });
  }

  it('are mirror pods with an empty annotation too, and not by the name of a prototype', () => {
    const empty = { annotations: { 'kubernetes.io/config.mirror': '' } };
    expect(scope(pod({}, empty), { userInfo: KUBELET })).to.equal('a mirror pod');
    expect(scope(pod({}, { annotations: null }), { userInfo: KUBELET })).to.equal('pod');
  });

  it('without a spec are no pods', () => {
    expect(scope({ apiVersion: 'v1', kind: 'Pod' })).to.equal('Pod without a pod spec');
    expect(scope({ apiVersion: 'v1', kind: 'Pod', spec: [] })).to.equal('Pod without a pod spec');
  });
});

describe('scope: ephemeral containers', () => {
  const debug = { name: 'debug', image: 'busybox' };
  const update = (before: object[], after: object[], more: Partial<AdmissionRequest> = {}) =>
    scopeOf(
      requestOf(pod({ ephemeralContainers: after }), {
        operation: 'UPDATE',
        subResource: 'ephemeralcontainers',
        oldObject: pod({ ephemeralContainers: before }),
        ...more,
      }),
    );

  it('are hardened where the request adds them, and only those', () => {
    const found = update([{ name: 'old' }], [{ name: 'old' }, debug, { name: 'two' }]);
    expect(found).to.nested.include({ 'input.scope': 'ephemeralContainers', 'input.bare': false });
    expect('input' in found && [...(found.input.addedEphemeral ?? [])]).to.deep.equal([1, 2]);
  });

  it('are told apart by name, not by place', () => {
    const found = update([{ name: 'b' }], [debug, { name: 'b' }]);
    expect('input' in found && [...(found.input.addedEphemeral ?? [])]).to.deep.equal([0]);
  });

  it('are left alone where none is added', () => {
    expect(update([debug], [debug])).to.deep.equal({ because: 'no ephemeral container is added' });
    expect(update([], [])).to.deep.equal({ because: 'no ephemeral container is added' });
  });

  it('are all new where the old pod had none at all', () => {
    const found = update([], [debug], { oldObject: pod({ ephemeralContainers: null }) });
    expect('input' in found && [...(found.input.addedEphemeral ?? [])]).to.deep.equal([0]);
  });

  it('of a mirror pod are left alone for a node, hardened for a user', () => {
    const of = (userInfo: AdmissionRequest['userInfo']): string =>
      scope(pod({ ephemeralContainers: [debug] }, MIRROR), {
        operation: 'UPDATE',
        subResource: 'ephemeralcontainers',
        oldObject: pod(),
        userInfo,
      });
    expect(of(KUBELET)).to.equal('a mirror pod');
    expect(of(JANE)).to.equal('ephemeralContainers');
  });
});

describe('scope: templates', () => {
  for (const kind of [...TEMPLATES, 'Job']) {
    it(`${kind}: hardened when it is created`, () => {
      const found = scopeOf(requestOf(workload(kind)));
      expect(found).to.nested.include({
        'input.scope': 'template',
        'input.bare': false,
        'input.daemonSet': kind === 'DaemonSet',
      });
    });

    it(`${kind}: left alone where a controller owns it`, () => {
      for (const operation of ['CREATE', 'UPDATE']) {
        const given = {
          operation,
          oldObject: workload(kind, podTemplate({ nodeName: 'other' }), CONTROLLED),
        };
        expect(scope(workload(kind, podTemplate(), CONTROLLED), given)).to.equal(
          `a ${kind} that a controller owns`,
        );
      }
    });

    it(`${kind}: hardened where an owner does not control it`, () => {
      const owned = { ownerReferences: [{ kind: 'App', name: 'x', controller: false }] };
      expect(scope(workload(kind, podTemplate(), owned))).to.equal('template');
    });

    it(`${kind}: left alone when it is deleted, and on its status and scale`, () => {
      expect(
        scope(workload(kind), { operation: 'DELETE', object: null, oldObject: workload(kind) }),
      ).to.equal('operation DELETE');
      for (const subResource of ['status', 'scale']) {
        const given = { ...changedTemplate(kind), subResource };
        expect(scope(workload(kind), given)).to.equal(`subresource ${subResource}`);
      }
    });
  }

  for (const kind of TEMPLATES) {
    it(`${kind}: hardened on UPDATE where the template has changed`, () => {
      expect(scope(workload(kind), changedTemplate(kind))).to.equal('template');
    });

    it(`${kind}: left alone on UPDATE where the template has not, whatever else has and in whatever order`, () => {
      const reordered = {
        spec: { containers: [{ image: 'web:1', name: 'web' }] },
        metadata: { labels: { app: 'web' } },
      };
      const oldObject = workload(kind, reordered, { labels: { version: 'old' }, generation: 7 });
      expect(scope(workload(kind), { operation: 'UPDATE', oldObject })).to.equal(
        'the pod template is unchanged',
      );
    });

    it(`${kind}: hardened on UPDATE where only the template's metadata has changed`, () => {
      const restarted = {
        ...podTemplate(),
        metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } },
      };
      const given = { operation: 'UPDATE', oldObject: workload(kind) };
      expect(scope(workload(kind, restarted), given)).to.equal('template');
    });
  }

  it('Job: left alone on UPDATE, changed or not', () => {
    for (const oldObject of [workload('Job'), workload('Job', podTemplate({ nodeName: 'other' }))]) {
      expect(scope(workload('Job'), { operation: 'UPDATE', oldObject })).to.equal(
        "a Job's template is immutable",
      );
    }
  });

  it('an old object without a template counts as changed', () => {
    const oldObject = { apiVersion: 'apps/v1', kind: 'Deployment', spec: {} };
    expect(scope(workload('Deployment'), { operation: 'UPDATE', oldObject })).to.equal('template');
  });

  it('a StatefulSet tells the names of its volume claims', () => {
    const statefulSet = workload('StatefulSet');
    statefulSet.spec = {
      ...(statefulSet.spec as object),
      volumeClaimTemplates: [{ metadata: { name: 'data' } }, {}, null, { metadata: { name: 7 } }],
    };
    const found = scopeOf(requestOf(statefulSet));
    expect('input' in found && found.input.reservedVolumeNames).to.deep.equal(['data']);
  });

  it('a workload without a template has nothing to harden', () => {
    for (const template of [undefined, null, 'x', [], {}]) {
      const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: {}, spec: { template } };
      expect(scope(deployment)).to.equal('Deployment without a pod spec');
    }
  });
});

describe('scope: other kinds', () => {
  const others: [what: string, apiVersion: string, kind: string][] = [
    ["knative's Service, which embeds a pod spec", 'serving.knative.dev/v1', 'Service'],
    ['a Service', 'v1', 'Service'],
    ['a Deployment of another group', 'example.com/v1', 'Deployment'],
    ['a Pod of another group', 'metrics.k8s.io/v1beta1', 'Pod'],
    ['a Job of the wrong group', 'apps/v1', 'Job'],
    ['a Scale', 'autoscaling/v1', 'Scale'],
    ['an Eviction', 'policy/v1', 'Eviction'],
    ['a kind named like a prototype property', 'v1', 'constructor'],
    ['a kind of nothing', 'v1', ''],
  ];
  for (const [what, apiVersion, kind] of others) {
    it(`leaves alone ${what}`, () => {
      const object = { ...workload('Deployment'), apiVersion, kind };
      expect(scope(object)).to.match(/ (is no workload|without a pod spec)$/);
    });
  }

  it('goes by what the request says, not by what the object says of itself', () => {
    const request = requestOf(pod(), { object: { ...pod(), kind: 'ConfigMap' } });
    expect('input' in scopeOf(request)).to.equal(true);
  });

  it('does not judge the fields of what it leaves alone', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: 7, spec: { containers: 'x' } };
    expect(scope(service as unknown as KubernetesObject)).to.equal('kind Service is no workload');
  });
});

describe('scope: fields of the wrong type', () => {
  const wrong: [what: string, object: KubernetesObject, message: string][] = [
    ['containers', pod({ containers: {} }), 'spec.containers: an object is not a list'],
    ['a container', pod({ containers: [7] }), 'spec.containers[0]: 7 is not an object'],
    [
      'a quantity',
      pod({ containers: [{ resources: { limits: { memory: '12Q' } } }] }),
      '"12Q" is not a quantity',
    ],
    [
      'metadata',
      { ...pod(), metadata: 'x' } as unknown as KubernetesObject,
      'metadata: "x" is not an object',
    ],
    ['labels', pod({}, { labels: ['a'] }), 'metadata.labels: a list is not an object'],
    ['an annotation', pod({}, { annotations: { a: 1 } }), 'metadata.annotations.a: 1 is not a string'],
    ['a namespace', pod({}, { namespace: 5 }), 'metadata.namespace: 5 is not a string'],
    ['a generateName', pod({}, { generateName: [[]] }), 'metadata.generateName: a list is not a string'],
    ['owners', pod({}, { ownerReferences: {} }), 'metadata.ownerReferences: an object is not a list'],
    [
      'a template',
      workload('CronJob', podTemplate({ hostNetwork: 'yes' })),
      'spec.jobTemplate.spec.template.spec.hostNetwork: "yes" is not true or false',
    ],
    [
      "a workload's own metadata",
      workload('Deployment', podTemplate(), { annotations: [] }),
      'metadata.annotations: a list is not an object',
    ],
  ];
  for (const [what, object, message] of wrong) {
    it(`names ${what}`, () => expect(() => scopeOf(requestOf(object))).to.throw(InvalidObjectError, message));
  }

  it('names all of them, each once', () => {
    const object = pod({ hostPID: 1, nodeSelector: { a: 1 } }, { labels: { a: 1 } });
    expect(() => scopeOf(requestOf(object)))
      .to.throw(InvalidObjectError)
      .with.property('message')
      .that.satisfies((message: string) => message.split('; ').length === 3);
  });

  it('names the first of very many', () => {
    const object = pod({ volumes: Array.from({ length: 300_000 }, () => 7) });
    expect(() => scopeOf(requestOf(object))).to.throw(
      InvalidObjectError,
      /volumes\[19\]: 7 .*; and at least 980 more$/,
    );
  });

  it('names a list of more containers than any cluster can hold, and does not look at them', () => {
    const many = (count: number): object[] =>
      Array.from({ length: count }, () => ({ name: 'a', image: 'a' }));
    const within = pod({ containers: many(CONTAINERS_MAX), initContainers: many(CONTAINERS_MAX) });
    expect(scope(within)).to.equal('pod');
    for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
      const object = workload('Deployment', podTemplate({ [list]: [...many(CONTAINERS_MAX), 7] }));
      expect(() => scopeOf(requestOf(object))).to.throw(
        InvalidObjectError,
        `spec.template.spec.${list}: 10001 are more than a pod has room for; at most 10000 are looked at`,
      );
    }
  });
});
