import { mkdirSync, writeFileSync } from 'node:fs';
import type { Json } from '../controlPlane/apiClient.js';
import { TimeoutError, eventually } from '../support/wait.js';
import { world } from '../support/world.js';
import { complaintIn } from './complaint.js';
import { containerLogs } from './containerLogs.js';
import type { ContainerProcess } from './containerProcesses.js';
import { ProgramFailure } from './programFailure.js';
import { theNode } from './theNode.js';

interface PodObject {
  readonly metadata: { readonly uid: string };
  readonly status: { readonly podIP?: string; readonly containerStatuses?: readonly ContainerStatus[] };
}

interface ContainerStatus {
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: State;
  readonly lastState: State;
}

interface State {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly message?: string };
}

/** A database sets itself up, on two cores that others use too. */
const READY_TIMEOUT_MS = 60_000;
/** The kubelet tries for ever; nothing that a test does will make a difference. */
const HOPELESS = [
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'ErrImageNeverPull',
];
/** A program that has ended so often before it was ready will not be. */
const CRASHES = 2;

/** A pod of one container, on the node. */
export class ProgramPod {
  private constructor(
    readonly namespace: string,
    readonly name: string,
    /** As it was admitted: with what kube-harden made of it. */
    readonly spec: Json,
  ) {}

  /** @throws ProgramFailure where it is not admitted */
  static async create(namespace: string, name: string, spec: object): Promise<ProgramPod> {
    const pod = { metadata: { name }, spec: { ...spec, nodeName: theNode().name } };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const { status, body } = await world().controlPlane.api('POST', path, pod);
    if (status !== 201) throw new ProgramFailure('admission', body.message);
    return new ProgramPod(namespace, name, body.spec);
  }

  /** One that a controller makes, once it is there; another than that of the uid `otherThan`. */
  static async existing(namespace: string, name: string, otherThan?: string): Promise<ProgramPod> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const { spec } = await eventually(`pod ${namespace}/${name}`, async () => {
      const { status, body } = await world().controlPlane.api('GET', path);
      return status === 200 && body.metadata.uid !== otherThan && body;
    });
    return new ProgramPod(namespace, name, spec);
  }

  get container(): string {
    return this.spec.containers[0].name;
  }

  async uid(): Promise<string> {
    return (await this.read()).metadata.uid;
  }

  /**
   * Its address, once it is ready after so many restarts.
   *
   * @throws ProgramFailure as soon as it is plain that it will not be
   */
  async becomesReady({ restarts = 0, timeoutMs = READY_TIMEOUT_MS } = {}): Promise<string> {
    const step = restarts === 0 ? 'start' : 'restart';
    const fails = async (message?: string): Promise<never> => {
      throw new ProgramFailure(step, message ?? (await this.complaint({ hasEnded: true })));
    };
    let found: { readonly address: string } | { readonly hopeless: string | undefined };
    try {
      found = await eventually(
        `pod ${this.namespace}/${this.name} ready`,
        async () => {
          const { podIP, containerStatuses: [status] = [] } = (await this.read()).status;
          if (status === undefined) return undefined;
          if (status.ready && status.restartCount >= restarts)
            return podIP !== undefined && { address: podIP };
          const { waiting } = status.state;
          if (HOPELESS.includes(waiting?.reason ?? '') && waiting?.message !== undefined)
            return { hopeless: waiting.message };
          return status.restartCount >= restarts + CRASHES && { hopeless: undefined };
        },
        timeoutMs,
        100,
      );
    } catch (error) {
      if (error instanceof TimeoutError) return fails();
      throw error;
    }
    return 'address' in found ? found.address : fails(found.hopeless);
  }

  /** SIGKILL of the program; the kubelet starts it again, on the same volumes. */
  kill(): Promise<void> {
    return theNode().killContainer(this.namespace, this.name, this.container);
  }

  processes(): Promise<ContainerProcess[]> {
    return theNode().processesOf(this.namespace, this.name, this.container);
  }

  /**
   * Why the program fails, in its own words or in those of who could not start it. Where it `hasEnded`, the kubelet has
   * started it again meanwhile: what it said before counts.
   */
  async complaint({ hasEnded = false } = {}): Promise<string> {
    const { metadata, status } = await this.read();
    const [container] = status.containerStatuses ?? [];
    const ends = [container?.state.terminated, container?.lastState.terminated];
    const unstarted = ends.find((end) => end?.reason === 'StartError')?.message;
    if (unstarted !== undefined) return unstarted;
    const logs = this.logs(metadata.uid).filter((log) => log.trim() !== '');
    return complaintIn((hasEnded ? logs.at(-2) : undefined) ?? logs.at(-1) ?? '');
  }

  /** Writes what is known of the pod into the run's folder, and says where. */
  async keepEvidence(): Promise<void> {
    const { folder } = world().controlPlane;
    mkdirSync(folder.file('logs', 'pods'), { recursive: true });
    const file = folder.file('logs', 'pods', `${this.namespace}-${this.name}.txt`);
    const described = await this.kubectl('describe', 'pod', this.name);
    const yaml = await this.kubectl('get', 'pod', this.name, '--output', 'yaml');
    const logs = this.logs(await this.uid()).map((log, index) => `# log ${index + 1}\n${log}`);
    writeFileSync(file, [described.stdout, ...logs, yaml.stdout].join('\n'));
    console.log(`      what is known of ${this.namespace}/${this.name}: ${file}`);
  }

  /** Gone at once; a program that is told to end may take its time. */
  async remove(): Promise<void> {
    await this.kubectl('delete', 'pod', this.name, '--grace-period=0', '--force', '--wait=false');
  }

  private logs(uid: string): string[] {
    return containerLogs(theNode().logFolder(this.namespace, this.name, uid, this.container));
  }

  private async read(): Promise<PodObject> {
    const path = `/api/v1/namespaces/${this.namespace}/pods/${this.name}`;
    return (await world().controlPlane.api<PodObject>('GET', path)).body;
  }

  private kubectl(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return world().controlPlane.kubectl([...args, '--namespace', this.namespace]);
  }
}
