import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord } from '../hardening/locate.js';
import type { Logger } from '../telemetry/logger.js';
import type { ApiClient, ApiObject } from './apiClient.js';
import { ApiError } from './apiError.js';
import { SYSTEM_CLOCK, type Clock } from './clock.js';
import { pause } from './pause.js';

/** client-go's own (k8s.io/client-go/tools/leaderelection), each with what it means here. */
export interface ElectionTimings {
  /** Others take over when they have seen no renewal for so long, by their own clock. */
  readonly leaseMs: number;
  /** A leader that has not managed to renew for so long stops to lead: well before others may take over. */
  readonly renewDeadlineMs: number;
  /** Between two tries; without the lease, up to 1.2 times as much is added at random. */
  readonly retryMs: number;
}

export const ELECTION_TIMINGS: ElectionTimings = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

const JITTER = 1.2;
/** What the leader was doing gets so long to end before its lease is given back. */
const FINISH_MS = 2_000;

export interface LeaderElectionOptions {
  readonly api: ApiClient;
  /** The own namespace, where the Lease is. */
  readonly namespace: string;
  /** Of this process, as no other has it: the pod's name and something random. */
  readonly identity: string;
  readonly timings?: Partial<ElectionTimings>;
  /**
   * What the leader does. `signal` is aborted when it no longer leads; a promise is waited for (a moment) before the
   * lease is given back, so that the next leader does not meet the end of this one's work.
   */
  readonly onStartedLeading: (signal: AbortSignal) => Promise<void> | void;
  readonly onStoppedLeading?: () => void;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** The part of a Lease's spec that an election is about. */
interface LeaseRecord {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly acquireTime?: string | undefined;
  readonly renewTime?: string | undefined;
  readonly leaseTransitions: number;
}

interface Reign {
  readonly stop: AbortController;
  readonly work: Promise<void>;
}

/** The Lease `kube-harden`, which the manifests ship empty: no right to create one is needed, which could not be limited by name. */
const LEASE = 'kube-harden';

/**
 * Takes part in the election of one leader among the replicas, by client-go's algorithm: whoever has not seen the
 * holder renew for a lease's duration, by its own clock, writes its own name; of two that do, one meets a conflict.
 * The clocks of different machines are never compared. Unlike client-go's, a lost lease does not end the process:
 * it tries again.
 */
export class LeaderElection {
  private readonly timings: ElectionTimings;
  private readonly clock: Clock;
  private readonly stopping = new AbortController();
  private readonly path: string;
  /** The Lease as last seen or written, and when what it says about its holder was first seen. */
  private seen: { lease: ApiObject; record: LeaseRecord; mark: string; since: number } | undefined;
  /** When the last renewal that succeeded was sent: the others' wait began no earlier. */
  private renewedAt = Number.NEGATIVE_INFINITY;
  private reign: Reign | undefined;
  private running: Promise<void> | undefined;
  private toldProblem: string | undefined;

  constructor(private readonly options: LeaderElectionOptions) {
    this.timings = { ...ELECTION_TIMINGS, ...options.timings };
    this.clock = options.clock ?? SYSTEM_CLOCK;
    this.path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases/${LEASE}`;
  }

  /** Whether this process leads now: false from the renew deadline on, even where no timer could fire (a paused process). */
  get isLeader(): boolean {
    return this.leadsNow();
  }

  private leadsNow(): boolean {
    return this.reign !== undefined && !this.reign.stop.signal.aborted && this.remainingMs() > 0;
  }

  /** Begins to take part; never rejects. */
  start(): void {
    this.running ??= this.run();
  }

  /** Ends it. Gives the lease back where it is held, so that another takes over within a retry period. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.running = undefined;
  }

  private async run(): Promise<void> {
    while (!this.hasStopped()) {
      if (await this.tryOnce(this.timings.renewDeadlineMs)) await this.lead();
      else await this.pause(this.timings.retryMs * (1 + JITTER * Math.random()));
    }
  }

  /** Leads until the renew deadline has passed without a renewal, another holds the lease, or `stop`. */
  private async lead(): Promise<void> {
    const { logger, identity, onStartedLeading, onStoppedLeading } = this.options;
    const stop = new AbortController();
    // The timer holds where a renewal hangs; it is set again with every renewal.
    let deadline = setTimeout(() => stop.abort(), this.remainingMs());
    logger.info('leads now', { identity });
    const work = (async () => onStartedLeading(stop.signal))().catch((error: unknown) =>
      logger.error('the work of the leader failed', { error }),
    );
    this.reign = { stop, work };
    while (!this.hasStopped() && this.leadsNow()) {
      await this.pause(this.timings.retryMs, stop.signal);
      if (this.hasStopped() || !this.leadsNow()) break;
      if (await this.tryOnce(this.remainingMs())) {
        clearTimeout(deadline);
        deadline = setTimeout(() => stop.abort(), this.remainingMs());
      } else if (this.seen !== undefined && this.seen.record.holderIdentity !== identity) break;
    }
    clearTimeout(deadline);
    stop.abort();
    logger.info('leads no longer', { identity, stopping: this.hasStopped() });
    onStoppedLeading?.();
    // Another that may hold the lease already is not waited for; one's own is kept until the work is done.
    const finished = await Promise.race([work.then(() => true), sleep(FINISH_MS, false, { ref: false })]);
    this.reign = undefined;
    if (this.hasStopped() && finished && this.remainingMs() > 0) await this.release();
  }

  private hasStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Until the renew deadline. */
  private remainingMs(): number {
    return Math.max(0, this.renewedAt + this.timings.renewDeadlineMs - this.clock.monotonic());
  }

  /** @returns whether the lease is held now */
  private async tryOnce(timeoutMs: number): Promise<boolean> {
    try {
      const held = await this.acquireOrRenew(Math.max(1, timeoutMs));
      this.toldProblem = undefined;
      return held;
    } catch (error) {
      this.tell(error);
      return false;
    }
  }

  private async acquireOrRenew(timeoutMs: number): Promise<boolean> {
    const { api, identity } = this.options;
    const started = this.clock.monotonic();
    if (this.seen !== undefined && this.leadsNow()) {
      // Nobody else writes a lease that is being renewed: without asking first, that is one request and not two.
      try {
        await this.write(this.seen.lease, this.next(this.seen.record), timeoutMs);
        return true;
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 409)) throw error;
      }
    }
    const lease = await api.request('GET', this.path, { timeoutMs });
    const { record, since } = this.observe(lease);
    const free =
      record.holderIdentity === '' ||
      record.holderIdentity === identity ||
      this.clock.monotonic() - since >= record.leaseDurationSeconds * 1000;
    if (!free) return false;
    await this.write(lease, this.next(record), Math.max(1, timeoutMs - (this.clock.monotonic() - started)));
    return true;
  }

  private next(before: LeaseRecord): LeaseRecord {
    const { identity } = this.options;
    const now = microTime(this.clock.now());
    const kept = before.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(this.timings.leaseMs / 1000)),
      acquireTime: kept ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: before.leaseTransitions + (kept ? 0 : 1),
    };
  }

  /** The update carries the resourceVersion that was read: of two that take the lease, one gets a conflict. */
  private async write(lease: ApiObject, record: LeaseRecord, timeoutMs: number): Promise<void> {
    const sentAt = this.clock.monotonic();
    const spec = { ...(isRecord(lease['spec']) ? lease['spec'] : {}), ...record };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease, spec };
    const written = await this.options.api.request('PUT', this.path, { body, timeoutMs });
    this.observe(written);
    if (record.holderIdentity === this.options.identity) this.renewedAt = sentAt;
  }

  /** Since when the holder's record is as it is, by the own clock. */
  private observe(lease: ApiObject): { record: LeaseRecord; since: number } {
    const record = recordOf(lease);
    const mark = JSON.stringify(record);
    const since = this.seen?.mark === mark ? this.seen.since : this.clock.monotonic();
    this.seen = { lease, record, mark, since };
    return this.seen;
  }

  private async release(): Promise<void> {
    if (this.seen?.record.holderIdentity !== this.options.identity) return;
    const { lease, record } = this.seen;
    const now = microTime(this.clock.now());
    try {
      await this.write(
        lease,
        { ...record, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now },
        Math.max(1, this.remainingMs()),
      );
    } catch (error) {
      // It ends by itself, a lease's duration later.
      this.options.logger.warn('the lease could not be given back', { reason: reasonOf(error) });
    }
    this.renewedAt = Number.NEGATIVE_INFINITY;
  }

  /** Each problem once, until it has gone: it is met again every two seconds. */
  private tell(error: unknown): void {
    const status = error instanceof ApiError ? error.status : undefined;
    // Another was faster: that is how an election goes.
    if (status === 409) return;
    const reason = reasonOf(error);
    const problem = status === undefined ? 'no answer' : `${status}`;
    if (this.toldProblem === problem) return;
    this.toldProblem = problem;
    const { logger, namespace } = this.options;
    if (status === 404) {
      logger.error('the Lease is missing, so that no replica can lead: apply the manifests, which bring it', {
        lease: `${namespace}/${LEASE}`,
        reason,
      });
    } else {
      logger.warn('the Lease cannot be read or written: trying again', {
        lease: `${namespace}/${LEASE}`,
        status,
        reason,
      });
    }
  }

  private pause(ms: number, signal?: AbortSignal): Promise<void> {
    return pause(ms, [this.stopping.signal, ...(signal === undefined ? [] : [signal])]);
  }
}

/** What an empty Lease does not say counts as held by nobody. */
function recordOf(lease: ApiObject): LeaseRecord {
  const spec = isRecord(lease['spec']) ? lease['spec'] : {};
  const text = (name: string): string | undefined => {
    const value = spec[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: string): number => (typeof spec[name] === 'number' ? spec[name] : 0);
  return {
    holderIdentity: text('holderIdentity') ?? '',
    leaseDurationSeconds: number('leaseDurationSeconds'),
    acquireTime: text('acquireTime'),
    renewTime: text('renewTime'),
    leaseTransitions: number('leaseTransitions'),
  };
}

/** metav1.MicroTime takes exactly six decimals. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
