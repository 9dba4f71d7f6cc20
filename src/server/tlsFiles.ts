import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { loadClientCa, loadTlsMaterial, type TlsMaterial, type TlsPaths } from './tlsMaterial.js';

/** A kubelet swaps a mounted Secret about once a minute; a second is soon enough, and costs three stat calls. */
const POLL_MS = 1000;

export interface TlsFilesOptions extends TlsPaths {
  readonly clientCaFile?: string | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * The certificate files and what they held when they last fitted together. When they change and fit, whoever asked
 * is told; when they change and are broken, the old ones stay in use, with a log line and a metric.
 */
export class TlsFiles {
  private current: TlsMaterial;
  private ca: Buffer | undefined;
  private readonly listeners: ((material: TlsMaterial, clientCa: Buffer | undefined) => void)[] = [];
  private readonly watchers: FSWatcher[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** What the files looked like when they were last taken over, or found broken for good. */
  private settled: string | undefined;
  /** How they looked when they were found broken: half-written, perhaps, so the next poll decides. */
  private suspect: string | undefined;
  private checking = false;

  /** @throws TlsFileError: without a first good pair there is nothing to serve with */
  constructor(private readonly options: TlsFilesOptions) {
    this.current = loadTlsMaterial(options);
    this.ca = options.clientCaFile === undefined ? undefined : loadClientCa(options.clientCaFile);
    options.metrics.certificateExpiresAt(() => this.current.expires);
  }

  get material(): TlsMaterial {
    return this.current;
  }

  get clientCa(): Buffer | undefined {
    return this.ca;
  }

  onChange(listener: (material: TlsMaterial, clientCa: Buffer | undefined) => void): void {
    this.listeners.push(listener);
  }

  /** Begins to watch. The poll is what holds (network file systems tell nothing); the watch makes it prompt. */
  async start(): Promise<void> {
    this.settled = await this.signature();
    this.timer = setInterval(() => void this.check(true), POLL_MS).unref();
    for (const folder of new Set(this.files.map((file) => dirname(file)))) {
      try {
        const watcher = watch(folder, { persistent: false }, () => void this.check(false));
        watcher.on('error', () => watcher.close());
        this.watchers.push(watcher);
      } catch {
        // Out of inotify watches, or a file system without them: the poll does it.
      }
    }
  }

  close(): void {
    clearInterval(this.timer);
    for (const watcher of this.watchers) watcher.close();
  }

  private get files(): string[] {
    const { certFile, keyFile, clientCaFile } = this.options;
    return clientCaFile === undefined ? [certFile, keyFile] : [certFile, keyFile, clientCaFile];
  }

  /** Which files these are and when they were written; symbolic links (a mounted Secret) are followed. */
  private async signature(): Promise<string> {
    const marks = this.files.map((file) =>
      stat(file).then(
        ({ ino, size, mtimeMs, ctimeMs }) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`,
        (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unreadable',
      ),
    );
    return (await Promise.all(marks)).join('; ');
  }

  /** @param polled a broken pair that looks as it did a poll ago is not being written: only then is it reported */
  private async check(polled: boolean): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    try {
      const seen = await this.signature();
      if (seen === this.settled) return;
      try {
        this.take(seen);
      } catch (error) {
        if (polled && seen === this.suspect) this.reject(seen, error);
        else if (polled) this.suspect = seen;
      }
    } finally {
      this.checking = false;
    }
  }

  private take(seen: string): void {
    const { logger, metrics, clientCaFile } = this.options;
    const material = loadTlsMaterial(this.options);
    const ca = clientCaFile === undefined ? undefined : loadClientCa(clientCaFile);
    for (const listener of this.listeners) listener(material, ca);
    this.current = material;
    this.ca = ca;
    this.settled = seen;
    this.suspect = undefined;
    metrics.tlsReloads.inc();
    logger.info('TLS files reloaded', { expires: new Date(material.expires).toISOString() });
  }

  private reject(seen: string, error: unknown): void {
    this.settled = seen;
    this.suspect = undefined;
    this.options.metrics.tlsReloadFailures.inc();
    this.options.logger.error('TLS files changed and are broken: the old ones stay in use', {
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}
