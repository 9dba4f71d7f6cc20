import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { runExplain, type ExplainOptions } from '../../src/cli/explain.js';
import type { LiveAnswer, LiveResult } from '../../src/cli/livePreview.js';
import { runPreview, type PreviewOptions } from '../../src/cli/preview.js';
import { runsOtherwise, type Explanation } from '../../src/preview/explain.js';
import type { Json } from './controlPlane/apiClient.js';
import { findBinaries } from './controlPlane/binaries.js';
import { setMode } from './support/mode.js';
import { looksLike, pageCommands } from './support/pageBlocks.js';
import { label, podOf, putPolicy } from './support/podRequests.js';
import { bindClusterRole, makeClusterRole } from './support/rbac.js';
import { runScript } from './support/shell.js';
import { eventually } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const ROOT = join(import.meta.dirname, '..', '..');
const IMAGE = 'registry.example/shop:1.4';

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A workload of one container, whose template says nothing of security. */
function workload(apiVersion: string, kind: string, name: string, more: object = {}): object {
  const labels = { app: name };
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: IMAGE }] } },
      ...more,
    },
  };
}

describe('preview --live and explain KIND/NAME, on the API server', function () {
  this.timeout(90_000);
  let namespace = '';
  let kubeconfig = '';

  before(async () => {
    namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
    kubeconfig = await account('reader', [
      { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'create'] },
    ]);
  });

  /** A ServiceAccount with these rights everywhere, its kubeconfig. */
  async function account(
    name: string,
    rules: readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[],
  ): Promise<string> {
    const { controlPlane } = world();
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    expect((await controlPlane.api('POST', path, { metadata: { name } })).status).to.equal(201);
    await makeClusterRole(`e2e-live-${name}`, rules);
    await bindClusterRole(`e2e-live-${name}`, `${namespace}:${name}`);
    const file = await controlPlane.serviceAccountKubeconfig(namespace, name);
    await eventually(`the rights of ${name} in force`, async () => {
      const { out, err } = await explain('pod/not-there', undefined, { kubeconfig: file });
      return !(out + err).includes('forbidden') || rules.length === 0;
    });
    return file;
  }

  function ioOf(stdin: string): { ran: { out: string; err: string }; io: Parameters<typeof runPreview>[1] } {
    const ran = { out: '', err: '' };
    const io = {
      stdout: (text: string) => void (ran.out += text),
      stderr: (text: string) => (ran.err += text),
      stdin: () => Promise.resolve(Buffer.from(stdin)),
      colour: false,
    };
    return { ran, io };
  }

  async function explain(target: string, rule?: string, options: ExplainOptions = {}): Promise<Ran> {
    const { ran, io } = ioOf('');
    const status = await runExplain(target, rule, { kubeconfig, namespace, ...options }, io);
    return { status, ...ran };
  }

  async function explained(target: string, options: ExplainOptions = {}): Promise<Explanation> {
    const { out, err } = await explain(target, undefined, { ...options, output: 'json' });
    const [explanation] = out === '' ? [] : (JSON.parse(out) as { results: Explanation[] }).results;
    if (!explanation) throw new Error(`nothing explained: ${err}`);
    return explanation;
  }

  async function live(objects: readonly object[], options: PreviewOptions = {}): Promise<Ran> {
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const { ran, io } = ioOf(text);
    const given = { filename: ['-'], live: true, kubeconfig, namespace, ...options };
    return { status: await runPreview(given, io), ...ran };
  }

  async function liveResults(
    objects: readonly object[],
    options: PreviewOptions = {},
  ): Promise<LiveResult[]> {
    const { out, err } = await live(objects, { ...options, output: 'json' });
    if (out === '') throw new Error(`nothing printed: ${err}`);
    return (JSON.parse(out) as { results: LiveResult[] }).results;
  }

  async function answersOf(object: object, options: PreviewOptions = {}): Promise<readonly LiveAnswer[]> {
    return (await liveResults([object], options))[0]?.live ?? [];
  }

  async function create(path: string, object: object): Promise<Json> {
    const { status, body } = await world().controlPlane.api('POST', path, object);
    expect(status, JSON.stringify(body)).to.equal(201);
    return body;
  }

  const pods = (): string => `/api/v1/namespaces/${namespace}/pods`;

  /** One line on standard error, nothing on standard output, exit 2. */
  function expectOneLine({ status, out, err }: Ran, line: RegExp): void {
    expect({ status, out }).to.deep.equal({ status: 2, out: '' });
    expect(err).to.match(line);
    expect(err.trimEnd().split('\n')).to.have.length(1);
  }

  describe('the examples of the pages', () => {
    let env: NodeJS.ProcessEnv = {};

    before(async () => {
      const { controlPlane } = world();
      const labels = { 'kube-harden.io/mode': 'enforce' };
      await create('/api/v1/namespaces', { metadata: { name: 'shop', labels } });
      await controlPlane.hasServiceAccount('shop');
      await setMode('shop', 'enforce');
      const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
      env = { KUBECONFIG: await account('writer', rules), HOME: controlPlane.folder.path };
    });

    for (const page of ['docs/preview.md', 'docs/explain.md']) {
      const text = readFileSync(join(ROOT, page), 'utf8');
      const [, ofCluster = ''] = text.split('<!-- cluster -->\n');
      const commands = pageCommands(ofCluster.split('<!-- end of cluster -->')[0] ?? '');
      for (const { script, output } of commands) {
        it(`${page}: ${script.split('\n').at(-1) ?? ''}`, async () => {
          const sources = script.replaceAll('node dist/main.js', `node --import tsx/esm src/main.ts`);
          const ran = await runScript(sources, {
            cwd: ROOT,
            env,
            folders: [dirname(findBinaries().kubectl)],
          });
          expect(ran.code, ran.output).to.equal(0);
          if (output !== undefined && !looksLike(output, ran.output))
            expect(ran.output.trimEnd(), 'what the page shows').to.equal(output);
        });
      }
    }
  });

  describe('preview --live', () => {
    const WORKLOADS: readonly (readonly [title: string, object: object])[] = [
      ['a Pod', podOf('web')],
      ['a Pod without a name', { ...podOf('web'), metadata: { generateName: 'web-' } }],
      ['a Deployment', workload('apps/v1', 'Deployment', 'web')],
      ['a ReplicaSet', workload('apps/v1', 'ReplicaSet', 'web')],
      ['a DaemonSet', workload('apps/v1', 'DaemonSet', 'web')],
      [
        'a ReplicationController',
        workload('v1', 'ReplicationController', 'web', { selector: { app: 'web' } }),
      ],
      [
        'a StatefulSet with a claim',
        workload('apps/v1', 'StatefulSet', 'db', {
          serviceName: 'db',
          template: {
            metadata: { labels: { app: 'db' } },
            spec: {
              containers: [
                { name: 'main', image: IMAGE, volumeMounts: [{ name: 'data', mountPath: '/var/lib/db' }] },
              ],
            },
          },
          volumeClaimTemplates: [
            {
              metadata: { name: 'data' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            },
          ],
        }),
      ],
      [
        'a Job',
        workload('batch/v1', 'Job', 'once', {
          selector: undefined,
          template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: IMAGE }] } },
        }),
      ],
      [
        'a CronJob with as long a name as may be',
        {
          apiVersion: 'batch/v1',
          kind: 'CronJob',
          metadata: { name: 'n'.repeat(52) },
          spec: {
            schedule: '* * * * *',
            jobTemplate: {
              spec: {
                template: {
                  spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: IMAGE }] },
                },
              },
            },
          },
        },
      ],
      [
        'a PodTemplate',
        {
          apiVersion: 'v1',
          kind: 'PodTemplate',
          metadata: { name: 'web' },
          template: { spec: { containers: [{ name: 'main', image: IMAGE }] } },
        },
      ],
    ];
    for (const [title, object] of WORKLOADS) {
      it(`the cluster does what was predicted, and keeps nothing: ${title}`, async () => {
        const { status, out, err } = await live([object]);
        expect({ status, err }).to.deep.equal({ status: 1, err: '' });
        expect(out).to.include(': ').and.to.not.include('different');
        const answers = await answersOf(object);
        const isPod = title.startsWith('a Pod') && !title.includes('Template');
        expect(answers.map(({ sent, verdict, outcome }) => [sent, verdict, outcome])).to.deep.equal(
          isPod
            ? [['object', 'same', 'patched']]
            : [
                ['object', 'same', 'reported'],
                ['pod', 'same', 'patched'],
              ],
        );
        for (const { changes } of answers) expect(changes.length).to.be.above(5);
        const { metadata } = object as { metadata: { name?: string } };
        const { kind, apiVersion } = object as { kind: string; apiVersion: string };
        const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
        const path = `${root}/namespaces/${namespace}/${kind.toLowerCase()}s`;
        const { body } = await world().controlPlane.api('GET', path);
        expect(
          (body.items as { metadata: { name: string } }[]).map((item) => item.metadata.name),
        ).to.not.include(metadata.name ?? 'web-');
      });
    }

    it('asks under another name where its own is taken, also for what kubectl get printed', async () => {
      const stored = await create(pods(), podOf('taken'));
      const cronJob = WORKLOADS.find(([title]) => title.startsWith('a CronJob'))?.[1] ?? {};
      const path = `/apis/batch/v1/namespaces/${namespace}/cronjobs`;
      const { metadata } = await create(path, cronJob);
      // Only its name is wanted: it gives no pods.
      await world().controlPlane.api('PATCH', `${path}/${metadata.name}`, { spec: { suspend: true } });
      expect(
        (await answersOf(podOf('taken'))).map(({ verdict, renamed }) => [verdict, renamed]),
      ).to.deep.equal([['same', true]]);
      const { out } = await live([cronJob]);
      expect(out).to.include('asked under another name, since its own is taken');
      expect(out).to.not.include('different');
      // Hardened already: nothing is left to do.
      const again = await live([stored as object]);
      expect(again.status, again.out + again.err).to.equal(0);
      expect(again.out).to.include('as predicted: changes nothing').and.include('another name');
    });

    it('sends nothing for what has no pod', async () => {
      const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [] } };
      expect(await live([service])).to.deep.equal({ status: 0, out: '', err: '' });
    });

    it('says which field a LimitRange set before the webhook saw it', async () => {
      const here = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
      await create(`/api/v1/namespaces/${here}/limitranges`, {
        metadata: { name: 'limits' },
        spec: { limits: [{ type: 'Container', default: { cpu: '300m' }, defaultRequest: { cpu: '100m' } }] },
      });
      const found = await eventually('the LimitRange in force', async () => {
        const ran = await live([podOf('web')], { namespace: here });
        return ran.out.includes('differs') && ran;
      });
      expect(found.status).to.equal(1);
      expect(found.out.replaceAll(/\s+/g, ' ')).to.include(
        'differs resources spec.containers[0].resources.limits.cpu: predicted "1", the cluster says "300m" ' +
          '(set before the webhook saw it: by a LimitRange, say, or another webhook)',
      );
    });

    it('a refusal is predicted, word for word', async () => {
      await putPolicy('e2e-live-deny', { rules: { privileged: { action: 'Deny' } } });
      const here = await makeNamespace({
        'kube-harden.io/mode': 'enforce',
        'kube-harden.io/policy': 'e2e-live-deny',
      });
      const pod = podOf('web', {
        containers: [{ name: 'main', image: IMAGE, securityContext: { privileged: true } }],
      });
      const answers = await eventually('the policy in force', async () => {
        const found = await answersOf(pod, { namespace: here });
        return found[0]?.outcome === 'denied' && found[0].verdict === 'same' && found;
      });
      expect(answers[0]?.differences).to.deep.equal([]);
      const { status, out } = await live([pod], { namespace: here });
      expect(status).to.equal(1);
      expect(out).to.include('as predicted: refuses it');
    });

    it('mode audit: warnings are compared', async () => {
      const here = await makeNamespace({ 'kube-harden.io/mode': 'audit' });
      const results = await liveResults([podOf('web'), workload('apps/v1', 'Deployment', 'web')], {
        namespace: here,
      });
      expect(
        results.map((result) => result.live.map(({ verdict, outcome }) => [verdict, outcome])),
      ).to.deep.equal([
        [['same', 'reported']],
        [
          ['same', 'reported'],
          ['same', 'reported'],
        ],
      ]);
    });

    it('templates: Mutate: the template itself', async () => {
      await putPolicy('e2e-live-mutate', { templates: 'Mutate' });
      const here = await makeNamespace({
        'kube-harden.io/mode': 'enforce',
        'kube-harden.io/policy': 'e2e-live-mutate',
      });
      const answers = await eventually('the policy in force', async () => {
        const found = await answersOf(workload('apps/v1', 'Deployment', 'web'), { namespace: here });
        return found[0]?.verdict === 'same' && found;
      });
      expect(answers.map(({ sent, outcome }) => [sent, outcome])).to.deep.equal([['object', 'patched']]);
    });

    it('a namespace without the label: the webhook is not called, exit 0', async () => {
      const here = await makeNamespace();
      const { status, out, err } = await live([podOf('web')], { namespace: here });
      expect({ status, err }).to.deep.equal({ status: 0, err: '' });
      expect(out).to.include('the webhook is not called: no label kube-harden.io/mode');
    });

    it('says that the webhook did not answer; under failurePolicy Fail nothing can be compared', async () => {
      const audit = await makeNamespace({ 'kube-harden.io/mode': 'audit' });
      const { endpoints, forwarder } = world();
      endpoints.pause();
      forwarder.setBackends([]);
      forwarder.cut();
      try {
        const ignored = await live([podOf('web')], { namespace: audit });
        expect(ignored.status).to.equal(1);
        expect(ignored.out.replaceAll(/\s+/g, ' ')).to.include(
          'the webhook is not called: the webhook is installed and did not answer: it failed under failurePolicy Ignore',
        );
        const failed = await live([podOf('web')]);
        expect(failed.status).to.equal(2);
        expect(failed.err).to.match(
          /^stdin#0 items\[0\] Pod \S+\/web: not compared: .*failed calling webhook "enforce\.kube-harden\.io"/,
        );
      } finally {
        await world().restore();
      }
    });

    it('tells of others what it can, of what the cluster refuses why, exit 2', async () => {
      const wrong = podOf('wrong', { containers: [{ name: 'Not_A_Name', image: IMAGE }] });
      const { status, out, err } = await live([wrong, podOf('web')]);
      expect(status).to.equal(2);
      expect(out).to.include('not compared: ').and.include('as predicted: sets');
      expect(err).to.match(/^stdin#0 items\[0\] Pod \S+: not compared: .*Not_A_Name.*\n$/);
    });

    it('wrong input: one line, exit 2', async () => {
      const elsewhere = { ...podOf('web'), metadata: { name: 'web', namespace: 'e2e-not-there' } };
      expectOneLine(
        await live([elsewhere]),
        /metadata\.namespace: .*namespaces "e2e-not-there" not found\n$/,
      );
      expectOneLine(await live([podOf('web')], { output: 'sarif' }), /^-o sarif: with --live/);
      expectOneLine(await live([podOf('web')], { mode: 'audit' }), /^--mode: .*leave it out with --live/);
      expectOneLine(await live([podOf('web')], { context: 'nowhere' }), /there is no context "nowhere"/);
    });

    it('without the right to create pods: told of each, exit 2', async () => {
      const viewer = await account('viewer', [
        {
          apiGroups: [''],
          resources: ['namespaces', 'pods', 'limitranges', 'resourcequotas'],
          verbs: ['get', 'list'],
        },
        { apiGroups: ['kube-harden.io'], resources: ['hardeningpolicies'], verbs: ['list'] },
      ]);
      const { status, err } = await live([podOf('web')], { kubeconfig: viewer });
      expect(status).to.equal(2);
      expect(err).to.match(/^stdin#0 items\[0\] Pod \S+\/web: not compared: pods is forbidden: .*create/);
    });
  });

  describe('explain KIND/NAME', () => {
    before(async () => {
      for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
        const name = kind.toLowerCase();
        await create(`/apis/apps/v1/namespaces/${namespace}/${name}s`, workload('apps/v1', kind, name));
      }
    });

    async function podOfOwner(app: string, where = namespace): Promise<string> {
      return eventually(`a pod of ${app}`, async () => {
        const path = `/api/v1/namespaces/${where}/pods?labelSelector=app%3D${app}`;
        const { body } = await world().controlPlane.api('GET', path);
        return (body.items as { metadata: { name: string } }[])[0]?.metadata.name;
      });
    }

    it('a pod of a Deployment: the value before is its template’s, the value after what runs', async () => {
      const pod = await podOfOwner('deployment');
      const told = await explained(`pod/${pod}`);
      expect(told).to.include({ kind: 'Pod', name: pod, namespace, outcome: 'patched', source: 'cluster' });
      expect(told.comparedWith).to.match(/^the template of ReplicaSet deployment-\w+$/);
      expect(told.podSecurity).to.include({ before: 'baseline', after: 'restricted' });
      const changes = told.rules.flatMap((rule) => rule.changes);
      expect(changes.length).to.be.above(10);
      for (const change of changes) expect(runsOtherwise(change), change.field).to.equal(false);
      expect(changes.find(({ field }) => field.endsWith('allowPrivilegeEscalation'))).to.include({
        before: null,
        after: false,
        running: false,
      });
      const { out, status } = await explain(`po/${pod}`, 'allowPrivilegeEscalation');
      expect(status).to.equal(1);
      expect(out).to.match(/^cluster Pod \S+\/deployment-\S+\n {2}policy {8}default, mode enforce\n/);
      expect(out).to.include(
        '    spec.containers[0].securityContext.allowPrivilegeEscalation  unset → false\n',
      );
      expect(out.replaceAll(/\s+/g, ' ')).to.match(
        /compared value before: the template of ReplicaSet deployment-\w+; value after: what the cluster has/,
      );
    });

    it('pods of a StatefulSet, and the workloads themselves under every name', async () => {
      const statefulSet = await explained(`pods/${await podOfOwner('statefulset')}`);
      expect(statefulSet.comparedWith).to.equal('the template of StatefulSet statefulset');
      for (const target of [
        'deploy/deployment',
        'deployments.apps/deployment',
        'Deployment.v1.apps/deployment',
        'sts/statefulset',
        'ds/daemonset',
      ]) {
        const told = await explained(target);
        expect(told, target).to.include({ outcome: 'reported', comparedWith: null });
        expect(told.notice).to.equal('templates: Warn: the template stays as it is, and its pods get this');
      }
    });

    it('names the policy in the cluster that is in force', async () => {
      await putPolicy('e2e-live-own', { rules: { resources: { action: 'Warn', optOut: 'Forbidden' } } });
      const labels = { 'kube-harden.io/policy': 'e2e-live-own', 'kube-harden.io/sshd': 'warn' };
      const here = await makeNamespace({ 'kube-harden.io/mode': 'enforce', ...labels });
      await create(`/apis/apps/v1/namespaces/${here}/deployments`, workload('apps/v1', 'Deployment', 'web'));
      const { out } = await explain('deploy/web', 'resources', { namespace: here });
      expect(out.replaceAll(/\s+/g, ' ')).to.include(
        'in force Warn, HardeningPolicy e2e-live-own (cluster): spec.rules.resources.action opt out no opt-out: ' +
          'policy e2e-live-own forbids it (HardeningPolicy e2e-live-own (cluster))',
      );
      // The namespace has the label: kubectl would refuse to change it.
      const sshd = await explain('deploy/web', 'sshd', { namespace: here });
      expect(sshd.out).to.include(`kubectl label ns ${here} kube-harden.io/sshd=disabled --overwrite`);
    });

    it('a pod that kubectl applied: what was applied; one that was created: that it is not kept', async () => {
      const { controlPlane } = world();
      const args = ['apply', '-n', namespace, '-f', '-'];
      await controlPlane.kubectlOutput(args, { input: podOf('applied') });
      const applied = await explained('pod/applied');
      expect(applied.comparedWith).to.equal('the manifest that was last applied');
      expect(applied.rules.flatMap(({ changes }) => changes).length).to.be.above(10);
      await controlPlane.kubectlOutput(['apply', '--server-side', '-n', namespace, '-f', '-'], {
        // Empty as charts write them: what the webhook puts in there is not their author's.
        input: podOf('by-server', {
          containers: [
            { name: 'main', image: 'registry.example/shop/web:1', securityContext: {}, resources: {} },
          ],
        }),
      });
      const byServer = await explained('pod/by-server');
      expect(byServer.comparedWith).to.equal('the manifest that was last applied');
      const valuesOf = ({ rules }: Explanation): unknown[] =>
        rules.flatMap(({ changes }) => changes.map(({ field, before, after }) => [field, before, after]));
      expect(valuesOf(byServer)).to.deep.equal(valuesOf(applied));
      await create(pods(), podOf('created'));
      const created = await explained('pod/created');
      expect(created.comparedWith).to.equal(null);
      expect(created.notice).to.match(
        /^hardened already \(runAsNonRoot, .*\); what its author wrote is not kept/,
      );
    });

    it('templates: Mutate: what was last applied to the Deployment', async () => {
      await putPolicy('e2e-live-mutate', { templates: 'Mutate' });
      const labels = { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': 'e2e-live-mutate' };
      const here = await makeNamespace(labels);
      const deployment = workload('apps/v1', 'Deployment', 'mutated');
      await world().controlPlane.kubectlOutput(['apply', '-n', here, '-f', '-'], { input: deployment });
      const told = await explained('deploy/mutated', { namespace: here });
      expect(told).to.include({ outcome: 'patched', comparedWith: 'the manifest that was last applied' });
      const pod = await explained(`pod/${await podOfOwner('mutated', here)}`, { namespace: here });
      expect(pod.comparedWith).to.equal('the last applied template of Deployment mutated');
      for (const change of [told, pod].flatMap(({ rules }) => rules.flatMap(({ changes }) => changes)))
        expect(runsOtherwise(change), change.field).to.equal(false);
    });

    it('says where what runs is another value, and what the policy would not change today', async () => {
      const here = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
      const pod = podOf('old');
      await world().controlPlane.kubectlOutput(['apply', '-n', here, '-f', '-'], { input: pod });
      await putPolicy('e2e-live-later', {
        rules: {
          resources: { action: 'Default', limits: { cpu: '3' } },
          seccompProfile: { action: 'Disabled' },
        },
      });
      await label(here, { 'kube-harden.io/policy': 'e2e-live-later' });
      const told = await explained('pod/old', { namespace: here });
      expect(told.warnings).to.deep.equal([
        "kube-harden.io/changed names seccompProfile, which today's policy and labels would not change",
      ]);
      const { out } = await explain('pod/old', 'resources', { namespace: here });
      expect(out.replaceAll(/\s+/g, ' ')).to.include('unset → "3"; the cluster has "1"');
    });

    it('a pod that was created without: that it runs as it is; a namespace without the label', async () => {
      const here = await makeNamespace();
      await create(`/api/v1/namespaces/${here}/pods`, podOf('plain'));
      const off = await explain('pod/plain', undefined, { namespace: here });
      expect(off.status).to.equal(0);
      expect(off.out.replaceAll(/\s+/g, ' ')).to.include(
        'outcome ignored: no label kube-harden.io/mode; --mode enforce tells what would be',
      );
      const would = await explained('pod/plain', { namespace: here, mode: 'enforce' });
      expect(would.notice).to.equal('it runs as it is; a pod that is created now gets this');
      expect(would.rules.flatMap(({ changes }) => changes).length).to.be.above(10);
    });

    it('wrong input: one line, exit 2', async () => {
      expectOneLine(await explain('pod/not-there'), /: pods "not-there" not found\n$/);
      expectOneLine(
        await explain('pod/web', undefined, { context: 'nowhere' }),
        /there is no context "nowhere"/,
      );
      expectOneLine(await explain('svc/web'), /"svc" is no kind of workload/);
      const nothing = await account('nothing', []);
      expectOneLine(
        await explain('deploy/deployment', undefined, { kubeconfig: nothing }),
        / forbids it: deployments\.apps "deployment" is forbidden/,
      );
    });
  });
});
