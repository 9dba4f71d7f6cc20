import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPlane } from '../controlPlane/controlPlane.js';
import { OwnedProcess } from '../support/ownedProcess.js';
import { eachOf } from '../support/podRequests.js';
import { eventually } from '../support/wait.js';
import { whenAllHasEnded } from '../support/watchdog.js';
import { makeCgroup, nodeCgroup, type NodeCgroup } from './cgroups.js';
import { processesOfContainer, type ContainerProcess } from './containerProcesses.js';
import type { ToolPaths } from './debianTools.js';
import { cniConfig, containerdConfig, kubeletConfig } from './nodeFiles.js';

export interface NodeOptions {
  readonly controlPlane: ControlPlane;
  readonly kubelet: string;
  readonly tools: ToolPaths;
  /** Archives of images, with that of every pod's sandbox. */
  readonly images: readonly string[];
}

interface NodeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface PodObject {
  readonly status?: {
    readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[];
  };
}

const run = promisify(execFile);

/** On two busy cores; alone it takes about five seconds. */
const READY_TIMEOUT_MS = 60_000;

/** Of version 2, where nothing of the node is to be outside of its folder; then `sh -c` becomes the command. */
const JOIN_CGROUP =
  '[ ! -d /sys/fs/cgroup/node ] || echo 0 >/sys/fs/cgroup/node/cgroup.procs; exec "$0" "$@"';

/** A kubelet with containerd, in namespaces below those of the tests: its pods run. There is no scheduler. */
export class Node {
  private processes: readonly OwnedProcess[] = [];
  private kubelet:
    { readonly process: OwnedProcess; readonly start: () => Promise<OwnedProcess> } | undefined;

  private constructor(
    /** For `spec.nodeName` of pods. */
    readonly name: string,
    private readonly options: NodeOptions,
    /** All that the node keeps but its logs. */
    private readonly folder: string,
    private readonly cgroup: NodeCgroup,
  ) {}

  /**
   * Ready when this resolves.
   *
   * @throws Error outside of the namespaces that enter.sh makes, and where the kubelet is not ready in time
   */
  static async start(options: NodeOptions): Promise<Node> {
    const { E2E_NODE_NAME: name, E2E_NODE_ADDRESS: address } = process.env;
    if (name === undefined || address === undefined) {
      throw new Error('a node needs the namespaces of test/e2e/node/enter.sh: run make e2e-node');
    }
    const node = new Node(
      name,
      options,
      options.controlPlane.folder.file('node'),
      nodeCgroup(`kube-harden-e2e-${process.pid}`),
    );
    try {
      await node.begin(address);
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  /** An OCI image layout as a tar. */
  async importImage(archive: string): Promise<void> {
    await this.ctr('images', 'import', archive);
  }

  /** One more name for an image. */
  async nameImage(image: string, name: string): Promise<void> {
    await this.ctr('images', 'tag', image, name);
  }

  /** A folder on the node for a volume that outlives pods, owned by root. */
  makeVolume(name: string): string {
    const path = join(this.folder, 'volumes', name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** SIGKILL of the container's first process; the kubelet starts the container again. */
  async killContainer(namespace: string, pod: string, container: string): Promise<void> {
    const [first] = await this.processesOf(namespace, pod, container);
    if (first?.pidInContainer !== 1)
      throw new Error(`${namespace}/${pod}: ${container} has no first process`);
    process.kill(first.pid, 'SIGKILL');
  }

  /** The processes of a container as the kernel has them, its first process first. */
  async processesOf(namespace: string, pod: string, container: string): Promise<ContainerProcess[]> {
    const { controlPlane } = this.options;
    const { body } = await controlPlane.api<PodObject>('GET', `/api/v1/namespaces/${namespace}/pods/${pod}`);
    const status = body.status?.containerStatuses?.find(({ name }) => name === container);
    const id = status?.containerID?.replace('containerd://', '');
    if (id === undefined) throw new Error(`${namespace}/${pod}: ${container} does not run`);
    return processesOfContainer(id);
  }

  /**
   * Starts the kubelet again with other thresholds, such as `{ 'memory.available': '99%' }`; its pods go on meanwhile.
   * Without any it evicts nothing, as at the start.
   */
  async restartKubelet(evictionHard: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.kubelet === undefined) throw new Error('the kubelet has not been started');
    const { process, start } = this.kubelet;
    await process.stop('SIGTERM');
    this.processes = this.processes.filter((other) => other !== process);
    this.writeKubeletConfig(evictionHard);
    this.kubelet = { process: await start(), start };
  }

  /** The folder of the logs of a container. */
  logFolder(namespace: string, pod: string, uid: string, container: string): string {
    return join(this.folder, 'pods', `${namespace}_${pod}_${uid}`, container);
  }

  /** Ends every process of the node and removes what it kept; the logs stay in the run's folder. */
  async stop(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop('SIGKILL')));
    this.processes = [];
    if (existsSync(this.cleanUpScript)) await run('sh', [this.cleanUpScript]);
  }

  private get socket(): string {
    return join(this.folder, 'containerd.sock');
  }

  private get cleanUpScript(): string {
    return this.options.controlPlane.folder.file('clean-up-node.sh');
  }

  private async begin(address: string): Promise<void> {
    writeFileSync(this.cleanUpScript, cleanUp(this.cgroup.folders, this.folder));
    whenAllHasEnded(this.cleanUpScript);
    this.writeFiles();
    makeCgroup(this.cgroup);
    const init = await this.startContainerd();
    await this.allowKubelet();
    const start = (): Promise<OwnedProcess> => this.startKubelet(init, address);
    const [process] = await Promise.all([start(), this.importImages()]);
    this.kubelet = { process, start };
  }

  private writeFiles(): void {
    const { folder, socket } = this;
    for (const name of ['cni', 'scratch']) mkdirSync(join(folder, name), { recursive: true });
    const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);
    write('cni/pods.conflist', cniConfig());
    write(
      'containerd.toml',
      containerdConfig({
        tools: this.options.tools,
        root: join(folder, 'containerd'),
        socket,
        cniFolder: join(folder, 'cni'),
      }),
    );
    this.writeKubeletConfig();
  }

  private writeKubeletConfig(evictionHard: Readonly<Record<string, string>> = {}): void {
    const { folder, socket } = this;
    const config = kubeletConfig({ folder, socket, cgroupRoot: this.cgroup.root, evictionHard });
    writeFileSync(join(folder, 'kubelet.json'), config);
  }

  /** The id of the first process in the node's namespaces. */
  private async startContainerd(): Promise<number> {
    const { containerd } = this.options.tools;
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const init = ['sh', join(import.meta.dirname, 'init.sh'), this.folder];
    const [cgroup = ''] = this.cgroup.folders;
    const started = this.own(
      'containerd',
      'unshare',
      [...namespaces, ...init, ...[containerd, '--config', join(this.folder, 'containerd.toml')]],
      this.cgroup.version === 2 ? { CGROUP2: cgroup } : {},
    );
    await this.untilRunning(started, 'containerd', async () => {
      await this.ctr('version');
      return true;
    });
    const children = readFileSync(`/proc/${started.pid}/task/${started.pid}/children`, 'utf8').trim();
    return Number(children);
  }

  private async importImages(): Promise<void> {
    const [first, ...others] = this.options.images;
    // They share a layer, which is to be unpacked once.
    if (first !== undefined) await this.importImage(first);
    await eachOf(others, 2, (archive) => this.importImage(archive));
  }

  private async startKubelet(init: number, address: string): Promise<OwnedProcess> {
    const { controlPlane, kubelet } = this.options;
    const user = `system:node:${this.name}`;
    const kubeconfig = await controlPlane.kubeconfigFor(user, ['system:nodes']);
    const started = this.own('kubelet', 'nsenter', [
      ...[`--target=${init}`, '--mount', '--pid', '--cgroup'],
      ...['sh', '-c', JOIN_CGROUP, kubelet],
      `--config=${join(this.folder, 'kubelet.json')}`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${join(this.folder, 'kubelet')}`,
      `--hostname-override=${this.name}`,
      `--node-ip=${address}`,
      '--v=2',
    ]);
    await this.untilRunning(started, 'kubelet', async () => {
      const { body } = await controlPlane.api<NodeObject>('GET', `/api/v1/nodes/${this.name}`);
      return body.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    });
    return started;
  }

  /** As a cluster's bootstrap does where there is no Node authorizer. */
  private async allowKubelet(): Promise<void> {
    const binding = {
      metadata: { name: 'e2e-kubelet' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
    };
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    const { status, body } = await this.options.controlPlane.api('POST', path, binding);
    if (status !== 201) throw new Error(`kubelet not given its role: ${JSON.stringify(body)}`);
  }

  private own(
    name: string,
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): OwnedProcess {
    const { controlPlane, tools } = this.options;
    const path = [tools.shimFolder, dirname(tools.runc), process.env['PATH']].join(':');
    const started = OwnedProcess.start({
      name,
      command,
      args,
      logFile: controlPlane.folder.logFile(name),
      env: { PATH: path, HOME: controlPlane.folder.path, ...env },
    });
    this.processes = [...this.processes, started];
    return started;
  }

  private async untilRunning(
    started: OwnedProcess,
    name: string,
    isReady: () => Promise<boolean | undefined>,
  ): Promise<void> {
    const what = `${name} (log: ${this.options.controlPlane.folder.logFile(name)})`;
    await eventually(what, async () => (started.running ? await isReady() : 'ended'), READY_TIMEOUT_MS);
    if (!started.running) throw new Error(`${what} ended before it was ready`);
  }

  private async ctr(...args: readonly string[]): Promise<void> {
    await run(this.options.tools.ctr, ['--address', this.socket, '--namespace', 'k8s.io', ...args]);
  }
}

/** sh that removes what no end of a process removes. A cgroup can be removed as soon as its last process has ended. */
function cleanUp(cgroups: readonly string[], folder: string): string {
  return `for cgroup in ${cgroups.join(' ')}; do
  attempts=200
  while [ -d "$cgroup" ] && [ $attempts -gt 0 ]; do
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
    attempts=$((attempts - 1))
  done
done
# What is being ended may still write.
rm -rf '${folder}' 2>/dev/null || { sleep 1; rm -rf '${folder}'; }
`;
}
