import { randomBytes } from 'node:crypto';
import type { ControlPlane } from '../controlPlane/controlPlane.js';
import { Endpoints } from './endpoints.js';
import { Forwarder } from './forwarder.js';
import { install } from './install.js';
import { KubeHarden, type KubeHardenOptions } from './kubeHarden.js';
import type { Exit } from './ownedProcess.js';

const REPLICAS = 2;

/** What all test files share: one control plane, kube-harden installed, and replicas behind a forwarder. */
export class World {
  replicas: readonly KubeHarden[] = [];
  readonly endpoints: Endpoints;
  /** Of the ServiceAccount in the manifests, by way of `apiDoor`. */
  kubeconfig = '';
  private started = 0;

  private constructor(
    readonly controlPlane: ControlPlane,
    /** Plays the Service: the webhooks' URL points here. */
    readonly forwarder: Forwarder,
    /** The way by which replicas reach the API server: where a test cuts or blocks it. */
    readonly apiDoor: Forwarder,
  ) {
    this.endpoints = new Endpoints(forwarder);
  }

  static async create(controlPlane: ControlPlane): Promise<World> {
    const apiDoor = await Forwarder.start({ backends: [{ port: controlPlane.port }] });
    return new World(controlPlane, await Forwarder.start(), apiDoor);
  }

  /** Applies the manifests and starts the replicas, under the ServiceAccount and the rights of the manifests. */
  async install(): Promise<void> {
    await install(this.controlPlane, { forwarderPort: this.forwarder.port });
    this.kubeconfig = await this.controlPlane.serviceAccountKubeconfig('kube-harden', 'kube-harden', {
      server: `https://127.0.0.1:${this.apiDoor.port}`,
    });
    await this.restore();
  }

  /** Ready and behind the forwarder when this resolves. */
  async startReplica(options: Partial<KubeHardenOptions> = {}): Promise<KubeHarden> {
    const replica = await KubeHarden.start({
      name: `kube-harden-${(this.started += 1)}`,
      folder: this.controlPlane.folder,
      kubeconfig: this.kubeconfig,
      ...options,
    });
    this.replicas = [...this.replicas, replica];
    await this.endpoints.follow(this.replicas);
    return replica;
  }

  /** Resolves once it has ended. What it does with its connections until then is its own affair. */
  async stopReplica(replica: KubeHarden, signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    const exit = await replica.stop(signal);
    this.replicas = this.replicas.filter((other) => other !== replica);
    await this.endpoints.follow(this.replicas);
    return exit;
  }

  /** Back to what a test file finds: as many ready replicas as at the start, both forwarders open. */
  async restore(): Promise<void> {
    this.apiDoor.setBackends([{ port: this.controlPlane.port }]);
    this.replicas = this.replicas.filter(({ running }) => running);
    for (const surplus of this.replicas.slice(REPLICAS)) await this.stopReplica(surplus);
    await Promise.all(this.replicas.map((replica) => replica.becomesReady()));
    while (this.replicas.length < REPLICAS) await this.startReplica();
    await this.endpoints.resume();
  }

  async close(): Promise<void> {
    this.endpoints.close();
    await Promise.all(this.replicas.map((replica) => replica.kill()));
    await Promise.all([this.forwarder.close(), this.apiDoor.close()]);
  }
}

let current: World | undefined;

/** @throws Error outside a run of test/e2e */
export function world(): World {
  if (current === undefined) {
    throw new Error('no control plane runs: these tests need mocha --config test/e2e/.mocharc.json');
  }
  return current;
}

/** For the global fixture. */
export function setWorld(made: World): void {
  current = made;
}

/** A namespace of its own for a test, in which pods can be created at once. */
export async function makeNamespace(
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { controlPlane } = world();
  const name = `e2e-${randomBytes(4).toString('hex')}`;
  const reply = await controlPlane.api('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels, annotations },
  });
  if (reply.status !== 201) throw new Error(`namespace not made: ${JSON.stringify(reply.body)}`);
  await controlPlane.hasServiceAccount(name);
  return name;
}
