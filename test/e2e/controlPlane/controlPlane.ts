import { freePort } from '../support/freePort.js';
import { OwnedProcess, type Exit } from '../support/ownedProcess.js';
import { RunFolder } from '../support/runFolder.js';
import { eventually } from '../support/wait.js';
import { ApiClient, type ApiOptions, type ApiReply, type Json } from './apiClient.js';
import { AuditLog, type AuditEvent, type AuditFilter } from './auditLog.js';
import { findBinaries, type Binaries } from './binaries.js';
import { apiServerArguments, controllerManagerArguments, etcdArguments, type Ports } from './components.js';
import { WEBHOOK_CLIENT_NAME, makeCredentials, type Credentials } from './credentials.js';
import { KubectlError, runKubectl, type KubectlOptions, type KubectlResult } from './kubectl.js';
import { UserDirectory, type User } from './users.js';

export interface ControlPlaneOptions {
  readonly binaries?: Binaries;
  /** Where logs, certificates and data go; one of its own unless given. */
  readonly folder?: RunFolder;
}

/** On two busy cores; alone it takes about five seconds. */
const READY_TIMEOUT_MS = 60_000;
const COMPONENTS = {
  etcd: 'etcd',
  apiServer: 'kube-apiserver',
  controllerManager: 'kube-controller-manager',
};

type Component = keyof typeof COMPONENTS;

/** etcd, kube-apiserver and kube-controller-manager on loopback: a cluster but for nodes. */
export class ControlPlane {
  readonly caFile: string;
  /** The authority of the certificate that the API server shows to webhooks: for `--client-ca-file`. */
  readonly webhookClientCaFile: string;
  readonly webhookClientName = WEBHOOK_CLIENT_NAME;
  readonly url: string;
  readonly port: number;
  /** When API servers started and were ready: in between they may refuse everybody but system:masters. */
  readonly apiServerStarts: { readonly from: Date; readonly to: Date }[] = [];
  private readonly processes = new Map<Component, OwnedProcess>();
  private readonly auditLog: AuditLog;

  private constructor(
    readonly folder: RunFolder,
    readonly adminKubeconfig: string,
    private readonly binaries: Binaries,
    private readonly users: UserDirectory,
    private readonly ports: Ports,
    private readonly startArguments: Readonly<Record<Component, readonly string[]>>,
    { files }: Credentials,
  ) {
    this.port = ports.apiServer;
    this.url = `https://127.0.0.1:${ports.apiServer}`;
    this.caFile = files.serverCa;
    this.webhookClientCaFile = files.webhookClientCa;
    this.auditLog = new AuditLog(folder.file('audit.log'));
  }

  /** Ready when this resolves: /readyz is ok, and the namespace `default` has its ServiceAccount. */
  static async start({
    binaries = findBinaries(),
    folder = RunFolder.create(),
  }: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const ports = { etcd: await freePort(), etcdPeer: await freePort(), apiServer: await freePort() };
    const credentials = await makeCredentials(folder);
    const users = new UserDirectory(folder, ports.apiServer, credentials);
    const manager = await users.kubeconfigFor('system:kube-controller-manager', []);
    const startArguments = {
      etcd: etcdArguments(folder, ports),
      apiServer: apiServerArguments(folder, ports, credentials),
      controllerManager: controllerManagerArguments(folder, manager, credentials),
    };
    const admin = await users.adminKubeconfig();
    const made = new ControlPlane(folder, admin, binaries, users, ports, startArguments, credentials);
    try {
      await made.startEtcd();
      await made.startApiServer();
      await made.startControllerManager();
      await made.hasServiceAccount('default');
      return made;
    } catch (error) {
      await made.stop({ failed: true });
      throw error;
    }
  }

  /** Ends all processes; `failed` keeps the logs and prints where they lie. */
  async stop({ failed = false } = {}): Promise<void> {
    this.users.close();
    // The client of each before what it depends on, so that nothing waits for a peer that is gone.
    await this.stopControllerManager('SIGKILL');
    await this.end('apiServer', 'SIGKILL');
    await this.end('etcd', 'SIGKILL');
    this.folder.finish({ failed });
  }

  async startEtcd(): Promise<void> {
    await this.begin('etcd', this.binaries.etcd, async () => {
      const response = await fetch(`http://127.0.0.1:${this.ports.etcd}/health`);
      return response.ok;
    });
  }

  stopEtcd(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit | undefined> {
    return this.end('etcd', signal);
  }

  async startApiServer(): Promise<void> {
    const from = new Date();
    await this.begin('apiServer', this.binaries.apiServer, async () => {
      const { status } = await this.api('GET', '/readyz', undefined, { timeoutMs: 5000 });
      return status === 200;
    });
    this.apiServerStarts.push({ from, to: new Date() });
  }

  /** Starts what has been stopped and not started again: a test that failed may have left it so. */
  async startMissing(): Promise<void> {
    const isMissing = (component: Component): boolean => this.processes.get(component)?.running !== true;
    if (isMissing('etcd')) await this.startEtcd();
    if (isMissing('apiServer')) await this.startApiServer();
    if (isMissing('controllerManager')) await this.startControllerManager();
  }

  /** Forgets the history: once the API server has lost its own (a restart), a watch from before it gets 410. */
  async compactEtcd(): Promise<void> {
    const ask = async (call: string, body: object): Promise<{ header?: { revision?: string } }> => {
      const url = `http://127.0.0.1:${this.ports.etcd}/v3/kv/${call}`;
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`etcd: ${call}: ${await response.text()}`);
      return (await response.json()) as { header?: { revision?: string } };
    };
    const { header } = await ask('range', { key: Buffer.from('/').toString('base64') });
    await ask('compaction', { revision: header?.revision, physical: true });
  }

  stopApiServer(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit | undefined> {
    return this.end('apiServer', signal);
  }

  async restartApiServer(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.stopApiServer(signal);
    await this.startApiServer();
  }

  /** Ready when the first ServiceAccount is made, which `hasServiceAccount` waits for. */
  async startControllerManager(): Promise<void> {
    await this.begin('controllerManager', this.binaries.controllerManager, () => true);
  }

  stopControllerManager(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit | undefined> {
    return this.end('controllerManager', signal);
  }

  /** A kubeconfig with a client certificate of any user; `server` where the API server is reached another way. */
  kubeconfigFor(
    user: string,
    groups: readonly string[] = [],
    options: { server?: string } = {},
  ): Promise<string> {
    return this.users.kubeconfigFor(user, groups, options.server);
  }

  async serviceAccountKubeconfig(
    namespace: string,
    name: string,
    options: { server?: string } = {},
  ): Promise<string> {
    const token = await this.serviceAccountToken(namespace, name);
    return this.users.tokenKubeconfig(`${namespace}-${name}`, token, namespace, options.server);
  }

  serviceAccountToken(namespace: string, name: string): Promise<string> {
    return this.users.serviceAccountToken(namespace, name);
  }

  /** Whatever the code is, it is an answer. */
  kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<KubectlResult> {
    return runKubectl(this.binaries.kubectl, args, this.folder.path, {
      kubeconfig: this.adminKubeconfig,
      ...options,
    });
  }

  /**
   * Standard output of a kubectl that has to succeed.
   *
   * @throws KubectlError with its code and output
   */
  async kubectlOutput(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
    const result = await this.kubectl(args, options);
    if (result.code !== 0) throw new KubectlError(args, result);
    return result.stdout;
  }

  /** A call of the API, as administrator unless `user` says otherwise, on a connection that is kept. */
  async api<T = Json>(
    method: string,
    path: string,
    body?: unknown,
    { user, ...options }: ApiOptions & { user?: User } = {},
  ): Promise<ApiReply<T>> {
    return (await this.users.client(user)).api<T>(method, path, body, options);
  }

  /** A client with connections of its own; the caller closes it. */
  client(options: { user?: User; maxSockets?: number } = {}): Promise<ApiClient> {
    return this.users.makeClient(options.user, options.maxSockets);
  }

  auditEvents(filter: AuditFilter = {}): AuditEvent[] {
    return this.auditLog.events(filter);
  }

  /** The first event that matches; it is written a moment after the answer. */
  auditEvent(filter: AuditFilter, timeoutMs = 5000): Promise<AuditEvent> {
    return eventually(
      `an audit event like ${JSON.stringify(filter)}`,
      () => this.auditEvents(filter)[0],
      timeoutMs,
    );
  }

  /** Pods are refused before the controller has made it. */
  async hasServiceAccount(namespace: string): Promise<void> {
    await eventually(
      `the ServiceAccount of namespace ${namespace}`,
      async () => {
        const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
        return (await this.api('GET', path)).status === 200;
      },
      READY_TIMEOUT_MS,
      20,
    );
  }

  private async begin(
    component: Component,
    command: string,
    isReady: () => boolean | Promise<boolean>,
  ): Promise<void> {
    const name = COMPONENTS[component];
    if (this.processes.get(component)?.running === true) throw new Error(`${name} runs already`);
    const started = OwnedProcess.start({
      name,
      command,
      args: this.startArguments[component],
      logFile: this.folder.logFile(name),
      env: { PATH: process.env['PATH'], HOME: this.folder.path },
    });
    this.processes.set(component, started);
    await eventually(
      `${name} (log: ${this.folder.logFile(name)})`,
      async () => (started.running ? await isReady() : 'ended'),
      READY_TIMEOUT_MS,
    );
    if (started.running) return;
    const { code, signal } = await started.exited;
    throw new Error(`${name} ended with ${signal ?? `code ${code}`}; its log: ${this.folder.logFile(name)}`);
  }

  private async end(component: Component, signal: NodeJS.Signals): Promise<Exit | undefined> {
    return this.processes.get(component)?.stop(signal);
  }
}
