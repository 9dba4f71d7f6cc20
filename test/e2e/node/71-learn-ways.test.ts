import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import type { Json } from '../controlPlane/apiClient.js';
import { bindClusterRole, makeClusterRole } from '../support/rbac.js';
import { eventually, pause } from '../support/wait.js';
import { makeNamespace, world } from '../support/world.js';
import { kubeHarden } from './command.js';
import { askUntilRead } from './doctor/askUntilRead.js';
import { deploy, podOfDeployment } from './doctor/deployment.js';
import { CLIENT } from './images/client.js';
import { staticArchive } from './images/staticArchive.js';
import { keeper } from './learn/keeper.js';
import { learnProgram, type Learned } from './learn/learnedProgram.js';
import { BUSYBOX, KEEPER, STATIC_IMAGES } from './learn/staticImages.js';
import { expectServed } from './programRun.js';
import { ProgramPod } from './programPod.js';
import { sleeper } from './sleeper.js';
import { theNode } from './theNode.js';

/** Of what is planted in a container, and must never be printed. */
const WORDS = {
  environment: 'swordfish-of-the-environment',
  argument: 'swordfish-of-an-argument',
  secret: 'swordfish-of-a-secret',
  file: 'swordfish-of-a-file',
} as const;

describe('learn, by its ways into a container', function () {
  this.timeout(300_000);

  before(async () => {
    for (const image of STATIC_IMAGES) await theNode().importImage(await staticArchive(image));
  });

  describe('an image without a shell', () => {
    let learned: Learned;

    before(async () => {
      learned = await learnProgram(keeper, { args: ['--debug-image', BUSYBOX.name] });
    });

    it('is learnt through a debug container beside it', () => {
      const { command, profile } = learned;
      expect(command.code, command.stderr).to.equal(0);
      expect(command.stdout + command.stderr).to.include(BUSYBOX.name);
      expect(profile).to.deep.include({ ports: [80], writablePaths: ['/var/lib/keeper'] });
    });

    it('serves with what was learned under default, also after it was killed', () => {
      expectServed(learned.hardened);
      const { podSpec } = learned.hardened ?? {};
      expect({ ...podSpec.securityContext, ...podSpec.containers[0].securityContext }).to.deep.include({
        runAsNonRoot: true,
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
    });

    it('keeps nothing of it: no file, no process, and the debug container has ended', async () => {
      expect(learned.left).to.deep.equal([]);
      expect(learned.stayed).to.deep.equal([]);
      const pod = await running(keeper.pod(KEEPER.name));
      const args = ['learn', pod.name, '--namespace', pod.namespace, '--debug-image', BUSYBOX.name];
      expect(await kubeHarden(args)).to.include({ code: 0 });
      // It lives for a minute, and is taken again by a second look.
      const hasEnded = async (): Promise<Json> => {
        const [status] = (await statusOf(pod)).ephemeralContainerStatuses ?? [];
        return status?.state.terminated;
      };
      const ended = await eventually('the debug container ended', hasEnded, 90_000, 1000);
      expect(ended.exitCode).to.equal(0);
      // Nothing became a child of the program, which would have to see to its end.
      const [first] = await pod.processes();
      expect(readFileSync(`/proc/${first?.pid}/task/${first?.pid}/children`, 'utf8')).to.equal('');
    });

    it('is not guessed at without a debug image: it says how', async () => {
      const pod = await running(keeper.pod(KEEPER.name));
      const { code, stdout, stderr } = await kubeHarden(['learn', pod.name, '--namespace', pod.namespace]);
      expect(code).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.include('--debug-image');
      expect(stderr.trimEnd().split('\n')).to.have.length(1);
    });
  });

  describe('a container that cannot be looked into', () => {
    it('for want of rights: the API server says which, in one line', async () => {
      const pod = await running(sleeper('quiet', CLIENT.name).spec);
      await makeClusterRole('e2e-learn-looks', [
        { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['get', 'list'] },
      ]);
      await bindClusterRole('e2e-learn-looks', 'onlooker');
      const kubeconfig = await world().controlPlane.kubeconfigFor('onlooker');
      const args = ['learn', pod.name, '--namespace', pod.namespace];
      const result = await eventually('the right to see the pod', async () => {
        const tried = await kubeHarden(args, { kubeconfig });
        return !tried.stderr.includes('cannot get resource "pods" ') && tried;
      });
      expect(result.code).to.equal(2);
      expect(result.stdout).to.equal('');
      expect(result.stderr)
        .to.match(/pods\/exec/)
        .and.match(/onlooker/);
    });

    it('because it ends meanwhile: soon, and with a word on it', async () => {
      // The look lasts until the pod is gone: its find does not come back.
      const slow = 'printf "#!/bin/sh\\nsleep 100\\n" > /usr/local/bin/find && chmod +x /usr/local/bin/find';
      const pod = await running({
        ...sleeper('brief', CLIENT.name, { command: ['sh', '-c', `${slow}; exec sleep infinity`] }).spec,
        restartPolicy: 'Never',
      });
      const began = performance.now();
      const looked = kubeHarden(['learn', pod.name, '--namespace', pod.namespace]);
      await pause(4000);
      await pod.remove();
      const { code, stdout, stderr } = await looked;
      expect(code, stderr).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.match(/learnt/);
      expect(performance.now() - began).to.be.below(30_000);
    });

    it('to its last file, for there are too many: what is seen is bounded', async () => {
      const names = 'i=0; while [ $i -lt 20000 ]; do : > "/many/$i"; i=$((i+1)); done';
      const pod = await running(
        sleeper('many', CLIENT.name, { command: ['sh', '-c', `mkdir /many; ${names}; exec sleep infinity`] })
          .spec,
      );
      await eventually(
        'all files there',
        async () => (await pod.processes()).some(({ command }) => command.startsWith('sleep')),
        60_000,
        500,
      );
      const { code, stdout, stderr } = await kubeHarden(['learn', pod.name, '--namespace', pod.namespace]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.include('/many');
      expect(stdout.length).to.be.below(1 << 20);
      expect((await pod.processes()).map(({ command }) => command)).to.deep.equal(['sleep infinity']);
    });
  });

  it('prints no environment value, no argument, no secret and no token', async () => {
    const namespace = await makeNamespace();
    const { controlPlane } = world();
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'planted' },
      stringData: { key: WORDS.secret },
    };
    await controlPlane.api('POST', `/api/v1/namespaces/${namespace}/secrets`, secret);
    const container = {
      command: ['sh', '-c', `echo ${WORDS.file} > /opt/kept; sleep infinity; : "$0"`, WORDS.argument],
      env: [
        { name: 'PASSWORD', value: WORDS.environment },
        { name: 'OTHER', valueFrom: { secretKeyRef: { name: 'planted', key: 'key' } } },
      ],
      volumeMounts: [{ name: 'planted', mountPath: '/planted' }],
    };
    const pod = await running(
      {
        ...sleeper('telling', CLIENT.name, container).spec,
        volumes: [{ name: 'planted', secret: { secretName: 'planted' } }],
      },
      namespace,
    );
    const token = await controlPlane.kubectlOutput([
      ...['exec', '--namespace', namespace, pod.name, '--'],
      ...['cat', '/var/run/secrets/kubernetes.io/serviceaccount/token'],
    ]);
    expect(token).to.match(/^ey/);
    for (const args of [
      ['-o', 'yaml'],
      ['-o', 'json'],
      ['-o', 'json', '--verify'],
      ['--verify', '--yes', '-o', 'json'],
    ]) {
      const { stdout, stderr } = await kubeHarden(['learn', pod.name, '--namespace', namespace, ...args]);
      const said = stdout + stderr;
      expect(said).to.have.length.above(50);
      for (const word of [...Object.values(WORDS), token]) expect(said).not.to.include(word);
    }
  });
});

describe('learn --verify of a Deployment', function () {
  this.timeout(180_000);

  it('starts a copy that is not taken for the original, and removes it', async () => {
    const namespace = await makeNamespace();
    const spec = sleeper('idle', CLIENT.name, {
      command: ['sh', '-c', 'echo > /opt/kept; exec sleep infinity'],
    }).spec;
    await deploy(namespace, 'idle', spec);
    const original = await podOfDeployment(namespace, 'idle');
    await original.becomesReady();
    const uid = await original.uid();

    const seen = new Map<string, Json>();
    const over = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted) {
        for (const pod of await podsIn(namespace)) seen.set(pod.metadata.name, pod);
        await pause(200);
      }
    })();
    const { code, stderr } = await kubeHarden([
      'learn',
      'deploy/idle',
      '--namespace',
      namespace,
      '--verify',
      '--yes',
    ]);
    over.abort();
    await watching;
    expect(code, stderr).to.equal(0);

    const copies = [...seen.values()].filter(({ metadata }) => metadata.name !== original.name);
    expect(copies).to.have.length(1);
    expect(copies[0].metadata).not.to.have.property('ownerReferences');
    expect(copies[0].metadata.labels).not.to.have.property('app');
    expect(copies[0].spec.containers[0].securityContext).to.include({ readOnlyRootFilesystem: true });
    const left = await podsIn(namespace);
    expect(left.map(({ metadata }) => metadata.uid)).to.deep.equal([uid]);
    expect((await statusOf(original)).containerStatuses?.[0]).to.include({ ready: true, restartCount: 0 });
  });

  it("says in doctor's words why a copy did not start: what was done long ago was not seen", async () => {
    const namespace = await makeNamespace();
    // Sets itself up once, and keeps on its volume that it has.
    const command = [
      'sh',
      '-ec',
      '[ -e /data/done ] || { echo > /opt/set-up; rm /opt/set-up; echo > /data/done; }; exec sleep infinity',
    ];
    const container = { command, volumeMounts: [{ name: 'data', mountPath: '/data' }] };
    await deploy(namespace, 'once', {
      ...sleeper('once', CLIENT.name, container).spec,
      volumes: [{ name: 'data', emptyDir: {} }],
    });
    const original = await podOfDeployment(namespace, 'once');
    await original.becomesReady();
    await original.kill();
    await original.becomesReady({ restarts: 1 });

    const { code, stderr } = await askUntilRead(
      () => kubeHarden(['learn', 'deploy/once', '--namespace', namespace, '--verify', '--yes']),
      (result) => result.stderr,
    );
    expect(code).to.equal(2);
    expect(stderr)
      .to.include('not verified')
      .and.include('readOnlyRootFilesystem')
      .and.include('/opt/set-up');
    expect((await podsIn(namespace)).map(({ metadata }) => metadata.name)).to.deep.equal([original.name]);
  });
});

/** A pod on the node that runs as it is. */
async function running(spec: object, inNamespace?: string): Promise<ProgramPod> {
  const namespace = inNamespace ?? (await makeNamespace());
  const pod = await ProgramPod.create(namespace, 'learnt', spec);
  await pod.becomesReady();
  return pod;
}

async function statusOf(pod: ProgramPod): Promise<Json> {
  const { body } = await world().controlPlane.api(
    'GET',
    `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`,
  );
  return body.status;
}

async function podsIn(namespace: string): Promise<Json[]> {
  const { body } = await world().controlPlane.api('GET', `/api/v1/namespaces/${namespace}/pods`);
  return body.items;
}
