import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { CommandError } from '../../src/cli/commandError.js';
import { runLearn, type LearnFlags } from '../../src/cli/learn.js';
import type { LearnDeps } from '../../src/cli/learnRun.js';
import type { Observation } from '../../src/learn/observation.js';
import { COPY_LABEL } from '../../src/learn/verifyCopy.js';
import { observationOf } from '../learn/support/observations.js';
import type { Json } from './controlPlane/apiClient.js';
import { makeNode, removeNode } from './support/nodes.js';
import { label } from './support/podRequests.js';
import { bindClusterRole, makeClusterRole, untilAllowed, type PolicyRule } from './support/rbac.js';
import { eventually, pause } from './support/wait.js';
import { makeNamespace, world } from './support/world.js';

const PAGE = readFileSync(new URL('../../docs/learn.md', import.meta.url), 'utf8');

const IMAGE = 'registry.example/shop/web:1';
/** Neither an environment value nor a Secret's content may be printed. */
const PLANTED = ['p1anted-env-value', 'p1anted-secret-value', 'p1anted-argument'];
const [ENV_VALUE = '', SECRET_VALUE = '', ARGUMENT = ''] = PLANTED;
const PACE = { everyMs: 100, settleMs: 300 };

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly Json[];
    readonly deletionTimestamp?: string;
  };
  readonly spec: Json;
}

/** What a program of the uid 999 that writes to /run shows; on the node's network only root could use port 80. */
function look(seen: Partial<Observation> = { listeners: [] }): LearnDeps['look'] {
  return (_, { pod, container }) => {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    return Promise.resolve(observationOf({ pod: name, namespace, container, image: IMAGE, ...seen }));
  };
}

/** By exec, as users do. */
const REALLY: Partial<LearnDeps> = {};

/** A Deployment whose pods have what a copy must not have. */
function deploymentOf(node: string): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: {
          labels: { app: 'web', team: 'shop' },
          annotations: { 'example.org/address': '10.0.0.7' },
        },
        spec: {
          nodeName: node,
          hostNetwork: true,
          readinessGates: [{ conditionType: 'example.org/behind-balancer' }],
          volumes: [
            { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
            { name: 'logs', hostPath: { path: '/var/log/web', type: 'DirectoryOrCreate' } },
            { name: 'clock', hostPath: { path: '/etc/localtime', type: 'File' } },
            { name: 'share', nfs: { server: 'nfs.example', path: '/share' } },
            { name: 'password', secret: { secretName: 'password' } },
            { name: 'scratch', emptyDir: {} },
          ],
          containers: [
            {
              name: 'app',
              image: IMAGE,
              args: ['--token', ARGUMENT],
              env: [
                { name: 'TOKEN', value: ENV_VALUE },
                { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'password', key: 'word' } } },
              ],
              ports: [{ containerPort: 8080 }],
              volumeMounts: [
                { name: 'data', mountPath: '/data' },
                { name: 'logs', mountPath: '/var/log/web' },
                { name: 'clock', mountPath: '/etc/localtime' },
                { name: 'share', mountPath: '/share' },
                { name: 'password', mountPath: '/etc/password' },
                { name: 'scratch', mountPath: '/scratch' },
              ],
            },
          ],
        },
      },
    },
  };
}

const NOW = '2026-01-01T00:00:00Z';
const RUNNING = { running: { startedAt: NOW } };
/** It has not begun: nothing can be said of it yet. */
const STARTING = { waiting: { reason: 'ContainerCreating' } };
const CRASHING = {
  waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' },
};

function statusOf(state: Json, ready: boolean, container = 'app', restartCount = ready ? 0 : 3): Json {
  const status = ready ? 'True' : 'False';
  return {
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status, lastTransitionTime: NOW }],
      containerStatuses: [{ name: container, image: IMAGE, imageID: 'sha256:0', ready, restartCount, state }],
    },
  };
}

/** Plays the kubelet for copies: says how they are, and removes them when they are deleted. */
class Copies {
  readonly seen: Pod[] = [];
  private isOver = false;
  private readonly done: Promise<void>;

  constructor(
    private readonly namespace: string,
    state: Json,
    ready: boolean,
    restarts?: number,
  ) {
    this.done = this.play(statusOf(state, ready, 'app', restarts));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.done;
  }

  private async play(status: Json): Promise<void> {
    while (!this.isOver) {
      for (const pod of await copiesIn(this.namespace)) {
        const { name, deletionTimestamp } = pod.metadata;
        const path = `/api/v1/namespaces/${this.namespace}/pods/${name}`;
        if (deletionTimestamp !== undefined)
          await world().controlPlane.api('DELETE', path, { gracePeriodSeconds: 0 });
        else if (!this.seen.some(({ metadata }) => metadata.name === name)) {
          this.seen.push(pod);
          await world().controlPlane.api('PATCH', `${path}/status`, status);
        }
      }
      await pause(50);
    }
  }
}

async function copiesIn(namespace: string): Promise<readonly Pod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(COPY_LABEL)}`;
  return (await world().controlPlane.api<{ items: Pod[] }>('GET', path)).body.items;
}

async function podsOf(namespace: string, selector: string): Promise<readonly Pod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`;
  return (await world().controlPlane.api<{ items: Pod[] }>('GET', path)).body.items;
}

async function post(path: string, object: Json): Promise<void> {
  const { status, body } = await world().controlPlane.api('POST', path, object);
  if (status !== 201) throw new Error(`${path}: not made: ${JSON.stringify(body)}`);
}

describe('learn, on the API server', function () {
  this.timeout(120_000);
  let folder = '';
  let node = '';
  let namespace = '';
  let admin = '';

  before(async () => {
    const { controlPlane } = world();
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-learn-'));
    node = await makeNode();
    namespace = await makeNamespace();
    admin = await accountWith('learner', roleInDocs());
    const home = `/api/v1/namespaces/${namespace}`;
    await post(`${home}/secrets`, { metadata: { name: 'password' }, stringData: { word: SECRET_VALUE } });
    await post(`${home}/services`, {
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await post(`/apis/apps/v1/namespaces/${namespace}/deployments`, deploymentOf(node));
    await eventually(
      'the pods of the Deployment',
      async () => (await podsOf(namespace, 'app=web')).length === 2,
    );
    for (const { metadata } of await podsOf(namespace, 'app=web'))
      await controlPlane.api('PATCH', `${home}/pods/${metadata.name}/status`, statusOf(RUNNING, true));
  });
  after(async () => {
    await removeNode(node);
    rmSync(folder, { recursive: true });
  });

  /** The kubeconfig of a new ServiceAccount with these rights. */
  async function accountWith(name: string, rules: readonly PolicyRule[]): Promise<string> {
    await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    await makeClusterRole(`e2e-learn-${name}`, rules);
    await bindClusterRole(`e2e-learn-${name}`, `${namespace}:${name}`);
    const kubeconfig = await world().controlPlane.serviceAccountKubeconfig(namespace, name);
    for (const rule of rules.slice(0, 1)) await untilAllowed(kubeconfig, rule, namespace);
    return kubeconfig;
  }

  /** The ClusterRole that the page gives. */
  function roleInDocs(): readonly PolicyRule[] {
    const blocks = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
      parseAllDocuments(text),
    );
    const roles = blocks.map((document) => document.toJS() as { kind?: string; rules?: PolicyRule[] });
    return roles.flatMap(({ kind, rules = [] }) => (kind === 'ClusterRole' ? rules : []));
  }

  async function learn(
    target: string,
    flags: LearnFlags,
    deps: Partial<LearnDeps> = { look: look() },
  ): Promise<{ problems: readonly string[]; out: string; err: string }> {
    let [out, err] = ['', ''];
    let problems: readonly string[] = [];
    try {
      await runLearn(
        target,
        { kubeconfig: admin, namespace, ...flags },
        {
          stdout: (text) => void (out += text),
          stderr: (text) => void (err += text),
          stdin: () => Promise.reject(new Error('nothing is read')),
          colour: false,
          showsProgress: false,
        },
        { verifyPace: PACE, ...deps },
      );
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      expect(error.exitCode).to.equal(2);
      problems = error.lines;
    }
    for (const planted of PLANTED) expect(out + err + problems.join()).to.not.include(planted);
    return { problems, out, err };
  }

  it('learns from all replicas of a Deployment, with the rights of the page', async () => {
    const { problems, out, err } = await learn('deploy/web', {});
    expect(problems).to.deep.equal([]);
    const [profile] = parse(out) as { images: string[]; runAsUser: number; writablePaths: string[] }[];
    expect(profile?.images).to.deep.equal(['registry.example/shop/web']);
    expect(profile?.runAsUser).to.equal(999);
    expect(err).to.equal('');
    const { looks } = JSON.parse((await learn('deploy/web', { output: 'json' })).out).learned[0];
    expect(looks.map(({ pod }: { pod: string }) => pod).sort()).to.deep.equal(
      (await podsOf(namespace, 'app=web')).map(({ metadata }) => metadata.name).sort(),
    );
  });

  it('tells what a copy would be and reach, and starts none without --yes', async () => {
    const { problems, out, err } = await learn('deploy/web', { verify: true });
    expect(out).to.equal('');
    expect(err).to.include('  starts container app (registry.example/shop/web:1)\n');
    expect(err).to.include('  reads the same Secret: password\n');
    expect(problems).to.deep.equal(['--verify: add --yes where the program may do its work a second time']);
    expect(await copiesIn(namespace)).to.deep.equal([]);
  });

  it('tries the profile on a copy that nobody takes for one of the originals, and removes it', async () => {
    const before = (await podsOf(namespace, 'app=web')).map(({ metadata }) => metadata.name).sort();
    const copies = new Copies(namespace, RUNNING, true);
    const { problems, err } = await learn('deploy/web', { verify: true, yes: true });
    await copies.stop();
    expect(problems).to.deep.equal([]);
    expect(err).to.match(/^verified: pod web-\S+-learn-\w{5}: it became ready and stayed so$/m);
    const [copy, ...others] = copies.seen;
    expect(others).to.deep.equal([]);
    expect(copy?.metadata.labels).to.deep.equal({ [COPY_LABEL]: 'true' });
    expect(copy?.metadata.ownerReferences).to.equal(undefined);
    const { spec } = copy ?? {};
    expect(spec.nodeName).to.equal(node);
    expect(spec.hostNetwork ?? false).to.equal(false);
    expect(spec.readinessGates).to.equal(undefined);
    const sources = Object.fromEntries(
      spec.volumes.map(({ name, ...source }: Json) => [name, Object.keys(source as object).join()]),
    ) as Record<string, string>;
    expect(sources).to.include({ data: 'emptyDir', logs: 'emptyDir', share: 'emptyDir', password: 'secret' });
    expect(sources).to.not.have.property('clock');
    const [container] = spec.containers;
    expect(container.ports.map(({ hostPort }: Json) => hostPort as unknown)).to.deep.equal([undefined]);
    expect(container.securityContext).to.include({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
    });
    expect(spec.securityContext.runAsUser ?? container.securityContext.runAsUser).to.equal(999);
    expect(await copiesIn(namespace)).to.deep.equal([]);
    expect((await podsOf(namespace, 'app=web')).map(({ metadata }) => metadata.name).sort()).to.deep.equal(
      before,
    );
    for (const line of ['persistentVolumeClaim data', 'hostPath /var/log/web', 'nfs', 'readiness gates'])
      expect(err).to.match(new RegExp(`^note: not tested: .*${line}`, 'm'));
    const said = world().controlPlane.auditEvents({
      resource: 'pods',
      namespace,
      name: copy?.metadata.name ?? '',
    });
    const ours = said.filter(({ userAgent }) => userAgent === 'kube-harden').map(({ verb }) => verb);
    expect(ours).to.include.members(['create', 'get', 'delete']);
  });

  it('is the same where the namespace hardens its pods itself', async () => {
    await label(namespace, { 'kube-harden.io/mode': 'enforce' });
    const copies = new Copies(namespace, RUNNING, true);
    try {
      const { problems, err } = await learn('deploy/web', { verify: true, yes: true });
      expect(problems).to.deep.equal([]);
      expect(err).to.not.include("the cluster's webhook changed");
    } finally {
      await copies.stop();
      await label(namespace, { 'kube-harden.io/mode': null });
    }
  });

  it('says that a copy does not start, does not write the policy then, and removes the copy', async () => {
    const file = join(folder, 'policy.yaml');
    const text =
      'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: default}\nspec: {}\n';
    writeFileSync(file, text);
    const copies = new Copies(namespace, CRASHING, false);
    const { problems, err } = await learn('deploy/web', {
      verify: true,
      yes: true,
      policy: file,
      write: true,
    });
    await copies.stop();
    expect(problems).to.have.length(1);
    expect(problems[0]).to.match(/^not verified: pod web-\S+: container "app" is in CrashLoopBackOff$/);
    expect(err).to.include(`${file}: not written`);
    expect(readFileSync(file, 'utf8')).to.equal(text);
    expect(await copiesIn(namespace)).to.deep.equal([]);
  });

  it('removes the copy where it is interrupted', async () => {
    const copies = new Copies(namespace, STARTING, false, 0);
    const controller = new AbortController();
    const learned = learn(
      'deploy/web',
      { verify: true, yes: true },
      { look: look(), signal: controller.signal },
    );
    await eventually('the copy', () => copies.seen.length > 0);
    controller.abort();
    const { problems } = await learned;
    await copies.stop();
    expect(problems[0]).to.include('interrupted');
    expect(copies.seen).to.have.length(1);
    expect(await copiesIn(namespace)).to.deep.equal([]);
  });

  it('puts the profile into a policy file', async () => {
    const file = join(folder, 'own.yaml');
    writeFileSync(
      file,
      'apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: default} # ours\nspec: {}\n',
    );
    const diff = await learn('deploy/web', { policy: file });
    expect(diff.out).to.match(/^\+ {2}imageProfiles:$/m);
    const { problems, out, err } = await learn('deploy/web', { policy: file, write: true });
    expect(problems).to.deep.equal([]);
    expect(out).to.include('runAsUser: 999');
    expect(err).to.include(`${file}: written`);
    const text = readFileSync(file, 'utf8');
    expect(text).to.include('metadata: {name: default} # ours\n');
    expect(parse(text).spec.imageProfiles[0].images).to.deep.equal(['registry.example/shop/web']);
  });

  it('keeps what is written into the policy file while it looks', async () => {
    const file = join(folder, 'shared.yaml');
    const text = (spec: string): string =>
      `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: default}\nspec: ${spec}\n`;
    writeFileSync(file, text('{}'));
    const seen = look();
    const { problems, err } = await learn(
      'deploy/web',
      { policy: file, write: true },
      {
        look: (...given) => {
          writeFileSync(file, text('{warnings: None}'));
          return seen(...given);
        },
      },
    );
    expect(problems).to.deep.equal([]);
    expect(err).to.include(`note: ${file} was changed meanwhile: the profile goes into what it holds now\n`);
    const { spec } = parse(readFileSync(file, 'utf8')) as {
      spec: { warnings: string; imageProfiles: unknown[] };
    };
    expect([spec.warnings, spec.imageProfiles.length]).to.deep.equal(['None', 1]);
  });

  it('names what is forbidden', async () => {
    const reader = await accountWith('reader', [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get', 'list'] },
    ]);
    const exec = await learn('deploy/web', { kubeconfig: reader }, REALLY);
    expect(exec.problems.join('\n')).to.match(/cannot (?:create|get) resource "pods\/exec"/);
    const copy = await learn('deploy/web', { kubeconfig: reader, verify: true, yes: true });
    expect(copy.problems.join('\n')).to.match(/cannot create resource "pods"/);
    expect(copy.err).to.match(/^note: .*namespaces? .*is taken for it$/m);
    const none = await learn('sts/data', { kubeconfig: reader });
    expect(none.problems.join('\n')).to.match(/cannot get resource "statefulsets"/);
  });

  it('says why nothing of a pod can be looked at', async () => {
    const spec = { containers: [{ name: 'app', image: IMAGE }] };
    const home = `/api/v1/namespaces/${namespace}/pods`;
    const make = async (name: string, more: object, status?: Json): Promise<void> => {
      await post(home, { metadata: { name }, spec: { ...spec, ...more } });
      if (status) await world().controlPlane.api('PATCH', `${home}/${name}/status`, status);
    };
    const lost = await makeNode();
    await world().controlPlane.api('PATCH', `/api/v1/nodes/${lost}/status`, {
      status: { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }] },
    });
    await make('pending', {});
    await make('windows', { os: { name: 'windows' } });
    await make('lost', { nodeName: lost }, statusOf(RUNNING, true));
    await make('crashing', { nodeName: node }, statusOf(CRASHING, false));
    const said = async (target: string, flags: LearnFlags = {}): Promise<string> =>
      (await learn(target, flags)).problems.join('\n');
    expect(await said('pending')).to.include('pod pending is Pending');
    expect(await said('pod/windows')).to.include('is a Windows pod');
    expect(await said('lost')).to.include(`is on a lost node (${lost})`);
    expect(await said('crashing')).to.include(
      'container "app" of pod crashing is waiting (CrashLoopBackOff)',
    );
    expect(await said('deploy/web', { container: 'other' })).to.include(
      'has no container "other"; it has app',
    );
    expect(await said('nobody')).to.include('there is no pod "nobody"');
    await removeNode(lost);
  });
});
