import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord } from '../hardening/locate.js';
import { ClientCaFile } from '../server/clientCaFile.js';
import type { TlsMaterial } from '../server/tlsMaterial.js';
import type { TlsSource } from '../server/tlsSource.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ApiClient, ApiObject } from './apiClient.js';
import { ApiError } from './apiError.js';
import { backOffDelay, type BackOff } from './backOff.js';
import { CertificateLeader } from './certificateLeader.js';
import { readCertificateSecret, SECRET_KEYS, type CertificateSecret } from './certificateSecret.js';
import { isBetterThanFound, type CertificateState, type HeldLeaf } from './certificateState.js';
import { SYSTEM_CLOCK, type Clock } from './clock.js';
import { isLater } from './resourceVersion.js';
import type { WatchStream } from './watchStream.js';

/** Shipped empty by the manifests: then no right to create Secrets is needed, which could not be limited by name. */
const SECRET = 'kube-harden-certificates';

export interface FollowTimings extends BackOff {
  /** The Secret is read again so often whatever the watch says: a watch that is dead without a sign costs no more. */
  readonly readAgainMs: number;
  /** The shortest and longest life of a watch connection. */
  readonly watchSeconds: readonly [number, number];
}

const TIMINGS: FollowTimings = {
  readAgainMs: 30_000,
  backOffMs: 200,
  longestBackOffMs: 10_000,
  watchSeconds: [300, 600],
};

/** The first look at the Secret, before the process says that it has started. */
const FIRST_READ_MS = 3_000;

export interface SelfManagedCertificatesOptions {
  readonly api: ApiClient;
  readonly stream: WatchStream;
  /** The own namespace, where the Secret and the Service are. */
  readonly namespace: string;
  /** DNS names and IP addresses of the certificate, besides the Service's name. */
  readonly hosts: readonly string[];
  readonly certificateDurationMs: number;
  readonly caDurationMs: number;
  readonly clientCaFile?: string | undefined;
  readonly logger: Logger;
  readonly metrics: Pick<
    Metrics,
    'tlsReloads' | 'tlsReloadFailures' | 'certificateIs' | 'authorityIs' | 'renewed'
  >;
  readonly clock?: Clock;
  readonly timings?: Partial<FollowTimings>;
}

type Listener = (material: TlsMaterial, clientCa: Buffer | undefined) => void;

/**
 * The serving certificate out of a Secret that the replicas share. Every replica follows the Secret and serves what it
 * finds there when that fits together; a broken one leaves the old one in use, and so does one that is not valid by its
 * clock as long as the old one is. The leader makes and renews what is in it, see CertificateLeader.
 */
export class SelfManagedCertificates implements TlsSource {
  private readonly path: string;
  private readonly timings: FollowTimings;
  private readonly leader: CertificateLeader;
  private readonly client: ClientCaFile | undefined;
  private readonly closing = new AbortController();
  private readonly listeners: Listener[] = [];
  private readonly clock: Clock;
  private current: TlsMaterial | undefined;
  /** What the Secret said of it. */
  private served: HeldLeaf | undefined;
  private authority: { readonly begins: number; readonly expires: number } | undefined;
  private why = 'the Secret has not been read yet';
  /** What the Secret held when it was last judged, good or bad. */
  private judged: string | undefined;
  /** What it holds is not valid by our clock, and not served: it is judged anew at each look, since time passes. */
  private isHeldBack = false;
  private version = '';
  /** How often the Secret was taken from a read or the watch. */
  private taken = 0;
  /** What failed and how, until that works again. */
  private readonly told = { read: new Set<string>(), watch: new Set<string>() };
  /** Of a Secret without a certificate, which changes several times until it has one again. */
  private toldEmpty = false;

  /** @throws TlsFileError where the client CA file cannot be used */
  constructor(private readonly options: SelfManagedCertificatesOptions) {
    const { api, namespace, hosts, certificateDurationMs, caDurationMs, logger, metrics } = options;
    this.path = `/api/v1/namespaces/${namespace}/secrets`;
    this.timings = { ...TIMINGS, ...options.timings };
    this.clock = options.clock ?? SYSTEM_CLOCK;
    this.client =
      options.clientCaFile === undefined
        ? undefined
        : new ClientCaFile({
            file: options.clientCaFile,
            changed: (clientCa) => this.tellListeners(this.current, clientCa),
            logger,
            metrics,
          });
    this.leader = new CertificateLeader({
      api,
      secretPath: `${this.path}/${SECRET}`,
      hosts: [...new Set([`kube-harden.${namespace}.svc`, ...hosts].map(canonicalHost))],
      certificateDurationMs,
      caDurationMs,
      logger,
      renewed: (what, ok) => metrics.renewed(what, ok),
      clock: this.clock,
    });
  }

  get material(): TlsMaterial | undefined {
    return this.current;
  }

  get missing(): string | undefined {
    return this.current === undefined ? this.why : undefined;
  }

  get clientCa(): Buffer | undefined {
    return this.client?.current;
  }

  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** Reads the Secret and follows it from then on; never rejects for what an API server does. */
  async start(): Promise<void> {
    this.client?.start();
    // With an API server that is slow or away, the process starts all the same and readiness says why it is not ready.
    await this.read(FIRST_READ_MS).catch((error: unknown) => this.failed('read', error));
    void this.follow();
    const again = setInterval(() => {
      this.read().catch((error: unknown) => this.failed('read', error));
    }, this.timings.readAgainMs).unref();
    this.closing.signal.addEventListener('abort', () => clearInterval(again));
  }

  close(): void {
    this.closing.abort();
    this.client?.close();
  }

  /** What the leader does, until `signal` is aborted. */
  async lead(signal: AbortSignal): Promise<void> {
    await this.leader.lead(signal);
  }

  private hasClosed(): boolean {
    return this.closing.signal.aborted;
  }

  private async read(timeoutMs?: number): Promise<void> {
    const { taken } = this;
    const secret = await this.options.api.request('GET', `${this.path}/${SECRET}`, {
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    this.told.read.clear();
    // Where nothing came meanwhile this is what etcd holds, though it be earlier than what was known: etcd was restored.
    if (taken === this.taken) this.version = '';
    this.take(secret);
  }

  private async follow(): Promise<void> {
    let failures = 0;
    while (!this.hasClosed()) {
      const started = performance.now();
      try {
        await this.watch();
        // An API server that ends watches at once (it is shutting down) must not be asked in a loop.
        failures = performance.now() - started < 1000 ? failures + 1 : 0;
      } catch (error) {
        failures += 1;
        this.failed('watch', error);
      }
      if (failures === 0 || this.hasClosed()) continue;
      await sleep(backOffDelay(failures, this.timings), undefined, {
        signal: this.closing.signal,
      }).catch(() => undefined);
      await this.read().catch((error: unknown) => this.failed('read', error));
    }
  }

  private async watch(): Promise<void> {
    const [shortest, longest] = this.timings.watchSeconds;
    await this.options.stream.watch(
      this.path,
      {
        // RBAC by name takes a watch for one of a single object where it says so.
        fieldSelector: `metadata.name=${SECRET}`,
        // The server begins with the object as it knows it. The object's own version is of its last renewal, weeks ago, and
        // too old (410) for any API server that was started since; without one it waits until it knows what etcd's latest
        // is, with an older etcd in vain (504 after 3 s, measured).
        resourceVersion: '0',
        timeoutSeconds: Math.round(shortest + Math.random() * (longest - shortest)),
      },
      (type, object) => {
        if (type === 'DELETED') this.removed();
        else if (type !== 'BOOKMARK') this.take(object);
      },
      this.closing.signal,
      () => this.told.watch.clear(),
    );
  }

  private take(secret: ApiObject): void {
    if (this.hasClosed()) return;
    const { resourceVersion = '' } = secret.metadata ?? {};
    // A read and the watch run beside each other: the older of the two must not win.
    if (this.version !== '' && isLater(this.version, resourceVersion)) return;
    this.version = resourceVersion;
    this.taken += 1;
    const content = contentHash(secret);
    const isNew = content !== this.judged;
    if (!isNew && !this.isHeldBack) return;
    this.judged = content;
    if (isNew) this.leader.wake();
    this.judge(readCertificateSecret(secret), isNew);
  }

  private judge(read: CertificateSecret, isNew: boolean): void {
    const { logger } = this.options;
    const { material, problems, state } = read;
    this.noteCa(read);
    this.isHeldBack = this.shouldHoldBack(state);
    if (material !== undefined) this.toldEmpty = false;
    if (material === undefined || state.leaf === undefined) this.withoutMaterial(problems);
    else if (this.isHeldBack) {
      if (isNew)
        logger.warn('the certificate of the Secret is not valid by this clock: the old one stays in use', {
          from: new Date(state.leaf.notBefore).toISOString(),
          until: new Date(state.leaf.notAfter).toISOString(),
        });
    } else {
      if (problems.length > 0)
        logger.warn('the certificate Secret is broken in part: the certificate itself is in use', {
          problems,
        });
      this.serve(material, state.leaf);
    }
  }

  /** What is served has to last until the next look, lest it end before what it was preferred to is taken. */
  private shouldHoldBack(found: CertificateState): boolean {
    if (this.served === undefined) return false;
    return isBetterThanFound(this.served, found, this.clock.now(), this.timings.readAgainMs);
  }

  private serve(material: TlsMaterial, leaf: HeldLeaf): void {
    const { logger, metrics } = this.options;
    const before = this.current;
    if (before?.cert.equals(material.cert) === true && before.key.equals(material.key)) return;
    try {
      this.tellListeners(material, this.clientCa);
    } catch (error) {
      this.withoutMaterial([error instanceof Error ? error.message : String(error)]);
      return;
    }
    this.current = material;
    this.served = leaf;
    if (before === undefined) metrics.certificateIs(() => this.current ?? material);
    else metrics.tlsReloads.inc();
    logger.info('certificate of the Secret in use', { expires: new Date(material.expires).toISOString() });
  }

  /** An empty Secret is how it ships; one that holds something and nothing to serve is broken, or about to be mended. */
  private withoutMaterial(problems: readonly string[]): void {
    const { logger, metrics } = this.options;
    if (problems.length === 0) {
      this.why = 'the leader has not made one';
      if (this.current !== undefined && !this.toldEmpty)
        logger.warn('the certificate Secret holds no certificate: the old one stays in use');
      this.toldEmpty = this.current !== undefined;
      return;
    }
    this.why = problems.join('; ');
    metrics.tlsReloadFailures.inc();
    logger.error('the certificate Secret is broken: what was in use stays in use', { problems });
  }

  private noteCa({ state }: CertificateSecret): void {
    if (state.ca === undefined) return;
    const authority = { begins: state.ca.notBefore, expires: state.ca.notAfter };
    if (this.authority === undefined) this.options.metrics.authorityIs(() => this.authority ?? authority);
    this.authority = authority;
  }

  private removed(): void {
    this.judged = undefined;
    this.failed('read', new ApiError(404, 'the Secret was deleted', 'NotFound'));
  }

  private tellListeners(material: TlsMaterial | undefined, clientCa: Buffer | undefined): void {
    if (material === undefined) return;
    for (const listener of this.listeners) listener(material, clientCa);
  }

  /** Each kind of failure once, until what failed works again. */
  private failed(what: 'read' | 'watch', error: unknown): void {
    if (this.hasClosed()) return;
    const status = error instanceof ApiError ? error.status : undefined;
    // The watch was left behind: it begins anew.
    if (status === 410) return;
    const reason = error instanceof Error ? error.message : String(error);
    const secret = `${this.options.namespace}/${SECRET}`;
    if (this.current === undefined && this.judged === undefined)
      this.why =
        status === 404
          ? `the Secret ${secret} is missing; apply the manifests, which bring it`
          : `the Secret ${secret} cannot be read: ${reason}`;
    const kind = status === undefined ? 'no answer' : `${status}`;
    // An API server that is away fails both.
    if (this.told.read.has(kind) || this.told.watch.has(kind)) return;
    this.told[what].add(kind);
    const { logger } = this.options;
    if (status === 404)
      logger.error('the certificate Secret is missing: apply the manifests, which bring it', { secret });
    else logger.warn('the certificate Secret cannot be followed: trying again', { secret, status, reason });
  }
}

/** Of what is read from it, whatever else is in it. */
function contentHash(secret: ApiObject): string {
  const data = isRecord(secret['data']) ? secret['data'] : {};
  const ours = SECRET_KEYS.map((key) => [key, data[key]]);
  return createHash('sha256').update(JSON.stringify(ours)).digest('base64');
}

/** As Node.js prints it of a certificate, so that the two can be compared. */
function canonicalHost(host: string): string {
  if (isIP(host) !== 6) return host.toLowerCase();
  const groups = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const [head = [], tail = []] = groups.map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...(groups.length === 2 ? zeros : []), ...tail].join(':').toUpperCase();
}
