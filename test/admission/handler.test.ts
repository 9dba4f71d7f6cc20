import { expect } from 'chai';
import { Buffer } from 'node:buffer';
import type { KubernetesObject } from '../../src/admission/types.js';
import type { Plan } from '../../src/hardening/plan.js';
import type { Rule } from '../../src/hardening/rule.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import {
  handlerFor,
  patched,
  planOf,
  plansOf,
  pod,
  podTemplate,
  requestOf,
  responseOf,
  reviewOf,
  workload,
} from './support/reviews.js';

interface Status {
  readonly kind: string;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

const statusOf = ({ body }: { readonly body: string }): Status => JSON.parse(body) as Status;

function healthy(uid = 'healthy'): string {
  return reviewOf(requestOf(pod(), { uid }));
}

/** A review as text, the placeholder `"@"` in its object replaced by JSON that no value in memory could give. */
function reviewWith(object: KubernetesObject, json: string, given = {}): string {
  return reviewOf(requestOf(object, given)).replaceAll('"@"', json);
}

function nested(levels: number, kind: 'list' | 'object'): string {
  return kind === 'list'
    ? '['.repeat(levels) + ']'.repeat(levels)
    : '{"a":'.repeat(levels) + '0' + '}'.repeat(levels);
}

describe('admission handler: bad input', () => {
  const handler = handlerFor(plansOf());

  const bad: [what: string, body: string | Buffer, message: string][] = [
    ['empty', '', 'the body is empty'],
    ['not JSON', 'x', 'the body is not JSON'],
    ['truncated', healthy().slice(0, -2), 'the body is not JSON'],
    ['null', 'null', 'the body is null'],
    ['array', '[]', 'the body is a list'],
    ['scalar', '1', 'the body is 1'],
    ['not UTF-8', Buffer.from([0xff, 0xfe]), 'the body is not UTF-8'],
    ['no request', reviewOf(undefined), 'request: is missing'],
    ['no uid', reviewOf({ ...requestOf(pod()), uid: undefined }), 'request.uid: is missing'],
    ['no object', reviewOf({ ...requestOf(pod()), object: undefined }), 'request.object: is missing'],
    [
      'v1beta1',
      healthy().replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'),
      'use admission.k8s.io/v1',
    ],
    [
      'a field of the wrong type',
      reviewOf(requestOf(pod({ hostNetwork: 'yes' }))),
      'request.object: spec.hostNetwork: "yes" is not true or false',
    ],
  ];
  for (const [what, body, message] of bad) {
    it(`answers 400 with a Status to ${what}, and then a healthy request`, async () => {
      const answer = await handler.answer(body);
      expect(answer.status).to.equal(400);
      expect(statusOf(answer)).to.include({ kind: 'Status', code: 400, reason: 'BadRequest' });
      expect(statusOf(answer).message).to.contain(message);
      expect((await handler.answer(healthy())).status).to.equal(200);
    });
  }

  it('does not call bad input a failure of ours', () => expect(handler.failures).to.deep.equal([]));
});

describe('admission handler: depth', () => {
  const spec =
    'templates: Mutate\nrules: {scheduling: {action: Override, nodeSelector: {pool: a}, tolerations: [{key: t, operator: Exists}], nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [a]}]}]}}}, automountServiceAccountToken: {action: Override}, hostNamespaces: {action: Override}, hostPath: {action: Override}}';
  const handler = handlerFor(plansOf(spec));

  const foreign: [where: string, object: KubernetesObject][] = [
    ['the object', { ...pod(), deep: '@' }],
    ['metadata', pod({}, { managedFields: '@' })],
    ['spec', pod({ deep: '@' })],
    ['a container', pod({ containers: [{ name: 'a', image: 'a', lifecycle: '@', env: '@' }] })],
    ['a securityContext', pod({ securityContext: { deep: '@' } })],
    [
      "a container's securityContext",
      pod({ containers: [{ name: 'a', securityContext: { seLinuxOptions: '@' } }] }),
    ],
    ['resources', pod({ containers: [{ name: 'a', resources: { claims: '@' } }] })],
    ['a seccompProfile', pod({ securityContext: { seccompProfile: { type: 'Unconfined', deep: '@' } } })],
    ['capabilities', pod({ containers: [{ name: 'a', securityContext: { capabilities: { deep: '@' } } }] })],
    ['a volume', pod({ volumes: [{ name: 'v', csi: '@' }] })],
    [
      'a hostPath',
      pod({
        volumes: [{ name: 'v', hostPath: { path: '/', deep: '@' } }],
        containers: [{ name: 'a', volumeMounts: [{ name: 'v', mountPath: '/h' }] }],
      }),
    ],
    [
      'a token volume that is taken out',
      pod({
        volumes: [{ name: 'kube-api-access-x', projected: { sources: [{ serviceAccountToken: '@' }] } }],
        containers: [
          {
            name: 'a',
            volumeMounts: [
              {
                name: 'kube-api-access-x',
                mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
                deep: '@',
              },
            ],
          },
        ],
      }),
    ],
    [
      'a mount',
      pod({ containers: [{ name: 'a', volumeMounts: [{ name: 'v', mountPath: '/m', deep: '@' }] }] }),
    ],
    [
      'a port',
      pod({
        hostNetwork: true,
        containers: [{ name: 'a', ports: [{ containerPort: 80, hostPort: 80, deep: '@' }] }],
      }),
    ],
    ['affinity', pod({ affinity: { podAffinity: '@', nodeAffinity: { deep: '@' } } })],
    [
      'a nodeSelectorTerm',
      pod({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { deep: '@', matchExpressions: [{ key: 'k', operator: 'Exists', deep: '@' }] },
              ],
            },
          },
        },
      }),
    ],
    ['a toleration', pod({ tolerations: [{ key: 'a', deep: '@' }] })],
    [
      'an ownerReference',
      pod({}, { ownerReferences: [{ kind: 'ReplicaSet', controller: true, deep: '@' }] }),
    ],
    ['a template', workload('Deployment', { ...podTemplate(), deep: '@' })],
  ];
  for (const levels of [5_000, 100_000]) {
    for (const kind of ['list', 'object'] as const) {
      it(`gives a right answer where ${levels} levels of ${kind}s lie in fields that are not ours`, async () => {
        for (const [where, object] of foreign) {
          const answer = await handler.answer(reviewWith(object, nested(levels, kind)));
          expect(answer.status, `${where}: ${answer.body.slice(0, 300)}`).to.equal(200);
          expect(responseOf(answer).operations.length, where).to.be.above(0);
        }
      });
    }

    it(`gives a right answer to an UPDATE of a template with ${levels} levels`, async () => {
      const object = workload('Deployment', { ...podTemplate(), deep: '@' });
      const same = await handler.answer(
        reviewWith(object, nested(levels, 'object'), { operation: 'UPDATE', oldObject: object }),
      );
      expect(responseOf(same).operations).to.deep.equal([]);
      const oldObject = workload('Deployment', { ...podTemplate(), deep: 1 });
      const changed = await handler.answer(
        reviewWith(object, nested(levels, 'object'), { operation: 'UPDATE', oldObject }),
      );
      expect(responseOf(changed).operations.length).to.be.above(0);
    });

    const ours: [where: string, object: KubernetesObject][] = [
      ['labels', pod({}, { labels: { a: '@' } })],
      ['annotations', pod({}, { annotations: '@' })],
      ['generateName', pod({}, { generateName: '@' })],
      ['namespace', pod({}, { namespace: '@' })],
      ['hostNetwork', pod({ hostNetwork: '@' })],
      ['containers', pod({ containers: '@' })],
      ['command', pod({ containers: [{ name: 'a', command: ['@'] }] })],
      ['a name', pod({ containers: [{ name: '@' }] })],
      ['runAsUser', pod({ securityContext: { runAsUser: '@' } })],
      ['a quantity', pod({ containers: [{ name: 'a', resources: { limits: { cpu: '@' } } }] })],
      [
        'a drop list',
        pod({ containers: [{ name: 'a', securityContext: { capabilities: { drop: ['@'] } } }] }),
      ],
      ['a toleration', pod({ tolerations: [{ key: '@' }] })],
      [
        'values of an expression',
        pod({
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', values: ['@'] }] }],
              },
            },
          },
        }),
      ],
      ['nodeSelector', pod({ nodeSelector: { pool: '@' } })],
      ['sysctls', pod({ securityContext: { sysctls: [{ name: '@' }] } })],
      ["a template's label", workload('Deployment', { ...podTemplate(), metadata: { labels: { a: '@' } } })],
    ];
    it(`answers 400 where ${levels} levels lie in our own fields`, async () => {
      for (const [where, object] of ours) {
        for (const kind of ['list', 'object'] as const) {
          const answer = await handler.answer(
            reviewWith(object, nested(levels, kind), { namespace: 'shop' }),
          );
          expect(answer.status, `${where}: ${answer.body.slice(0, 300)}`).to.equal(400);
          expect(statusOf(answer).message).to.match(/^request\.object: .{1,300}$/);
        }
      }
    });

    it(`answers 400 where ${levels} levels are the review, or a part of its frame`, async () => {
      const deep = nested(levels, 'object');
      const bodies = [
        deep,
        nested(levels, 'list'),
        ...['uid', 'kind', 'operation', 'namespace', 'name', 'subResource', 'object', 'oldObject'].map(
          (field) =>
            reviewWith(pod(), field === 'object' || field === 'oldObject' ? nested(levels, 'list') : deep, {
              operation: 'UPDATE',
              oldObject: pod(),
              [field]: '@',
            }),
        ),
      ];
      for (const body of bodies) expect((await handler.answer(body)).status).to.equal(400);
      for (const field of ['userInfo', 'options', 'dryRun', 'requestKind'])
        expect((await handler.answer(reviewWith(pod(), deep, { [field]: '@' }))).status, field).to.equal(200);
    });
  }

  it('is still well', async () => {
    expect((await handler.answer(healthy())).status).to.equal(200);
    expect(handler.failures).to.deep.equal([]);
  });
});

describe('admission handler: keys and values that are only data', () => {
  const handler = handlerFor(plansOf('templates: Mutate'));
  const prototypes = JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort());
  const EVIL = '{"privileged":true,"hostNetwork":true,"polluted":1,"controller":true,"runAsUser":0}';

  for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
    it(`takes ${key} as a key anywhere, and the patch applies`, async () => {
      const plain = responseOf(await handler.answer(healthy())).operations;
      // Into every object of the review, the frame included.
      const body = healthy().replaceAll('{"', `{"${key}":${EVIL},"`);
      const answer = await handler.answer(body);
      expect(answer.status, answer.body).to.equal(200);
      const { operations } = responseOf(answer);
      expect(operations).to.deep.equal(plain);
      const { request } = JSON.parse(body) as { request: { object: KubernetesObject } };
      const result = patched(request.object, operations);
      expect(Object.hasOwn(result.spec as object, key)).to.equal(true);
    });

    it(`takes ${key} for a label, an annotation, a resource and a name`, async () => {
      const map = `{"${key}":"1"}`;
      const object = pod(
        {
          containers: [{ name: key, image: key, resources: { limits: '@', requests: '@' } }],
          nodeSelector: '@',
        },
        { name: key, labels: '@', annotations: '@' },
      );
      const body = reviewWith(object, map);
      const answer = await handler.answer(body);
      expect(answer.status, answer.body).to.equal(200);
      const { request } = JSON.parse(body) as { request: { object: KubernetesObject } };
      const result = patched(request.object, responseOf(answer).operations);
      expect(Object.hasOwn(result.metadata?.annotations ?? {}, key)).to.equal(true);
      expect(Object.hasOwn(result.metadata?.annotations ?? {}, 'kube-harden.io/changed')).to.equal(true);
    });
  }

  it('has changed no prototype', () => {
    expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort())).to.equal(prototypes);
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });

  it('does not touch integers past 2^53 elsewhere in the object', async () => {
    const object = pod(
      { activeDeadlineSeconds: '@', tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: '@' }] },
      { generation: '@' },
    );
    const answer = await handler.answer(reviewWith(object, '9223372036854775807'));
    expect(answer.status).to.equal(200);
    const { operations } = responseOf(answer);
    expect(operations.length).to.be.above(0);
    expect(JSON.stringify(operations)).to.not.contain('922337203685477');
    for (const { path } of operations) {
      expect(path).to.not.match(/^\/spec$|^\/metadata$|activeDeadline|generation|tolerations/);
    }
  });

  it('escapes / and ~ in the pointers of its patch', async () => {
    const override = handlerFor(
      plansOf(
        'rules: {seccompProfile: {action: Override}, scheduling: {action: Override, nodeSelector: {"example.com/pool": a}}}',
      ),
    );
    const annotations = { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined', 'a/b~c': 'd' };
    const object = pod(
      { nodeSelector: { 'example.com/pool': 'b', 'x~y/z': 'q' } },
      { annotations, labels: { 'a/b~1': 'x' } },
    );
    const { operations } = responseOf(await override.answer(reviewOf(requestOf(object))));
    const paths = operations.map(({ path }) => path);
    expect(paths).to.include.members([
      '/metadata/annotations/kube-harden.io~1changed',
      '/spec/nodeSelector/example.com~1pool',
      '/metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod',
    ]);
    const result = patched(object, operations);
    expect(result.metadata?.annotations).to.have.all.keys('a/b~c', 'kube-harden.io/changed');
    expect(result.spec).to.deep.include({ nodeSelector: { 'example.com/pool': 'a', 'x~y/z': 'q' } });
  });

  it('takes names, labels and images in any script, lone surrogates too', async () => {
    const object = pod(
      { containers: [{ name: 'ü\u2028𝒳', image: '名前:最新' }] },
      { labels: { 'ключ/~': '\ud800' } },
    );
    const answer = await handler.answer(reviewOf(requestOf(object, { uid: '\ud800' })));
    expect(answer.status).to.equal(200);
    expect(responseOf(answer).uid).to.equal('\ud800');
    expect(Buffer.from(answer.body).toString()).to.equal(answer.body);
  });
});

describe('admission handler: responses', () => {
  it('patch and patchType come together or not at all', async () => {
    const handler = handlerFor(plansOf());
    const first = responseOf(await handler.answer(healthy('u1')));
    expect(first).to.include({ uid: 'u1', allowed: true, patchType: 'JSONPatch' });
    const object = patched(pod(), first.operations);
    const second = responseOf(await handler.answer(reviewOf(requestOf(object, { uid: 'u2' }))));
    expect(second).to.include({ uid: 'u2', allowed: true });
    expect(second).to.not.have.any.keys('patch', 'patchType', 'warnings', 'status');
  });

  it('audit annotations name policy, mode and rules in catalogue order', async () => {
    const handler = handlerFor(plansOf());
    const object = pod({ hostPID: true, containers: [{ name: 'a', securityContext: { privileged: true } }] });
    const { auditAnnotations } = responseOf(await handler.answer(reviewOf(requestOf(object))));
    expect(auditAnnotations).to.have.all.keys('policy', 'mode', 'changed', 'skipped', 'violated');
    expect(auditAnnotations).to.include({
      policy: 'default',
      mode: 'enforce',
      violated: 'privileged,hostNamespaces',
    });
    expect(auditAnnotations?.['changed']).to.equal('resources');
    expect(auditAnnotations?.['skipped']).to.match(/^runAsNonRoot,runAsUser,capabilities,/);
  });

  const changed: [
    what: string,
    spec: string,
    labels: Record<string, string>,
    object: KubernetesObject,
    names: boolean,
  ][] = [
    ['what was changed', '', { mode: 'enforce' }, pod(), true],
    ['what enforce would change, in audit mode', '', { mode: 'audit' }, pod(), true],
    [
      'nothing for a template that is only warned about',
      '',
      { mode: 'enforce' },
      workload('Deployment'),
      false,
    ],
    [
      'nothing for a refused object',
      'rules: {hostNamespaces: {action: Deny}}',
      { mode: 'enforce' },
      pod({ hostPID: true }),
      false,
    ],
  ];
  for (const [what, spec, labels, object, names] of changed) {
    it(`the audit annotation changed lists ${what}`, async () => {
      const answer = await handlerFor(plansOf(spec, labels)).answer(reviewOf(requestOf(object)));
      expect(responseOf(answer).auditAnnotations?.['changed'] !== '').to.equal(names);
    });
  }

  it('the audit annotation changed is not read from the object', async () => {
    const object = pod({}, { annotations: { 'kube-harden.io/changed': 'sshd, forged' } });
    const { auditAnnotations } = responseOf(await handlerFor(plansOf()).answer(reviewOf(requestOf(object))));
    expect(auditAnnotations?.['changed']).to.not.match(/sshd|forged/);
  });

  it('a refusal is 403 Forbidden in a response of 200, without a patch', async () => {
    const handler = handlerFor(plansOf('rules: {hostNamespaces: {action: Deny}}'));
    const answer = await handler.answer(reviewOf(requestOf(pod({ hostPID: true }))));
    expect(answer.status).to.equal(200);
    const response = responseOf(answer);
    expect(response).to.include({ allowed: false }).and.not.have.any.keys('patch', 'patchType');
    expect(response.status).to.include({ code: 403, reason: 'Forbidden' });
    expect(response.status?.message).to.contain('spec.hostPID is true');
  });

  for (const [what, request] of Object.entries({
    'another kind': requestOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }),
    'a DELETE': requestOf(pod(), { operation: 'DELETE', object: null, oldObject: pod() }),
    'a system namespace': requestOf(pod(), { namespace: 'kube-system' }),
  })) {
    it(`${what} is allowed with nothing but its uid`, async () => {
      const answer = await handlerFor(plansOf()).answer(reviewOf(request));
      const review = JSON.parse(answer.body) as { response: object };
      expect(review.response).to.deep.equal({ uid: request.uid, allowed: true });
    });
  }

  it('goes by the namespace of the request, then of the object, then default', async () => {
    const asked: string[] = [];
    const handler = handlerFor({ planFor: (name) => (asked.push(name), planOf()) });
    await handler.answer(reviewOf(requestOf(pod({}, { namespace: 'object' }), { namespace: 'request' })));
    await handler.answer(reviewOf(requestOf(pod({}, { namespace: 'object' }), { namespace: '' })));
    await handler.answer(reviewOf(requestOf(pod({}, { namespace: null }), { namespace: undefined })));
    const odd = requestOf(pod(), { namespace: '' });
    await handler.answer(reviewOf({ ...odd, object: { ...odd.object, metadata: { namespace: { a: 1 } } } }));
    await handler.answer(reviewOf({ ...odd, object: { ...odd.object, metadata: 'x' } }));
    expect(asked).to.deep.equal(['request', 'object', 'default', 'default', 'default']);
  });

  it('tells its observer of the decision and of how long it took', async () => {
    const handler = handlerFor(plansOf());
    await handler.answer(healthy());
    expect(handler.decisions.map(({ outcome }) => outcome)).to.deep.equal(['patched']);
  });
});

describe('admission handler: failures', () => {
  it('a rule that throws fails that request alone with 500, and the observer has the stack', async () => {
    const sound = planOf();
    const broken: Rule = {
      ...(sound.byId.seccompProfile?.rule as Rule),
      apply: () => {
        throw new TypeError('a defect');
      },
    };
    const rules = sound.rules.map((entry) =>
      entry.rule.id === 'seccompProfile' ? { ...entry, rule: broken } : entry,
    );
    const plans: Plan[] = [{ ...sound, rules }, sound];
    const handler = handlerFor({ planFor: () => plans.shift() ?? sound });
    const answer = await handler.answer(healthy('broken'));
    expect(answer.status).to.equal(500);
    expect(statusOf(answer)).to.include({ kind: 'Status', code: 500, reason: 'InternalError' });
    expect(statusOf(answer).message).to.contain('rule seccompProfile failed: a defect');
    expect(handler.failures).to.have.length(1);
    expect(handler.failures[0]).to.include({ uid: 'broken' });
    expect(handler.failures[0]?.error).to.include({ rule: 'seccompProfile' });
    expect((handler.failures[0]?.error as Error).cause).to.be.instanceOf(TypeError);
    expect((await handler.answer(healthy())).status).to.equal(200);
  });

  it('a namespace that is not in the file fails with 500, never an unhardened pod', async () => {
    const handler = handlerFor(plansOf());
    const answer = await handler.answer(reviewOf(requestOf(pod(), { namespace: 'nowhere' })));
    expect(answer.status).to.equal(500);
    expect(statusOf(answer).message).to.equal('namespace "nowhere" is not in the namespaces file');
    expect(handler.failures[0]?.error).to.be.instanceOf(PlanUnavailableError);
  });

  it('waits for a plan that is not cached yet', async () => {
    const handler = handlerFor({ planFor: () => Promise.resolve(planOf()) });
    const answer = handler.answer(healthy());
    expect(answer).to.be.instanceOf(Promise);
    expect(responseOf(await answer).operations.length).to.be.above(0);
  });

  for (const [what, error, status] of [
    ['cannot be had', new PlanUnavailableError('the lookup timed out'), 500],
    ['fails in another way', new Error('a defect'), 500],
  ] as const) {
    it(`answers ${status} where the plan ${what}, at once or later`, async () => {
      for (const planFor of [
        () => Promise.reject(error),
        () => {
          throw error;
        },
      ]) {
        const handler = handlerFor({ planFor });
        const answer = await handler.answer(healthy('u'));
        expect(answer.status).to.equal(status);
        expect(statusOf(answer).message).to.contain(error.message);
        expect(handler.failures).to.deep.equal([{ error, uid: 'u' }]);
      }
    });
  }

  it('answers 400 to a bad object too where the plan came later', async () => {
    const handler = handlerFor({ planFor: () => Promise.resolve(planOf()) });
    const answer = await handler.answer(reviewOf(requestOf(pod({ hostPID: 1 }))));
    expect(answer.status).to.equal(400);
    expect(handler.failures).to.deep.equal([]);
  });

  it('gives a good answer even where it cannot be written down', async () => {
    const { createAdmissionHandler } = await import('../../src/admission/handler.js');
    const failures: unknown[] = [];
    const handler = createAdmissionHandler({
      plans: plansOf(),
      observer: {
        decided: () => {
          throw new Error('the log is full');
        },
        failed: (error) => void failures.push(error),
      },
    });
    const { status, sent } = await handler(Buffer.from(healthy()), 'any');
    expect(status).to.equal(200);
    expect(failures).to.deep.equal([]);
    sent?.();
    expect(failures).to.have.length(1);
  });
});
