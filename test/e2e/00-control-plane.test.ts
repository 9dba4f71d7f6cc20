import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { kubernetesVersion } from './controlPlane/build.js';
import { ControlPlane } from './controlPlane/controlPlane.js';
import { eventually } from './support/wait.js';
import { watchdogName } from './support/watchdog.js';
import { makeNamespace, world } from './support/world.js';

interface List {
  readonly items: readonly {
    metadata: { name: string; ownerReferences?: { kind: string }[] };
    status: { phase?: string };
  }[];
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'shop' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'shop' } },
    template: {
      metadata: { labels: { app: 'shop' } },
      spec: { containers: [{ name: 'web', image: 'docker.io/library/nginx:1.29' }] },
    },
  },
};

describe('the control plane', () => {
  it('is Kubernetes as go.mod names it', async () => {
    const { body } = await world().controlPlane.api<{ gitVersion: string }>('GET', '/version');
    const assets = process.env['KUBEBUILDER_ASSETS'];
    if (assets === undefined) expect(body.gitVersion).to.equal(kubernetesVersion());
    else expect(body.gitVersion).to.match(/^v1\.\d+\.\d+/);
  });

  it('makes a ReplicaSet and Pods of a Deployment, which wait for a scheduler', async () => {
    const { controlPlane } = world();
    const namespace = await makeNamespace();
    await controlPlane.kubectlOutput(['create', '-n', namespace, '-f', '-'], { input: deployment });
    const pods = await eventually('two pods', async () => {
      const { body } = await controlPlane.api<List>('GET', `/api/v1/namespaces/${namespace}/pods`);
      return body.items.length === 2 && body.items;
    });
    expect(pods.map(({ metadata }) => metadata.ownerReferences?.[0]?.kind)).to.deep.equal([
      'ReplicaSet',
      'ReplicaSet',
    ]);
    expect(pods.map(({ status }) => status.phase)).to.deep.equal(['Pending', 'Pending']);
  });

  it('logs who asked for what, and what came of it', async () => {
    const { controlPlane } = world();
    const namespace = await makeNamespace();
    const user = { name: 'jane', groups: ['shop:editors'] };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const { status } = await controlPlane.api('GET', path, undefined, { user });
    const event = await controlPlane.auditEvent({ user: 'jane', namespace, resource: 'pods', verb: 'list' });
    expect(status).to.equal(403);
    expect(event.user.groups).to.deep.equal(['shop:editors', 'system:authenticated']);
    expect(event.responseStatus?.code).to.equal(403);
    expect(event.annotations).to.include({ 'authorization.k8s.io/decision': 'forbid' });
  });

  it('knows a ServiceAccount by its token, in kubectl as in a call', async () => {
    const { controlPlane } = world();
    const namespace = await makeNamespace();
    const name = `system:serviceaccount:${namespace}:default`;
    const kubeconfig = await controlPlane.serviceAccountKubeconfig(namespace, 'default');
    const review = await controlPlane.kubectlOutput(['auth', 'whoami', '-o', 'json'], { kubeconfig });
    expect(
      (JSON.parse(review) as { status: { userInfo: { username: string } } }).status.userInfo.username,
    ).to.equal(name);
    const token = await controlPlane.serviceAccountToken(namespace, 'default');
    const { body } = await controlPlane.api<{ message: string }>('GET', '/api/v1/nodes', undefined, {
      user: { token },
    });
    expect(body.message).to.include(`User "${name}" cannot list resource "nodes"`);
  });

  it('gives the texts of warnings as they were meant, quotes and all', async () => {
    const { controlPlane } = world();
    const namespace = await makeNamespace({ 'pod-security.kubernetes.io/warn': 'restricted' });
    const pod = { metadata: { name: 'web' }, spec: deployment.spec.template.spec };
    const { status, warnings } = await controlPlane.api(
      'POST',
      `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
      pod,
    );
    expect(status).to.equal(201);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include(
      'would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web"',
    );
  });
});

describe('a control plane of one test', function () {
  this.timeout(120_000);
  let own: ControlPlane;

  before(async () => (own = await ControlPlane.start()));
  after(() => own.stop());

  it('restarts its API server gracefully, at the same address, with what it held', async () => {
    await own.kubectlOutput(['create', 'namespace', 'kept']);
    // Watches are open: those of the controllers.
    expect(await own.stopApiServer()).to.deep.equal({ code: 0, signal: null });
    const refused = await own.kubectl(['get', 'namespaces']);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include('refused');
    await own.startApiServer();
    expect((await own.api('GET', '/api/v1/namespaces/kept')).status).to.equal(200);
  });

  it('stands without etcd, not ready, and recovers with it', async () => {
    await own.stopEtcd();
    // Which of its checks notices first differs.
    await eventually('readiness names etcd', async () => {
      const { status, body } = await own.api<string>('GET', '/readyz?verbose');
      return status === 500 && body.includes('[-]etcd failed');
    });
    await own.startEtcd();
    await eventually(
      'the API server ready',
      async () => (await own.api('GET', '/readyz')).status === 200,
      30_000,
    );
    expect((await own.api('GET', '/api/v1/namespaces/kept')).status).to.equal(200);
  });

  it('leaves nothing behind when it is stopped', async () => {
    await own.stop();
    expect(processesOf(own.folder.path)).to.deep.equal([]);
    expect(existsSync(own.folder.path)).to.equal(false);
  });
});

describe('a run that is interrupted', function () {
  this.timeout(120_000);
  const held = new Map<NodeJS.Signals, Held>();

  before(async () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) held.set(signal, await hold());
  });
  after(() => {
    for (const { child, folder } of held.values()) {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const [signal, keepsItsWord] of [
    ['SIGINT', true],
    ['SIGTERM', true],
    // Nobody is left to say anything; the next runs remove the folder.
    ['SIGKILL', false],
  ] as const) {
    it(`leaves no process on ${signal}`, async () => {
      const { child, folder, output } = await heldBy(signal);
      expect(processesOf(folder)).to.have.length(3);
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      await eventually('all processes gone', () => processesOf(folder).length === 0);
      await eventually('its watchdog gone', () => processesOf(watchdogName(child.pid ?? 0)).length === 0);
      expect(existsSync(join(folder, 'logs', 'kube-apiserver.log'))).to.equal(true);
      if (keepsItsWord) expect(output()).to.include(`e2e logs: ${folder}/logs`);
    });
  }

  async function heldBy(signal: NodeJS.Signals): Promise<Held> {
    return held.get(signal) ?? hold();
  }
});

interface Held {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly output: () => string;
}

async function hold(): Promise<Held> {
  const script = join(import.meta.dirname, 'support', 'holdControlPlane.ts');
  const child = spawn(process.execPath, ['--import', 'tsx/esm', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  for await (const line of createInterface(child.stdout)) {
    const { folder } = JSON.parse(line) as { folder: string };
    return { child, folder, output: () => output };
  }
  throw new Error(`it ended before its control plane was ready: ${output}`);
}

/** The ids of processes whose command line has this in it; one that has ended and was not reaped has none. */
function processesOf(part: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((id) => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(part);
      } catch {
        return false; // gone while we looked
      }
    })
    .map(Number);
}
