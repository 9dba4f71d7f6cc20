import { expect } from 'chai';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { RULES } from '../../src/hardening/rules/index.js';
import type { Json } from './controlPlane/apiClient.js';
import type { AuditEvent } from './controlPlane/auditLog.js';
import { eachOf, podOf, putPolicy, sendPod, warningLines, type PodManifest } from './support/podRequests.js';
import { EFFECT_MS, eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const LINE_MAX = 120;
const TOTAL_MAX = 2048;
const CAN_DENY = RULES.filter(({ actions, id }) => actions.includes('Deny') && id !== 'scheduling');

/** Breaks every rule that a pod can break, on two containers; the API server itself admits it. */
const CARELESS: PodManifest = podOf('careless', {
  hostNetwork: true,
  hostPID: true,
  hostIPC: true,
  automountServiceAccountToken: true,
  volumes: [
    { name: 'etc', hostPath: { path: '/etc' } },
    { name: 'socket', hostPath: { path: '/var/run/docker.sock' } },
  ],
  containers: [
    {
      name: 'main',
      image: 'registry.example/shop/web:1',
      command: ['/usr/sbin/sshd', '-D'],
      securityContext: {
        runAsUser: 0,
        runAsNonRoot: false,
        allowPrivilegeEscalation: true,
        readOnlyRootFilesystem: false,
        seccompProfile: { type: 'Unconfined' },
        capabilities: { add: ['SYS_ADMIN', 'NET_ADMIN'] },
      },
      volumeMounts: [
        { name: 'etc', mountPath: '/host/etc' },
        { name: 'socket', mountPath: '/var/run/docker.sock' },
      ],
    },
    { name: 'agent', image: 'registry.example/shop/agent:1', securityContext: { privileged: true } },
  ],
});

/** Names as long as they may be, and as many containers as anybody has. */
const LONG: PodManifest = podOf('p'.repeat(253), {
  ...CARELESS.spec,
  containers: Array.from({ length: 20 }, (_, index) => ({
    ...CARELESS.spec['containers'][0],
    name: `${'c'.repeat(60)}-${index}`,
  })),
});

async function create(
  namespace: string,
  manifest: Json,
): Promise<{ code: number; message: string; warnings: string[] }> {
  const { code, stderr } = await world().controlPlane.kubectl(['create', '-n', namespace, '-f', '-'], {
    input: manifest,
  });
  const message = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Warning: '));
  return { code: code, message: message.join('\n'), warnings: warningLines(stderr) };
}

function enforcedBy(policy: string, mode = 'enforce', more: Record<string, string> = {}): Promise<string> {
  return makeNamespace({ 'kube-harden.io/mode': mode, 'kube-harden.io/policy': policy, ...more });
}

/** Of the event's annotations those of one entry, without its name. */
function annotationsOf({ annotations = {} }: AuditEvent, entry: 'enforce' | 'audit'): Record<string, string> {
  const prefix = `${entry}.kube-harden.io/`;
  return Object.fromEntries(
    Object.entries(annotations).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    ),
  );
}

async function putPolicies(): Promise<void> {
  const deny = Object.fromEntries(CAN_DENY.map(({ id }) => [id, { action: 'Deny' }]));
  await putPolicy('e2e-deny', { warnings: 'Full', rules: deny });
  await putPolicy('e2e-deny-firmly', {
    rules: { ...deny, hostPath: { action: 'Deny', optOut: 'Forbidden' } },
  });
  await putPolicy('e2e-deny-templates', { templates: 'Mutate', rules: deny });
}

describe('an object that is refused', () => {
  before(putPolicies);

  it('has one message with every violation and how to lift each', async () => {
    const namespace = await enforcedBy('e2e-deny');
    const { code, message } = await create(namespace, CARELESS);
    expect(code).to.equal(1);
    expect(message.split('\n')).to.have.length(1);
    const [, count = '', policy] =
      /kube-harden refuses pod\/careless: (\d+) violations of policy ([^.]+)\. /.exec(message) ?? [];
    expect(policy).to.equal('e2e-deny');
    const violations = message.split(/ \(\d+\) /).slice(1);
    expect(violations).to.have.length(Number(count));
    const named = new Set(violations.map((text) => text.split(/[ :]/)[0]));
    // Nobody can need a port freed and be root as well, nor have an unmasked /proc outside a user namespace.
    const others = ['unprivilegedPorts', 'procMount'];
    expect([...named]).to.have.members(CAN_DENY.map(({ id }) => id).filter((id) => !others.includes(id)));
    for (const text of violations) {
      const [rule = ''] = text.split(/[ :]/);
      expect(text).to.include(
        `; lift it: mend the field, kubectl label ns ${namespace} kube-harden.io/${rule}=disabled, or an exception in policy e2e-deny.`,
      );
    }
    expect(message).to.include('.seccompProfile is {type: Unconfined};');
    const { body } = await world().controlPlane.api<{ items: unknown[] }>(
      'GET',
      `/api/v1/namespaces/${namespace}/pods`,
    );
    expect(body.items).to.deep.equal([]);
  });

  it('is admitted once all that the message says has been typed', async () => {
    const namespace = await enforcedBy('e2e-deny');
    const { message } = await create(namespace, CARELESS);
    const commands = new Set(message.match(/kubectl label ns \S+ kube-harden\.io\/\w+=disabled/g));
    expect(commands.size).to.be.above(10);
    await eachOf([...commands], 4, (command) =>
      world().controlPlane.kubectlOutput(command.split(' ').slice(1)),
    );
    const ask = (): ReturnType<typeof create> => create(namespace, CARELESS);
    const inForce = eventually(
      'the labels in force',
      async () => {
        const answer = await ask();
        return answer.code === 0 && answer;
      },
      EFFECT_MS,
    );
    const { code, message: said } = await inForce.catch(ask);
    expect(said, said).to.equal('');
    expect(code).to.equal(0);
  });

  it('under a rule that forbids opting out offers no label', async () => {
    const namespace = await enforcedBy('e2e-deny-firmly', 'enforce', {
      'kube-harden.io/hostPath': 'disabled',
    });
    const { message, warnings } = await create(namespace, CARELESS);
    expect(message).to.match(
      /hostPath[^;]*; lift it: mend the field, or ask for an exception in policy e2e-deny-firmly\./,
    );
    expect(message).to.not.include('kube-harden.io/hostPath=disabled');
    expect(warnings).to.include(
      'label kube-harden.io/hostPath=disabled is ignored: policy e2e-deny-firmly forbids it',
    );
  });

  it('is refused under the built-in restricted for a runtime socket only', async () => {
    const namespace = await enforcedBy('restricted');
    const { code, message } = await create(namespace, CARELESS);
    expect(code).to.equal(1);
    expect(message).to.match(
      /: 1 violation of policy restricted\. \(1\) runtimeSocket[^(]*\/var\/run\/docker\.sock/,
    );
  });

  it('as a template warns under templates: Warn and is refused under Mutate', async () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'careless' },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'careless' } },
        template: { metadata: { labels: { app: 'careless' } }, spec: CARELESS.spec },
      },
    };
    const warned = await create(await enforcedBy('e2e-deny'), deployment);
    expect(warned.code).to.equal(0);
    expect(warned.warnings.join('\n')).to.match(/^runtimeSocket would be refused/m);
    const refused = await create(await enforcedBy('e2e-deny-templates'), deployment);
    expect(refused.code).to.equal(1);
    expect(refused.message).to.include('kube-harden refuses deployment/careless: ');
  });
});

describe('warnings as kubectl prints them', () => {
  before(putPolicies);

  for (const mode of ['enforce', 'audit', 'enfroce']) {
    for (const policy of ['baseline', 'default', 'restricted', 'e2e-deny']) {
      it(`have at most ${LINE_MAX} characters, ${TOTAL_MAX} together: ${policy}, ${mode}`, async () => {
        const notRules = Object.fromEntries(
          Array.from({ length: 12 }, (_, index) => [`kube-harden.io/${'n'.repeat(50)}-${index}`, 'x']),
        );
        const wrong = Object.fromEntries(RULE_IDS.map((id) => [`kube-harden.io/${id}`, 'dsiabled']));
        const namespaces = await Promise.all(
          [{}, { ...notRules, ...wrong }].map((labels) => enforcedBy(policy, mode, labels)),
        );
        for (const namespace of namespaces) {
          const replies = await Promise.all(
            [podOf('plain'), CARELESS, LONG].map((manifest) => sendPod(namespace, manifest)),
          );
          for (const { warnings } of replies) expectShort(warnings, mode);
        }
        // The worst of them as a user sees it.
        const [, worst = ''] = namespaces;
        expectShort((await create(worst, LONG)).warnings, mode);
      });
    }
  }

  function expectShort(warnings: readonly string[], mode: string): void {
    // The API server's own word on a name of more than 63 characters is no concern of ours.
    const ours = warnings.filter((line) => !line.startsWith('metadata.name: '));
    if (mode !== 'enforce') expect(ours).to.not.deep.equal([]);
    expect(ours.filter((line) => line.length > LINE_MAX)).to.deep.equal([]);
    expect(ours.join('').length).to.be.at.most(TOTAL_MAX);
    expect(ours.filter((line) => /[^\x20-\x7e]/.test(line))).to.deep.equal([]);
  }
});

describe('the audit log of the API server', () => {
  before(putPolicies);
  const keys = ['policy', 'mode', 'changed', 'skipped', 'violated'];

  for (const { mode, entry } of [
    { mode: 'enforce', entry: 'enforce' },
    { mode: 'audit', entry: 'audit' },
    { mode: 'enfroce', entry: 'audit' },
  ] as const) {
    it(`has what was decided, mode ${mode}: ${entry}.kube-harden.io/…`, async () => {
      const namespace = await enforcedBy('default', mode);
      const pod = podOf('web', {
        containers: CARELESS.spec['containers'].slice(0, 1),
        volumes: CARELESS.spec['volumes'],
      });
      expect((await sendPod(namespace, pod)).status).to.equal(201);
      const event = await world().controlPlane.auditEvent({ namespace, name: 'web', verb: 'create' });
      const found = annotationsOf(event, entry);
      const other = annotationsOf(event, entry === 'enforce' ? 'audit' : 'enforce');
      expect(other).to.deep.equal({});
      expect(keys).to.include.members(Object.keys(found));
      expect(found).to.include({ policy: 'default', mode: entry });
      expect(found['changed']).to.equal('resources');
      const order: readonly string[] = RULE_IDS;
      for (const key of ['changed', 'skipped', 'violated']) {
        const ids = (found[key] ?? '').split(',').filter((id) => id !== '');
        expect(ids, key).to.deep.equal(order.filter((id) => ids.includes(id)));
      }
      expect(found['violated']?.split(',')).to.include.members(['runtimeSocket', 'sshd', 'hostPath']);
    });
  }

  it('has a refusal, with what was violated', async () => {
    const namespace = await enforcedBy('e2e-deny');
    expect((await sendPod(namespace, CARELESS)).status).to.equal(403);
    const event = await world().controlPlane.auditEvent({ namespace, resource: 'pods', verb: 'create' });
    expect(event.responseStatus?.code).to.equal(403);
    const found = annotationsOf(event, 'enforce');
    expect(found).to.include({ policy: 'e2e-deny', mode: 'enforce' });
    expect(found['changed'] ?? '').to.equal('');
    expect(found['violated']?.split(',')).to.include.members(['runtimeSocket', 'hostNamespaces']);
  });

  it('has nothing of ours where nobody was asked', async () => {
    const namespace = await makeNamespace();
    await sendPod(namespace, CARELESS);
    const { annotations = {} } = await world().controlPlane.auditEvent({
      namespace,
      name: 'careless',
      verb: 'create',
    });
    expect(Object.keys(annotations).filter((key) => key.includes('kube-harden'))).to.deep.equal([]);
  });
});
