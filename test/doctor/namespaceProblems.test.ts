import { expect } from 'chai';
import type { KubernetesObject } from '../../src/admission/types.js';
import type { ApiObject } from '../../src/cluster/apiClient.js';
import type { NamespaceFacts } from '../../src/doctor/gather.js';
import { NamespaceEvents } from '../../src/doctor/gatherEvents.js';
import { namespaceProblems } from '../../src/doctor/namespaceProblems.js';
import { webhookProblems } from '../../src/doctor/namespaceProblemsOfWebhook.js';
import type { ReportedDiagnosis } from '../../src/doctor/report.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { loadPolicyObject } from '../../src/policy/load.js';
import { emptyFacts } from '../../src/policy/planChoices.js';
import { PlanBook } from '../../src/policy/planBook.js';
import { FakeCluster, listed, podSpec, templated } from '../scan/fakeCluster.js';

const NOW = Date.parse('2026-11-26T05:00:00Z');
const NAMES = ['baseline', 'default', 'restricted'];

/** The facts of a namespace with these labels, under policies of which `strict` forbids an opt-out. */
function factsOf(labels: Readonly<Record<string, string>>, planProblem?: string): NamespaceFacts {
  const strict = loadPolicyObject({
    apiVersion: 'kube-harden.io/v1alpha1',
    kind: 'HardeningPolicy',
    metadata: { name: 'strict' },
    spec: {
      rules: {
        runAsUser: { action: 'Default', value: 65532, optOut: 'Forbidden' },
        privileged: { action: 'Deny' },
      },
    },
  });
  const book = new PlanBook([...BUILTIN_POLICIES, strict], () => NOW);
  const plan = planProblem === undefined ? book.planFor({ ...emptyFacts('shop'), labels }) : undefined;
  return { name: 'shop', labels, plan, planProblem, isThere: true };
}

async function problemsOf(
  facts: NamespaceFacts,
  events: readonly ApiObject[] = [],
  object: KubernetesObject | 'gone' | undefined = replicaSet(),
): Promise<ReportedDiagnosis[]> {
  return namespaceProblems({
    facts,
    policies: [...NAMES, 'strict'],
    events: await NamespaceEvents.read(new FakeCluster({ events }), 'shop'),
    owners: undefined,
    read: () => Promise.resolve(object),
    now: NOW,
  });
}

function replicaSet(container: object = {}, status: object = { replicas: 0 }): KubernetesObject {
  const { metadata, spec } = listed('ReplicaSet', 'web-5d4', templated(1, podSpec(container)));
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { ...metadata, ownerReferences: [owner] },
    spec,
    status,
  };
}

function failed(message: string, more: object = {}): ApiObject {
  return {
    metadata: { name: `event-${message.length}`, namespace: 'shop' },
    involvedObject: {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      namespace: 'shop',
      name: 'web-5d4',
      uid: 'u',
    },
    type: 'Warning',
    reason: 'FailedCreate',
    message: `Error creating: ${message}`,
    count: 3,
    lastTimestamp: '2026-11-26T04:59:00Z',
    ...more,
  };
}

describe('what is wrong in a namespace', () => {
  describe('labels', () => {
    const ENFORCE = { 'kube-harden.io/mode': 'enforce' };
    const TABLE: readonly (readonly [
      labels: Readonly<Record<string, string>>,
      signature: string,
      paste: string,
    ])[] = [
      [{ 'kube-harden.io/mode': 'Enforce' }, 'modeUnknown', 'kube-harden.io/mode=enforce'],
      [{ 'kube-harden.io/mode': 'on' }, 'modeUnknown', 'kube-harden.io/mode=enforce'],
      [{ 'kube-harden.io/mode': 'disable' }, 'modeUnknown', 'kube-harden.io/mode=disabled'],
      [{ 'kube-harden.io/policy': 'restrictd' }, 'policyUnknown', 'kube-harden.io/policy=restricted'],
      [{ 'kube-harden.io/policy': 'x' }, 'policyUnknown', 'kube-harden.io/policy=default'],
      [
        { 'kube-harden.io/runAsuser': 'disabled' },
        'labelNameUnknown',
        'kube-harden.io/runAsuser- kube-harden.io/runAsUser=disabled',
      ],
      [{ 'kube-harden.io/zzz': 'disabled' }, 'labelNameUnknown', 'kube-harden.io/zzz-'],
      [{ 'kube-harden.io/runAsUser': 'disable' }, 'labelValueUnknown', 'kube-harden.io/runAsUser=disabled'],
      [{ 'kube-harden.io/runAsUser': 'off' }, 'labelValueUnknown', 'kube-harden.io/runAsUser-'],
      [
        { ...ENFORCE, 'kube-harden.io/policy': 'strict', 'kube-harden.io/runAsUser': 'disabled' },
        'optOutForbidden',
        'kube-harden.io/runAsUser-',
      ],
      [
        { 'kube-hardn.io/mode': 'enforce' },
        'labelDomainUnknown',
        'kube-hardn.io/mode- kube-harden.io/mode=enforce',
      ],
    ];
    for (const [labels, signature, words] of TABLE) {
      it(`${JSON.stringify(labels)}: ${signature}`, async () => {
        const [found, ...others] = await problemsOf(factsOf(labels));
        expect(others).to.deep.equal([]);
        expect(found?.findings[0]).to.include({ signature, certainty: 'certain' });
        expect(found?.findings[0]?.remedies[0]?.paste).to.equal(`kubectl label ns shop ${words} --overwrite`);
      });
    }

    it('that are right are no problem, nor are those of others', async () => {
      const labels = {
        'kube-harden.io/mode': 'enforce',
        'kube-harden.io/policy': 'strict',
        'kube-harden.io/readOnlyRootFilesystem': 'warn',
        'kubernetes.io/metadata.name': 'shop',
        'example.org/mode': 'enforce',
      };
      expect(await problemsOf(factsOf(labels))).to.deep.equal([]);
    });
  });

  it('a policy that does not load', async () => {
    const [found] = await problemsOf(
      factsOf({}, 'policy "ours" has never loaded: spec.rules.x: there is no such rule'),
    );
    expect(found).to.include({ object: 'hardeningpolicy/ours', symptom: 'it does not load' });
    expect(found?.findings[0]?.remedies[0]?.paste).to.equal('kubectl describe hardeningpolicy ours');
  });

  describe('refusals', () => {
    const STRICT = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': 'strict' };
    const DEFAULT = { 'kube-harden.io/mode': 'enforce' };
    const called =
      'Internal error occurred: failed calling webhook "enforce.kube-harden.io": failed to call webhook:';
    const post = `${called} Post "https://kube-harden.kube-harden.svc:443/mutate/enforce?timeout=5s":`;
    /** The message, the labels of the namespace, and of which signature and rule it is; none where it is not hardening. */
    const TABLE: readonly (readonly [
      message: string,
      labels: Readonly<Record<string, string>>,
      signature?: string,
      rule?: string,
    ])[] = [
      [`${post} dial tcp 10.96.0.7:443: connect: connection refused`, DEFAULT, 'webhookDown'],
      [`${post} EOF`, DEFAULT, 'webhookDown'],
      [`${post} context deadline exceeded`, DEFAULT, 'webhookTimeout'],
      [
        `${post} tls: failed to verify certificate: x509: certificate signed by unknown authority`,
        DEFAULT,
        'webhookCertificate',
      ],
      [`${called} service "kube-harden" not found`, DEFAULT, 'webhookServiceGone'],
      [`${called} policy "ours" has never loaded: spec.rules: no`, DEFAULT, 'policyNeverLoaded'],
      [`${called} namespace "shop" could not be looked up: no`, DEFAULT, 'namespaceNotLookedUp'],
      [
        `${called} an error on the server ("") has prevented the request from succeeding`,
        DEFAULT,
        'webhookFailed',
      ],
      [
        'admission webhook "enforce.kube-harden.io" denied the request: kube-harden refuses pod/web-5d4-x: 1 violation of policy strict. (1) privileged on container "main": spec.containers[0].securityContext.privileged is true; lift it: mend the field.',
        STRICT,
        'denied',
        'privileged',
      ],
      [
        'pods "web-5d4-x" is forbidden: exceeded quota: team, requested: limits.memory=512Mi, used: limits.memory=0, limited: limits.memory=256Mi',
        DEFAULT,
        'quotaByDefaults',
        'resources',
      ],
      [
        'Pod "web-5d4-x" is invalid: spec.containers[0].securityContext.readOnlyRootFilesystem: Invalid value: true: no',
        DEFAULT,
        'invalidField',
        'readOnlyRootFilesystem',
      ],
      ['Pod "web-5d4-x" is invalid: spec.containers[0].image: Required value', DEFAULT],
      [
        'pods "web-5d4-x" is forbidden: exceeded quota: team, requested: limits.memory=512Mi, used: limits.memory=0, limited: limits.memory=256Mi',
        {},
      ],
      [
        'pods "web-5d4-x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=5, limited: pods=5',
        DEFAULT,
      ],
      ['pods "web-5d4-x" is forbidden: failed quota: team: must specify limits.memory', {}],
      [
        'pods "web-5d4-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or container "main" must set it)',
        DEFAULT,
      ],
      [
        'pods "web-5d4-x" is forbidden: error looking up service account shop/web: serviceaccount "web" not found',
        DEFAULT,
      ],
      ['Internal error occurred: failed calling webhook "sidecar-injector.example": no', DEFAULT],
      ['admission webhook "validate.kyverno.svc" denied the request: no', DEFAULT],
      // Another webhook may write our words: only the API server names who refused.
      [
        'admission webhook "x.example" denied the request: kube-harden refuses pod/web: (1) privileged: spec is true; lift it',
        DEFAULT,
      ],
    ];
    for (const [message, labels, signature, rule] of TABLE) {
      it(`${message.slice(0, 140)}: ${signature ?? 'not hardening'}`, async () => {
        const [found, ...others] = await problemsOf(factsOf(labels), [failed(message)]);
        expect(others).to.deep.equal([]);
        expect(found).to.include({
          object: 'replicaset/web-5d4',
          owner: 'deployment/web',
          symptom: 'FailedCreate, 3 times',
        });
        expect([found?.findings[0]?.signature, found?.findings[0]?.rule]).to.deep.equal([signature, rule]);
        const told = found?.findings[0] ?? found?.notHardening;
        expect(told?.evidence[0]?.text).to.match(/^Error creating: /);
        if (signature === undefined) expect(found?.notHardening?.why).to.be.a('string');
        for (const { paste } of found?.findings[0]?.remedies ?? []) expect(paste).to.not.equal('');
      });
    }

    it('name each rule of a Deny, with an exception and a label where it may be lifted so', async () => {
      const message =
        'admission webhook "enforce.kube-harden.io" denied the request: kube-harden refuses pod/web: 2 violations of policy strict. (1) privileged on container "main": spec.containers[0].securityContext.privileged is true; lift it: mend the field. (2) hostNamespaces: spec.hostPID is true; lift it: mend the field.';
      const [found] = await problemsOf(factsOf(STRICT), [failed(message)]);
      expect(found?.findings.map(({ rule, container, field }) => [rule, container, field])).to.deep.equal([
        ['privileged', 'main', 'spec.containers[0].securityContext.privileged'],
        ['hostNamespaces', undefined, 'spec.hostPID'],
      ]);
      expect(found?.findings[0]?.remedies.map(({ kind }) => kind)).to.deep.equal(['exception', 'label']);
      expect(found?.findings[0]?.remedies[0]?.paste).to.include('expires: "2027-02-24"');
    });

    const MESSAGE = 'pods "web-5d4-x" is forbidden: violates PodSecurity "baseline:latest": privileged';
    const OVER: readonly (readonly [what: string, object: KubernetesObject | 'gone'])[] = [
      ['whose object is gone', 'gone'],
      ['whose ReplicaSet has all its pods by now', replicaSet({}, { replicas: 1 })],
      [
        'whose DaemonSet has all its pods by now',
        {
          ...replicaSet(),
          kind: 'DaemonSet',
          status: { currentNumberScheduled: 2, desiredNumberScheduled: 2 },
        },
      ],
      [
        'whose Job is done',
        { ...replicaSet(), kind: 'Job', status: { conditions: [{ type: 'Complete', status: 'True' }] } },
      ],
    ];
    for (const [what, object] of OVER) {
      it(`are not told of one ${what}`, async () => {
        expect(await problemsOf(factsOf(DEFAULT), [failed(MESSAGE)], object)).to.deep.equal([]);
      });
    }

    it('are told as what they were where the object may not be read, and that it is not known', async () => {
      const read = (): Promise<undefined> => Promise.resolve(undefined);
      const [found] = await namespaceProblems({
        facts: factsOf(DEFAULT),
        policies: NAMES,
        events: await NamespaceEvents.read(new FakeCluster({ events: [failed(MESSAGE)] }), 'shop'),
        owners: undefined,
        read,
        now: NOW,
      });
      expect(found?.missing).to.deep.equal(['whether it still lacks pods: it may not be read']);
    });

    it('go by the last of their messages', async () => {
      const events = [
        failed(MESSAGE, { lastTimestamp: '2026-11-26T04:59:30Z' }),
        failed(`${post} EOF`, { lastTimestamp: '2026-11-26T04:00:00Z' }),
      ];
      const [found] = await problemsOf(factsOf(DEFAULT), events);
      expect([found?.findings, found?.symptom]).to.deep.equal([[], 'FailedCreate, 6 times']);
    });

    describe('are over', () => {
      const at = '2026-11-26T04:59:00Z';
      const condition = (type: string): object => ({ conditions: [{ type, status: 'True' }] });
      const TABLE: readonly (readonly [what: string, kind: string, status: object, isOver: boolean])[] = [
        [
          'a CronJob that has made a Job since',
          'CronJob',
          { lastScheduleTime: '2026-11-26T04:59:30Z' },
          true,
        ],
        ['a CronJob whose earlier Job has succeeded since', 'CronJob', { lastSuccessfulTime: at }, false],
        [
          'a CronJob that made its last Job before',
          'CronJob',
          { lastScheduleTime: '2026-11-26T04:58:59Z' },
          false,
        ],
        ['a CronJob that has made none', 'CronJob', {}, false],
        ['a Job that is complete', 'Job', condition('Complete'), true],
        ['a Job whose pods have failed', 'Job', { ...condition('Failed'), failed: 7 }, true],
        ['a Job that has failed without a pod', 'Job', condition('Failed'), false],
      ];
      for (const [what, kind, status, isOver] of TABLE)
        it(`${isOver ? 'for' : 'not for'} ${what}`, async () => {
          const involvedObject = {
            apiVersion: 'batch/v1',
            kind,
            namespace: 'shop',
            name: 'nightly',
            uid: 'u',
          };
          const object = { ...replicaSet(), kind, spec: {}, status } as KubernetesObject;
          const found = await problemsOf(
            factsOf(DEFAULT),
            [failed(MESSAGE, { involvedObject, lastTimestamp: at })],
            object,
          );
          expect(found).to.have.length(isOver ? 0 : 1);
        });
    });

    it("never show a value of the template's environment", async () => {
      const secret = 'correct-horse-battery-staple';
      const object = replicaSet({ env: [{ name: 'PASSWORD', value: secret }] });
      const [found] = await problemsOf(factsOf(DEFAULT), [failed(`it is invalid: ${secret}`)], object);
      expect(JSON.stringify(found)).to.not.include(secret);
      expect(found?.notHardening?.evidence[0]?.text).to.include('[hidden]');
    });
  });

  describe('the webhook', () => {
    const entry = (clientConfig: object): ApiObject => ({
      metadata: { name: 'kube-harden' },
      webhooks: [{ name: 'audit.kube-harden.io' }, { name: 'enforce.kube-harden.io', clientConfig }],
    });
    const SERVICE = { service: { namespace: 'kube-harden', name: 'kube-harden' }, caBundle: 'Y2E=' };
    const slice = (ready: boolean): ApiObject => ({
      metadata: { name: 's', namespace: 'kube-harden' },
      endpoints: [{ conditions: { ready } }],
    });
    const TABLE: readonly (readonly [
      what: string,
      configurations: readonly ApiObject[],
      slices: readonly ApiObject[],
      signature?: string,
    ])[] = [
      ['is not there', [], [], 'webhookNotInstalled'],
      ['has no CA yet', [entry({ ...SERVICE, caBundle: '' })], [slice(true)], 'webhookWithoutCa'],
      ['has no ready replica', [entry(SERVICE)], [slice(false)], 'webhookDown'],
      ['has no endpoints', [entry(SERVICE)], [], 'webhookDown'],
      ['is there', [entry(SERVICE)], [slice(false), slice(true)]],
      ['is called by its address', [entry({ url: 'https://10.0.0.1/mutate' })], []],
    ];
    for (const [what, mutatingwebhookconfigurations, endpointslices, signature] of TABLE) {
      it(`${what}: ${signature ?? 'no problem'}`, async () => {
        const api = new FakeCluster({ mutatingwebhookconfigurations, endpointslices });
        const told: string[] = [];
        const found = await webhookProblems(api, ['shop'], (line) => told.push(line));
        expect(found.map(({ findings }) => findings[0]?.signature)).to.deep.equal(
          signature === undefined ? [] : [signature],
        );
        expect(told).to.deep.equal([]);
      });
    }

    it('is not asked for where no namespace asks for enforce, and told where it may not be read', async () => {
      const api = new FakeCluster({}, () => true);
      const told: string[] = [];
      expect(await webhookProblems(api, [], (line) => told.push(line))).to.deep.equal([]);
      expect(api.asked).to.deep.equal([]);
      expect(await webhookProblems(api, ['shop'], (line) => told.push(line))).to.deep.equal([]);
      expect(told).to.have.length(1);
    });
  });
});
