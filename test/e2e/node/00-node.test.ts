import { expect } from 'chai';
import { kubernetesVersion } from '../controlPlane/build.js';
import { eventually } from '../support/wait.js';
import { makeNamespace, world } from '../support/world.js';
import { CLIENT } from './images/client.js';
import { sleeper } from './sleeper.js';
import { theNode } from './theNode.js';

interface Pod {
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly state: { readonly waiting?: { readonly reason: string; readonly message?: string } };
    }[];
  };
}

describe('the node', () => {
  it('is a kubelet of the version of the control plane', async () => {
    const { body } = await world().controlPlane.api('GET', `/api/v1/nodes/${theNode().name}`);
    expect(body.status.nodeInfo.containerRuntimeVersion).to.match(/^containerd:\/\/\d/);
    if (process.env['KUBEBUILDER_ASSETS'] === undefined)
      expect(body.status.nodeInfo.kubeletVersion).to.equal(kubernetesVersion());
  });

  it('runs a pod; its logs are read, and commands run in it', async () => {
    const { namespace, controlPlane } = await podOf({
      command: ['sh', '-c', 'echo started; exec sleep infinity'],
    });
    await ready(namespace);
    const logs = await eventually('a log', () =>
      controlPlane.kubectlOutput(['logs', '-n', namespace, 'sleeper']),
    );
    expect(logs).to.equal('started\n');
    const told = await controlPlane.kubectlOutput([
      'exec',
      '-n',
      namespace,
      'sleeper',
      '--',
      'cat',
      '/proc/1/comm',
    ]);
    expect(told).to.equal('sleep\n');
  });

  it('starts a container again that was killed', async () => {
    const { namespace } = await podOf({});
    await ready(namespace);
    const [before] = await theNode().processesOf(namespace, 'sleeper', 'main');
    await theNode().killContainer(namespace, 'sleeper', 'main');
    await eventually('restarted', async () => {
      const status = await containerStatus(namespace);
      return status?.ready === true && status.restartCount === 1;
    });
    const [after] = await theNode().processesOf(namespace, 'sleeper', 'main');
    expect(after?.pid).not.to.equal(before?.pid);
  });

  it('shows what the kernel says of the processes of a container', async () => {
    const { namespace } = await podOf({
      securityContext: {
        runAsUser: 1234,
        runAsGroup: 2345,
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    await ready(namespace);
    const [first, ...others] = await theNode().processesOf(namespace, 'sleeper', 'main');
    expect(others).to.deep.equal([]);
    expect(first).to.deep.include({
      command: 'sleep infinity',
      pidInContainer: 1,
      uid: 1234,
      gid: 2345,
      groups: [2345],
      boundingCapabilities: 1n << 10n,
      effectiveCapabilities: 0n,
      noNewPrivileges: true,
      seccompMode: 2,
    });
    const root = first?.mounts.find(({ path }) => path === '/');
    expect(root).to.deep.equal({ path: '/', type: 'overlay', readOnly: true });
  });

  it('does not start a container that runAsNonRoot forbids, and says why', async () => {
    const { namespace } = await podOf({ securityContext: { runAsNonRoot: true } });
    const waiting = await eventually('the reason', async () => {
      const status = await containerStatus(namespace);
      return status?.state.waiting?.message !== undefined && status.state.waiting;
    });
    expect(waiting.reason).to.equal('CreateContainerConfigError');
    expect(waiting.message).to.match(/^container has runAsNonRoot and image will run as root/);
  });

  async function podOf(container: object) {
    const { controlPlane } = world();
    const namespace = await makeNamespace();
    const pod = sleeper('sleeper', CLIENT.name, { ...container });
    const { status, body } = await controlPlane.api('POST', `/api/v1/namespaces/${namespace}/pods`, pod);
    expect(status, JSON.stringify(body)).to.equal(201);
    return { namespace, controlPlane };
  }

  async function containerStatus(namespace: string) {
    const path = `/api/v1/namespaces/${namespace}/pods/sleeper`;
    const { body } = await world().controlPlane.api<Pod>('GET', path);
    return body.status.containerStatuses?.[0];
  }

  async function ready(namespace: string): Promise<void> {
    await eventually('the pod ready', async () => (await containerStatus(namespace))?.ready, 20_000);
  }
});
