import { randomBytes } from 'node:crypto';
import type { ApiClient } from '../controlPlane/apiClient.js';
import type { ControlPlane } from '../controlPlane/controlPlane.js';
import { changedBy, createPod } from './createPod.js';
import { eventually, pause } from './wait.js';

export interface PodLoadOptions {
  readonly controlPlane: ControlPlane;
  /** In enforce mode: an answer that is not hardened counts as a failure. */
  readonly namespace: string;
  readonly perSecond: number;
  /** So many creations at once, at most and in each burst. */
  readonly connections: number;
}

export interface LoadFailure {
  /** performance.now() when it was sent, and when it had failed. */
  readonly began: number;
  readonly ended: number;
  /** 0 where no answer came at all. */
  readonly status: number;
  readonly message: string;
}

/** Every so many creations one is not a dry run. */
const REAL_EVERY = 25;

/** Creates pods through the API server without pause until it is stopped, and keeps count. */
export class PodLoad {
  readonly failures: LoadFailure[] = [];
  created = 0;
  sent = 0;
  inFlight = 0;
  private stopping = false;
  /** Several loads may follow each other in a namespace. */
  private readonly prefix = `load-${randomBytes(3).toString('hex')}`;
  private readonly workers: Promise<void>[];

  /** Resolves once pods are being created. */
  static async start(options: PodLoadOptions): Promise<PodLoad> {
    const client = await options.controlPlane.client({ maxSockets: options.connections });
    const load = new PodLoad(options, client);
    await load.reaches(options.connections);
    return load;
  }

  private constructor(
    private readonly options: PodLoadOptions,
    private readonly client: ApiClient,
  ) {
    this.workers = Array.from({ length: options.connections }, () => this.work());
  }

  get total(): number {
    return this.created + this.failures.length;
  }

  /** Waits until so many more have been answered. */
  async reaches(more: number, timeoutMs = 60_000): Promise<void> {
    const goal = this.total + more;
    await eventually(`${more} more pods`, () => this.total >= goal, timeoutMs);
  }

  /** Resolves when all that were sent have been answered. */
  async stop(): Promise<this> {
    this.stopping = true;
    await Promise.all(this.workers);
    this.client.close();
    return this;
  }

  private async work(): Promise<void> {
    const { perSecond, connections } = this.options;
    const intervalMs = (connections * 1000) / perSecond;
    while (!this.stopping) {
      // All at the same moment: one after the other, the API server would use one connection to one replica for all.
      await pause(intervalMs - (performance.now() % intervalMs));
      await this.create();
    }
  }

  private async create(): Promise<void> {
    const number = (this.sent += 1);
    const began = performance.now();
    const failed = (status: number, message: string): void =>
      void this.failures.push({ began, ended: performance.now(), status, message });
    this.inFlight += 1;
    try {
      const name = `${this.prefix}-${number}`;
      const dryRun = number % REAL_EVERY !== 0;
      const reply = await createPod(this.client, this.options.namespace, { name, dryRun });
      if (reply.status !== 201) failed(reply.status, reply.body.message ?? JSON.stringify(reply.body));
      else if (changedBy(reply) === undefined) failed(reply.status, 'created and not hardened');
      else this.created += 1;
    } catch (error) {
      failed(0, String(error));
    } finally {
      this.inFlight -= 1;
    }
  }
}

/** For the message of an assertion: what went wrong, a few of them. */
export function failureTexts(failures: readonly LoadFailure[]): string {
  return failures
    .slice(0, 5)
    .map(({ status, message }) => `${status} ${message}`)
    .join('\n');
}
