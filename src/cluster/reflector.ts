import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.js';
import type { ApiClient, ApiObject } from './apiClient.js';
import { ApiError } from './apiError.js';
import { backOffDelay, type BackOff } from './backOff.js';
import { listItems } from './listItems.js';
import { isLater } from './resourceVersion.js';
import { UnreachableError } from './unreachableError.js';
import type { WatchStream } from './watchStream.js';

/** Told of what a watch goes through; `Metrics` is one. */
export interface WatchMetrics {
  /** @param read the time of the last contact in milliseconds since the epoch, 0 before the first; objects known */
  watching(
    resource: string,
    read: { readonly lastContact: () => number; readonly objects: () => number },
  ): void;
  listedAgain(resource: string): void;
  watchFailed(resource: string): void;
}

/** What a reflector keeps up to date. Nothing of an object has to be kept but what the store needs. */
export interface ObjectStore {
  readonly size: number;
  put(object: ApiObject): void;
  delete(object: ApiObject): void;
  /**
   * A whole list begins: its objects are handed over page by page; what was not among them goes with `commit`.
   *
   * @param isSetBack the list is of an earlier version than what was heard before: etcd was restored, and no version
   *   that the store knows means anything any more
   */
  startReplacing(isSetBack?: boolean): Replacement;
}

export interface Replacement {
  add(object: ApiObject): void;
  /** @param resourceVersion of the list: what the store knows from a later one stays */
  commit(resourceVersion: string): void;
}

export interface ReflectorOptions {
  /** In logs, metrics and readiness: `namespaces`. */
  readonly resource: string;
  /** The collection's path: `/api/v1/namespaces`. */
  readonly path: string;
  readonly api: ApiClient;
  readonly stream: WatchStream;
  readonly store: ObjectStore;
  readonly metrics: WatchMetrics;
  readonly logger: Logger;
  /** A 404 on the first list (its CRD is not installed) means that there are none, and is asked again. */
  readonly mayBeMissing?: boolean;
  readonly timings?: Partial<ReflectorTimings>;
}

export interface ReflectorTimings extends BackOff {
  /** An API server sends a bookmark about once a minute (at most 75 s apart): silence beyond this is a dead connection. */
  readonly silenceMs: number;
  /** The shortest and longest life of a watch connection, as client-go asks for it: replicas are not to come back together. */
  readonly watchSeconds: readonly [number, number];
  /** Everything is listed again after so long, give or take half: what was lost by a bug of anybody's is mended. */
  readonly resyncMs: number;
  /** Without contact for so long a watch counts as stale: an error in the log, and what the alarm is about. */
  readonly staleMs: number;
}

const TIMINGS: ReflectorTimings = {
  backOffMs: 200,
  // Short, so that a label counts within two seconds of an outage's end: four watches a replica are no burden.
  longestBackOffMs: 2_000,
  silenceMs: 90_000,
  watchSeconds: [300, 600],
  resyncMs: 30 * 60_000,
  staleMs: 15_000,
};

/** A page of a list: bounded, so that 10,000 namespaces with all their labels are never in memory at once. */
const PAGE = 500;
/** A watch of less than a second did not work: the API server is shutting down, or a proxy between cuts it. */
const LASTING_MS = 1000;
/** A list of the largest page takes seconds on a busy API server. */
const LIST_TIMEOUT_MS = 30_000;

/**
 * Keeps a store as the API server has it: a list, then a watch from there on; a list again where the watch has been
 * left too far behind (410). It never gives up, and never empties the store for an error: what is known stays known.
 */
export class Reflector {
  private readonly timings: ReflectorTimings;
  private readonly stopping = new AbortController();
  private resourceVersion: string | undefined;
  /** The latest of a list or an event. */
  private latest = '';
  private resyncAt = 0;
  private failures = 0;
  /** No watch has lasted since the last list. */
  private isListFresh = false;
  private hasSynced = false;
  private connected = false;
  /** Wall clock, as the metric tells it. */
  private lastContact = 0;
  private disconnectedSince = performance.now();
  /** Lists that were answered whole. */
  private listed = 0;
  private toldStale = false;
  private lastError: string | undefined;
  private readonly whenSynced: Promise<void>;
  private synced: () => void = () => undefined;

  constructor(private readonly options: ReflectorOptions) {
    this.timings = { ...TIMINGS, ...options.timings };
    this.whenSynced = new Promise((resolve) => (this.synced = resolve));
    options.metrics.watching(options.resource, {
      lastContact: () => this.lastContact,
      objects: () => options.store.size,
    });
  }

  get resource(): string {
    return this.options.resource;
  }

  /** Whether the store has been filled once. It stays filled. */
  get isSynced(): boolean {
    return this.hasSynced;
  }

  /** Milliseconds without a connection to the API server; 0 while there is one. */
  get disconnectedMs(): number {
    return this.connected ? 0 : performance.now() - this.disconnectedSince;
  }

  /** Why the last try failed, while there is no connection. */
  get problem(): string | undefined {
    return this.connected ? undefined : this.lastError;
  }

  /** The API server answers, and knows no such resource: its CRD is not installed. */
  get isMissing(): boolean {
    return this.hasSynced && this.listed === 0;
  }

  untilSynced(): Promise<void> {
    return this.whenSynced;
  }

  /** Begins; never rejects. */
  start(): void {
    void this.run();
    const staleness = setInterval(() => this.tellStaleness(), Math.min(1000, this.timings.staleMs)).unref();
    this.stopping.signal.addEventListener('abort', () => clearInterval(staleness));
  }

  stop(): void {
    this.stopping.abort();
  }

  private hasStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.hasStopped()) {
      try {
        if (this.resourceVersion === undefined) await this.list();
        // Stopped while it listed: a watch would not hear of it any more.
        if (this.hasStopped()) return;
        await this.watch();
      } catch (error) {
        if (this.hasStopped()) return;
        // The first answer after an outage is often a watch's 410: the server is well, and is asked for a list at once.
        const isLeftBehind = isGone(error) && this.resourceVersion !== undefined && !this.isListFresh;
        this.failed(error);
        if (!isLeftBehind) await this.backOff();
      }
    }
  }

  private async list(): Promise<void> {
    const { api, path, store, resource, metrics } = this.options;
    if (this.hasSynced) metrics.listedAgain(resource);
    let replacement: Replacement | undefined;
    let next = '';
    let version = '';
    do {
      const page = await this.page(api, path, next);
      const metadata: { resourceVersion?: unknown; continue?: unknown } = page.metadata ?? {};
      // Of something else than an API server: taken for a list, it would empty the store.
      if (typeof metadata.resourceVersion !== 'string' || metadata.resourceVersion === '')
        throw new UnreachableError('the answer to a list has no resourceVersion');
      version = metadata.resourceVersion;
      replacement ??= store.startReplacing(this.isSetBack(version));
      for (const item of listItems(page)) replacement.add(item);
      next = typeof metadata.continue === 'string' ? metadata.continue : '';
    } while (next !== '');
    replacement.commit(version);
    this.resourceVersion = version;
    this.latest = version;
    this.isListFresh = true;
    this.listed += 1;
    if (this.listed === 1) this.failures = 0;
    this.resyncAt = performance.now() + this.timings.resyncMs * (0.5 + Math.random());
    this.contact();
    this.markSynced();
  }

  /** A list reads what etcd holds: it is earlier than something heard before only where etcd was set back itself. */
  private isSetBack(version: string): boolean {
    if (!isLater(this.latest, version)) return false;
    this.options.logger.warn('the cluster was set back to an earlier state: what was known is replaced', {
      resource: this.resource,
      known: this.latest,
      listed: version,
    });
    return true;
  }

  private async page(api: ApiClient, path: string, next: string): Promise<ApiObject> {
    const query = { limit: PAGE, ...(next !== '' && { continue: next }) };
    return api.request('GET', path, { query, timeoutMs: LIST_TIMEOUT_MS });
  }

  /** One connection. Returns when it ended in good order, throws where it did not. */
  private async watch(): Promise<void> {
    const { stream, path } = this.options;
    const [shortest, longest] = this.timings.watchSeconds;
    const connection = new AbortController();
    const end = (): void => connection.abort();
    this.stopping.signal.addEventListener('abort', end, { once: true });
    let silence = setTimeout(end, this.timings.silenceMs);
    let heard = performance.now();
    let opened: number | undefined;
    const heardFrom = (): void => {
      heard = performance.now();
      opened ??= heard;
      this.contact();
      clearTimeout(silence);
      silence = setTimeout(end, this.timings.silenceMs);
    };
    const started = performance.now();
    const resync = setTimeout(end, Math.max(0, this.resyncAt - started));
    try {
      await stream.watch(
        path,
        {
          resourceVersion: this.resourceVersion ?? '',
          allowWatchBookmarks: true,
          timeoutSeconds: Math.round(shortest + Math.random() * (longest - shortest)),
        },
        (type, object) => {
          this.apply(type, object);
          heardFrom();
        },
        connection.signal,
        heardFrom,
      );
    } finally {
      clearTimeout(silence);
      clearTimeout(resync);
      this.stopping.signal.removeEventListener('abort', end);
      this.disconnected();
      // Only a connection that lasted ends the back-off: one that opens and is ended at once, or answered with 410 after
      // a good list, would be asked for again and again after the shortest wait.
      if (opened !== undefined && performance.now() - opened >= LASTING_MS) {
        this.failures = 0;
        this.isListFresh = false;
      }
    }
    const now = performance.now();
    if (now >= this.resyncAt) {
      this.resourceVersion = undefined;
      return;
    }
    if (now - heard >= this.timings.silenceMs)
      throw new Error(`nothing was heard for ${this.timings.silenceMs / 1000} s`);
    // An API server that ends watches at once (it is shutting down) must not be asked in a loop.
    if (now - started < LASTING_MS) throw new Error('the watch ended at once');
  }

  private apply(type: string, object: ApiObject): void {
    const { store } = this.options;
    if (type === 'ADDED' || type === 'MODIFIED') store.put(object);
    else if (type === 'DELETED') store.delete(object);
    this.resourceVersion = object.metadata?.resourceVersion ?? this.resourceVersion;
    if (this.resourceVersion !== undefined && isLater(this.resourceVersion, this.latest))
      this.latest = this.resourceVersion;
  }

  private contact(): void {
    if (this.toldStale) {
      this.options.logger.info('watch works again', {
        resource: this.resource,
        seconds: Math.round(this.disconnectedMs / 1000),
      });
      this.toldStale = false;
    }
    this.connected = true;
    this.lastContact = Date.now();
  }

  private disconnected(): void {
    if (!this.connected) return;
    this.connected = false;
    this.disconnectedSince = performance.now();
    this.lastError = undefined;
  }

  private failed(error: unknown): void {
    const { metrics, logger, resource, mayBeMissing = false } = this.options;
    this.failures += 1;
    this.disconnected();
    if (isGone(error)) {
      this.resourceVersion = undefined;
      return;
    }
    const status = error instanceof ApiError ? error.status : undefined;
    // After a first list a 404 (an API server that is starting) takes nothing away.
    if (status === 404 && mayBeMissing && this.listed === 0) {
      this.nothingThere();
      return;
    }
    this.lastError = error instanceof Error ? error.message : String(error);
    metrics.watchFailed(resource);
    logger.debug('watch failed', { resource, status, reason: this.lastError, failures: this.failures });
  }

  /** An answer like another: the watch is not stale, and is asked for again after the longest back-off. */
  private nothingThere(): void {
    this.failures = Number.MAX_SAFE_INTEGER;
    this.lastError = 'the API server does not know this resource';
    this.lastContact = Date.now();
    this.disconnectedSince = performance.now();
    if (this.hasSynced) return;
    this.options.store.startReplacing().commit('');
    this.markSynced();
    this.options.logger.warn('the API server does not know this resource: counted as none, and asked again', {
      resource: this.resource,
      path: this.options.path,
    });
  }

  private markSynced(): void {
    this.hasSynced = true;
    this.synced();
  }

  private async backOff(): Promise<void> {
    const delay = backOffDelay(this.failures, this.timings);
    await sleep(delay, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private tellStaleness(): void {
    if (this.toldStale || this.disconnectedMs < this.timings.staleMs) return;
    this.toldStale = true;
    this.options.logger.error('watch is stale: decisions go on from what is known', {
      resource: this.resource,
      seconds: Math.round(this.disconnectedMs / 1000),
      reason: this.lastError,
      synced: this.hasSynced,
    });
  }
}

/** 410: what the watch, or the rest of a list, was to go on from has been compacted. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
}
