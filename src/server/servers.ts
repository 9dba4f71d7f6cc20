import type { Router } from 'express';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdmissionHandler } from '../admission/handler.js';
import type { Logger } from '../telemetry/logger.js';
import type { PreviewAccess } from '../preview/access.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { BindAddress } from './address.js';
import { AdmissionListener, type AdmissionLimits } from './admissionListener.js';
import type { CheckResult, HealthCheck } from './health.js';
import { OpsListener } from './opsListener.js';
import { PreviewListener } from './previewListener.js';
import type { TlsMaterial } from './tlsMaterial.js';
import type { TlsSource } from './tlsSource.js';

/** Part of the grace period that is kept for the exit itself. */
const EXIT_RESERVE_MS = 500;
/** From here on readiness tells how many days the certificate still has. */
const EXPIRY_NOTICE_MS = 30 * 24 * 60 * 60 * 1000;
/** A certificate that has just been made is valid for others, whatever a clock that is minutes behind says here. */
const CLOCKS_DIFFER_MS = 5 * 60 * 1000;

export interface ServersOptions {
  readonly admission: BindAddress;
  /** Without it there is no preview. */
  readonly preview?: BindAddress | undefined;
  readonly ops: BindAddress;
  readonly handler: AdmissionHandler;
  readonly loadPreviewRoutes: () => Promise<Router>;
  readonly previewInsecure: boolean;
  /** Asks who calls the preview, and whether they may; without it only this machine is answered. */
  readonly previewAccess?: PreviewAccess | undefined;
  readonly tls: TlsSource;
  readonly clientAllowedNames?: readonly string[] | undefined;
  /** What has to be well before requests may come, besides the listeners and the certificate. */
  readonly checks: readonly HealthCheck[];
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly limits?: Partial<AdmissionLimits>;
}

/** `host:port` of each listener, as bound. */
export interface Addresses {
  readonly admission: string;
  readonly preview?: string;
  readonly ops: string;
}

/** The three listeners as one: started together, told of new certificates, drained in the right order. */
export class Servers {
  readonly admission: AdmissionListener;
  readonly preview: PreviewListener | undefined;
  readonly ops: OpsListener;
  private listening = false;
  private stopping = false;

  constructor(private readonly options: ServersOptions) {
    const { tls, metrics, logger, handler, limits } = options;
    this.admission = new AdmissionListener({
      handler,
      tls: tls.material,
      clientCa: tls.clientCa,
      clientAllowedNames: options.clientAllowedNames,
      metrics,
      logger,
      ...(limits === undefined ? {} : { limits }),
    });
    this.preview =
      options.preview === undefined
        ? undefined
        : new PreviewListener({
            tls: tls.material,
            loadRoutes: options.loadPreviewRoutes,
            access: options.previewAccess,
            insecure: options.previewInsecure,
            metrics,
            logger,
          });
    this.ops = new OpsListener({
      live: [{ name: 'ping', check: ok }],
      ready: this.readyChecks(),
      metrics,
      logger,
    });
    tls.onChange((material, clientCa) => {
      this.admission.replaceTls(material, clientCa);
      this.preview?.replaceTls(material);
    });
  }

  /** @throws ListenError where an address cannot be bound; nothing listens then */
  async start(): Promise<Addresses> {
    const { preview } = this.options;
    try {
      const [ops, admission, previewAddress] = await Promise.all([
        this.ops.listener.listen(this.options.ops),
        this.admission.listener.listen(this.options.admission),
        preview === undefined ? undefined : this.preview?.listener.listen(preview),
      ]);
      await this.options.tls.start();
      this.listening = true;
      return { admission, ops, ...(previewAddress === undefined ? {} : { preview: previewAddress }) };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Loads what the first answers do not need: express, prom-client, the preview's routes. */
  async warm(): Promise<void> {
    await this.ops.warm();
    await this.admission.warm();
    await this.preview?.warm();
  }

  /**
   * Ends within `graceMs`: readiness fails first, for `delayMs` requests are still accepted (until every API server
   * has heard of it), then nothing new is accepted and what is in flight is answered. The ops listener goes last.
   */
  async stop({ delayMs, graceMs }: { delayMs: number; graceMs: number }): Promise<void> {
    const deadline = performance.now() + graceMs - Math.min(EXIT_RESERVE_MS, graceMs / 10);
    this.stopping = true;
    this.admission.listener.startDraining();
    this.preview?.listener.startDraining();
    if (delayMs > 0) await sleep(Math.min(delayMs, Math.max(0, deadline - performance.now())));
    await Promise.all([this.admission.listener.drain(deadline), this.preview?.listener.drain(deadline)]);
    this.close();
  }

  /** Stops at once. */
  close(): void {
    this.options.tls.close();
    for (const { listener } of [this.admission, this.ops]) listener.close();
    this.preview?.listener.close();
  }

  private readyChecks(): HealthCheck[] {
    return [
      ...this.options.checks,
      {
        name: 'listeners',
        check: () => ({ ok: this.listening, detail: this.listening ? undefined : 'not bound yet' }),
      },
      {
        name: 'certificate',
        check: () => materialCheck(this.options.tls, Date.now()),
      },
      {
        name: 'shutdown',
        check: () => ({ ok: !this.stopping, detail: this.stopping ? 'shutting down' : undefined }),
      },
    ];
  }
}

function ok(): CheckResult {
  return { ok: true };
}

function materialCheck({ material, missing = 'none has been made' }: TlsSource, now: number): CheckResult {
  if (material === undefined) return { ok: false, detail: `no certificate yet: ${missing}` };
  return certificateCheck(material, now);
}

/** A certificate that is not valid fails every call, so being sent none loses nothing and says why. */
export function certificateCheck(
  { begins, expires }: Pick<TlsMaterial, 'begins' | 'expires'>,
  now: number,
): CheckResult {
  const date = new Date(expires).toISOString().slice(0, 10);
  if (now >= expires) return { ok: false, detail: `expired on ${date}` };
  if (now + CLOCKS_DIFFER_MS < begins)
    return { ok: false, detail: `not valid before ${new Date(begins).toISOString()}` };
  const days = Math.floor((expires - now) / (24 * 60 * 60 * 1000));
  return {
    ok: true,
    detail: expires - now < EXPIRY_NOTICE_MS ? `expires on ${date}, in ${days} days` : undefined,
  };
}
