import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CommandError } from '../../src/cli/commandError.js';
import { runDoctor, type DoctorFlags } from '../../src/cli/doctor.js';
import type { DoctorReport, ReportedDiagnosis } from '../../src/doctor/report.js';
import { applyPolicy, builtinSpec } from './support/hardeningPolicies.js';
import { makeNode, removeNode } from './support/nodes.js';
import { bindClusterRole, makeClusterRole, untilAllowed, type PolicyRule } from './support/rbac.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const PAGE = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
const ENFORCE = { 'kube-harden.io/mode': 'enforce' };
const DENYING = 'e2e-doctor-deny';
const IMAGE = 'registry.example/shop/web:1';
const SECRET = 'correct-horse-battery-staple';

interface ListedPod {
  readonly metadata: { readonly name: string; readonly uid: string };
}

interface Answer {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function deployment(name: string, container: object = {}, replicas = 1): object {
  const labels = { app: name };
  const containers = [
    { name: 'app', image: IMAGE, env: [{ name: 'PASSWORD', value: SECRET }], ...container },
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

describe('doctor, on the API server', function () {
  // The first of all reads the sources of everything that it needs.
  this.timeout(180_000);
  let home = '';
  let account = '';
  let made = 0;

  before(async () => {
    home = await makeNamespace();
    await applyPolicy(DENYING, {
      ...builtinSpec('default'),
      rules: { ...(builtinSpec('default') as { rules: object }).rules, privileged: { action: 'Deny' } },
    });
    account = await accountWith(rolesInDocs());
  });

  /** The kubeconfig of a new ServiceAccount with these rights everywhere. */
  async function accountWith(rules: readonly PolicyRule[]): Promise<string> {
    const { controlPlane } = world();
    const name = `doctor-${(made += 1)}`;
    await controlPlane.api('POST', `/api/v1/namespaces/${home}/serviceaccounts`, { metadata: { name } });
    await makeClusterRole(`e2e-${name}`, rules);
    await bindClusterRole(`e2e-${name}`, `${home}:${name}`);
    const kubeconfig = await controlPlane.serviceAccountKubeconfig(home, name);
    for (const rule of rules.slice(0, 1)) await untilAllowed(kubeconfig, rule, home);
    return kubeconfig;
  }

  /** Resolves once the quota counts: before, the API server refuses pods without naming it. */
  async function limitMemory(namespace: string): Promise<void> {
    const { controlPlane } = world();
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const spec = { hard: { 'limits.memory': '256Mi' } };
    await controlPlane.api('POST', path, { metadata: { name: 'team' }, spec });
    await eventually('the use of the quota', async () => {
      const { body } = await controlPlane.api<{ status?: { used?: object } }>('GET', `${path}/team`);
      return body.status?.used !== undefined;
    });
  }

  async function doctor(target: string | undefined, flags: DoctorFlags): Promise<Answer> {
    let [out, err] = ['', ''];
    const status = await runDoctor(
      target,
      { kubeconfig: account, ...flags },
      {
        stdout: (text) => void (out += text),
        stderr: (text) => void (err += text),
        stdin: () => Promise.reject(new Error('nothing is read')),
        colour: false,
        showsProgress: false,
      },
    );
    return { status, out, err };
  }

  async function report(
    target: string | undefined,
    flags: DoctorFlags,
  ): Promise<DoctorReport & { readonly status: number; readonly err: string }> {
    const { status, out, err } = await doctor(target, { ...flags, output: 'json' });
    expect(out + err).to.not.include(SECRET);
    return { ...(JSON.parse(out) as DoctorReport), status, err };
  }

  async function apply(namespace: string, object: object): Promise<void> {
    const input = JSON.stringify(object);
    await world().controlPlane.kubectlOutput(['apply', '-n', namespace, '-f', '-'], { input });
  }

  /** What is said of the only object that is refused, once its controller has told. */
  async function refusalIn(
    namespace: string,
    target?: string,
  ): Promise<ReportedDiagnosis & { status: number }> {
    return eventually(
      'the refusal',
      async () => {
        const { diagnoses, status } = await report(target, { namespace });
        const found = diagnoses.find(({ symptom }) => symptom?.startsWith('FailedCreate'));
        return found && { ...found, status };
      },
      30_000,
    );
  }

  describe('pods that are refused', () => {
    it('by our Deny: certain, the rule, the field, and an exception that the policy takes', async () => {
      const namespace = await makeNamespace({ ...ENFORCE, 'kube-harden.io/policy': DENYING });
      await apply(namespace, deployment('web', { securityContext: { privileged: true } }));
      const { findings, owner, status, object } = await refusalIn(namespace, 'deploy/web');
      expect([status, owner]).to.deep.equal([1, 'deployment/web']);
      expect(object).to.match(/^replicaset\/web-/);
      expect(findings).to.have.length(1);
      expect(findings[0]).to.include({ rule: 'privileged', certainty: 'certain', container: 'app' });
      expect(findings[0]?.evidence[0]?.text).to.include('denied the request: kube-harden refuses pod/');
      const [exception, label] = findings[0]?.remedies ?? [];
      expect(label?.paste).to.equal(`kubectl label ns ${namespace} kube-harden.io/privileged=disabled`);
      await applyPolicy(DENYING, {
        ...builtinSpec('default'),
        rules: { ...(builtinSpec('default') as { rules: object }).rules, privileged: { action: 'Deny' } },
        ...(parse(exception?.paste ?? '') as object),
      });
      await eventually('a pod', async () => (await podsIn(namespace)).length === 1, 60_000);
    });

    it('by Pod Security admission: not hardening, exit 0', async () => {
      const namespace = await makeNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' });
      await apply(namespace, deployment('web'));
      const { findings, notHardening, status } = await refusalIn(namespace);
      expect([findings, status]).to.deep.equal([[], 0]);
      expect(notHardening?.why).to.include('Pod Security');
      expect(notHardening?.evidence[0]?.text).to.include('violates PodSecurity "restricted:latest"');
    });

    it('by a quota, for the requests and limits that were added', async () => {
      const namespace = await makeNamespace(ENFORCE);
      await limitMemory(namespace);
      await apply(namespace, deployment('web'));
      const { findings, status } = await refusalIn(namespace);
      expect(status).to.equal(1);
      expect(findings[0]).to.include({ rule: 'resources', certainty: 'likely' });
      expect(findings[0]?.evidence[0]?.text).to.include('exceeded quota: team');
      expect(findings[0]?.remedies[0]?.paste).to.include('limits:\n    memory: 512Mi');
    });

    it("by a quota, for the author's own limits: not hardening", async () => {
      const namespace = await makeNamespace(ENFORCE);
      await limitMemory(namespace);
      await apply(namespace, deployment('web', { resources: { limits: { memory: '1Gi' } } }));
      const { findings, notHardening, status } = await refusalIn(namespace);
      expect([findings, status]).to.deep.equal([[], 0]);
      expect(notHardening?.why).to.include('Quota team is used up by what the author asks for');
    });

    it('because the webhook does not answer', async () => {
      const namespace = await makeNamespace();
      await apply(namespace, { ...deployment('web', {}, 0), kind: 'ReplicaSet' });
      const { endpoints, forwarder } = world();
      endpoints.pause();
      forwarder.setBackends([]);
      forwarder.cut();
      try {
        const label = { metadata: { labels: ENFORCE } };
        await world().controlPlane.api('PATCH', `/api/v1/namespaces/${namespace}`, label);
        await world().controlPlane.kubectlOutput(['scale', 'rs/web', '-n', namespace, '--replicas=1']);
        const { findings, status } = await refusalIn(namespace);
        expect(status).to.equal(1);
        expect(findings[0]).to.include({ certainty: 'certain', signature: 'webhookDown' });
        expect(findings[0]?.evidence[0]?.text).to.include('failed calling webhook "enforce.kube-harden.io"');
      } finally {
        await endpoints.resume();
      }
    });
  });

  async function podsIn(namespace: string): Promise<ListedPod[]> {
    const { body } = await world().controlPlane.api<{ items: ListedPod[] }>(
      'GET',
      `/api/v1/namespaces/${namespace}/pods`,
    );
    return body.items;
  }

  it('names labels with a typo, and how to mend them', async () => {
    const namespace = await makeNamespace({
      'kube-harden.io/mode': 'enfroce',
      'kube-harden.io/runAsUsr': 'disabled',
    });
    const { diagnoses, status } = await report(undefined, { namespace });
    expect(status).to.equal(1);
    expect(
      diagnoses.map(({ findings: [finding] }) => [finding?.signature, finding?.remedies[0]?.paste]),
    ).to.deep.equal([
      ['modeUnknown', `kubectl label ns ${namespace} kube-harden.io/mode=enforce --overwrite`],
      [
        'labelNameUnknown',
        `kubectl label ns ${namespace} kube-harden.io/runAsUsr- kube-harden.io/runAsUser=disabled --overwrite`,
      ],
    ]);
    for (const { findings } of diagnoses)
      await world().controlPlane.kubectlOutput(findings[0]?.remedies[0]?.paste.split(' ').slice(1) ?? []);
    expect((await report(undefined, { namespace })).status).to.equal(0);
  });

  describe('pods that fail', () => {
    let namespace = '';
    let node = '';
    const RUN_AS_ROOT = 'container has runAsNonRoot and image will run as root (pod: "x", container: app)';

    before(async () => {
      await applyPolicy('e2e-doctor-user', { rules: { runAsNonRoot: { action: 'Default' } } });
      namespace = await makeNamespace({ ...ENFORCE, 'kube-harden.io/policy': 'e2e-doctor-user' });
      node = await makeNode();
      await apply(namespace, deployment('web', {}, 3));
      await eventually('the pods', async () => (await podsIn(namespace)).length === 3);
      for (const { metadata } of await podsIn(namespace))
        await patchStatus(metadata.name, {
          waiting: { reason: 'CreateContainerConfigError', message: RUN_AS_ROOT },
        });
    });
    after(() => removeNode(node));

    async function patchStatus(pod: string, state: object, more: object = {}): Promise<void> {
      const status = {
        phase: 'Pending',
        conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
        containerStatuses: [
          { name: 'app', image: IMAGE, imageID: '', ready: false, restartCount: 0, state, lastState: {} },
        ],
        ...more,
      };
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}/status`;
      const reply = await world().controlPlane.api('PATCH', path, { status });
      expect(reply.status, JSON.stringify(reply.body)).to.equal(200);
    }

    it('are told with the rule, each in JSON and together in the table', async () => {
      const { diagnoses, status, missing } = await report('deploy/web', { namespace });
      expect([status, missing]).to.deep.equal([1, []]);
      expect(diagnoses).to.have.length(3);
      for (const { findings, owner } of diagnoses) {
        expect(owner).to.equal('deployment/web');
        expect(findings[0]).to.include({ rule: 'runAsNonRoot', certainty: 'certain', container: 'app' });
        expect(findings[0]?.evidence[0]?.text).to.equal(`CreateContainerConfigError: ${RUN_AS_ROOT}`);
      }
      const { out } = await doctor(undefined, { namespace });
      expect(out).to.match(/^\S+ {2}pod\/web-\S+ and 2 more alike of deployment\/web:/m);
      expect(out.match(/certain: runAsNonRoot/g)).to.have.length(1);
    });

    it('are told as not by hardening where the author wrote the value', async () => {
      await apply(namespace, deployment('own', { securityContext: { runAsNonRoot: true } }));
      const pod = await eventually('the pod', async () =>
        (await podsIn(namespace)).find(({ metadata }) => metadata.name.startsWith('own-')),
      );
      await patchStatus(pod.metadata.name, {
        waiting: { reason: 'CreateContainerConfigError', message: RUN_AS_ROOT },
      });
      const { diagnoses, status } = await report(pod.metadata.name, { namespace });
      expect([status, diagnoses[0]?.state, diagnoses[0]?.findings]).to.deep.equal([0, 'broken', []]);
      expect(diagnoses[0]?.notHardening?.why).to.be.a('string').and.not.equal('');
    });

    it('whose node does not answer: what is known is told, the log is named, exit 2', async () => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'lost' },
        spec: { nodeName: node, containers: [{ name: 'app', image: IMAGE }] },
      };
      await apply(namespace, pod);
      await patchStatus('lost', { running: { startedAt: '2026-01-01T00:00:00Z' } }, { phase: 'Unknown' });
      const { diagnoses, status, missing, err } = await report('lost', { namespace });
      expect([status, diagnoses[0]?.findings]).to.deep.equal([2, []]);
      expect(missing.join('\n')).to.include(`the logs of pods on node ${node}`);
      expect(err).to.include('warning: not read: the logs of pods on node');
    });

    it('of Windows: nothing is blamed', async () => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'windows' },
        spec: { os: { name: 'windows' }, nodeName: node, containers: [{ name: 'app', image: IMAGE }] },
      };
      await apply(namespace, pod);
      await patchStatus('windows', { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } });
      const { diagnoses, status } = await report('windows', { namespace });
      expect([status, diagnoses[0]?.state, diagnoses[0]?.findings]).to.deep.equal([0, 'broken', []]);
    });

    it('never shows a value of the environment, wherever it is written', async () => {
      await apply(namespace, deployment('leaky'));
      const pod = await eventually('the pod', async () =>
        (await podsIn(namespace)).find(({ metadata }) => metadata.name.startsWith('leaky-')),
      );
      const { name, uid } = pod.metadata;
      const message = `login with ${SECRET} failed: ${RUN_AS_ROOT}; token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIx.c2ln`;
      await patchStatus(name, { waiting: { reason: 'CreateContainerConfigError', message } });
      const event = {
        metadata: { generateName: 'leaky-' },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
        type: 'Warning',
        reason: 'Failed',
        message,
        lastTimestamp: new Date().toISOString(),
      };
      const { controlPlane } = world();
      expect(
        (await controlPlane.api('POST', `/api/v1/namespaces/${namespace}/events`, event)).status,
      ).to.equal(201);
      for (const output of ['table', 'json', 'yaml'] as const) {
        for (const target of [name, undefined]) {
          const { out, err, status } = await doctor(target, { namespace, output });
          expect(status).to.equal(1);
          expect(out).to.include('runAsNonRoot');
          expect(out + err)
            .to.not.include(SECRET)
            .and.to.not.include('eyJhbGci');
        }
      }
    });

    it('-A looks into all namespaces', async () => {
      const { diagnoses, target, status, lookedAt } = await report(undefined, { allNamespaces: true });
      expect([status, target]).to.deep.equal([1, 'all namespaces']);
      expect(lookedAt.pods).to.be.at.least(3);
      const here = diagnoses.filter((diagnosis) => diagnosis.namespace === namespace);
      expect(here.some(({ owner }) => owner === 'deployment/web')).to.equal(true);
      expect(diagnoses.some(({ object }) => object.startsWith('mutatingwebhook'))).to.equal(false);
    });

    describe('with fewer rights', () => {
      const PODS: PolicyRule = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
      const RULES: readonly PolicyRule[] = [
        PODS,
        { apiGroups: [''], resources: ['pods/log', 'namespaces'], verbs: ['get', 'list'] },
        { apiGroups: [''], resources: ['events'], verbs: ['list'] },
        { apiGroups: ['kube-harden.io'], resources: ['hardeningpolicies'], verbs: ['list'] },
      ];

      it('on pods alone: names each thing that may not be read once, and says what is possible', async () => {
        const kubeconfig = await accountWith([PODS]);
        const { diagnoses, missing, status } = await report(undefined, { namespace, kubeconfig });
        expect(status).to.equal(1);
        const rules = new Set(diagnoses.flatMap(({ findings }) => findings.map(({ rule }) => rule)));
        expect([...rules]).to.include('runAsNonRoot');
        for (const what of [
          'labels and policy of namespace',
          'events of namespace',
          'replicasets of namespace',
        ])
          expect(
            missing.filter((line) => line.includes(what)),
            missing.join('\n'),
          ).to.have.length(1);
        expect(missing.filter((line) => line.includes('hardeningpolicies'))).to.have.length(1);
        expect(new Set(missing).size).to.equal(missing.length);
      });

      it('on what the issue names: all is found, and only what it would say for sure is not', async () => {
        const kubeconfig = await accountWith(RULES);
        const { diagnoses, partial } = await report('deploy/web', { namespace, kubeconfig }).catch(() => ({
          diagnoses: [],
          partial: true,
        }));
        // The Deployment itself may not be read: its pods are asked for by their namespace.
        expect([diagnoses.length, partial]).to.deep.equal([0, true]);
        const found = await report(undefined, { namespace, kubeconfig });
        expect([found.status, found.diagnoses.length > 0]).to.deep.equal([1, true]);
      });

      it('on nothing: one line, exit 2', async () => {
        const kubeconfig = await accountWith([
          { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
        ]);
        const { status, diagnoses, missing } = await report(undefined, { namespace, kubeconfig });
        expect([status, diagnoses]).to.deep.equal([2, []]);
        expect(missing.join('\n')).to.include(`the pods of namespace ${namespace}: pods is forbidden`);
        const error = await doctor('web-0', { namespace, kubeconfig }).catch((reason: unknown) => reason);
        expect((error as CommandError).lines.join('\n')).to.match(
          /^https:\S+ forbids it: pods "web-0" is forbidden/,
        );
      });

      it('as somebody else (--as)', async () => {
        const kubeconfig = await accountWith([
          { apiGroups: [''], resources: ['users'], verbs: ['impersonate'] },
        ]);
        const { missing, status } = await report(undefined, {
          namespace: home,
          kubeconfig,
          as: 'e2e-nobody',
        });
        expect(status).to.equal(2);
        expect(missing.join('\n')).to.include('User "e2e-nobody" cannot list resource "pods"');
      });
    });
  });

  describe('wrong input', () => {
    const lineOf = async (target: string | undefined, flags: DoctorFlags): Promise<string> =>
      runDoctor(target, { kubeconfig: account, ...flags }, {} as never).then(
        () => 'nothing',
        (error: unknown) => (error as CommandError).lines.join('\n'),
      );
    it('is told in one line', async () => {
      const namespace = home;
      expect(await lineOf('web-0', { namespace })).to.equal(
        `there is no pod "web-0" in namespace ${home}; a workload is named with its kind, as deploy/web`,
      );
      expect(await lineOf('deploy/web', { namespace })).to.equal(
        `there is no deployment "web" in namespace ${home}`,
      );
      expect(await lineOf(undefined, { namespace: 'e2e-not-there' })).to.equal(
        '--namespace: there is no namespace "e2e-not-there"',
      );
    });
  });

  /** The ClusterRole in the page. */
  function rolesInDocs(): PolicyRule[] {
    const [, block = ''] = /<!-- the rights -->\n```yaml\n([\s\S]*?)```/.exec(PAGE) ?? [];
    return (parse(block) as { rules: PolicyRule[] }).rules;
  }
});
