import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { loadClientCa, loadTlsMaterial, type TlsMaterial, type TlsPaths } from './tlsMaterial.js';
import type { TlsSource } from './tlsSource.js';
import { WatchedFiles } from './watchedFiles.js';

export interface TlsFilesOptions extends TlsPaths {
  readonly clientCaFile?: string | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * The certificate files and what they held when they last fitted together. When they change and fit, whoever asked
 * is told; when they change and are broken, the old ones stay in use, with a log line and a metric.
 */
export class TlsFiles implements TlsSource {
  private current: TlsMaterial;
  private ca: Buffer | undefined;
  private readonly listeners: ((material: TlsMaterial, clientCa: Buffer | undefined) => void)[] = [];
  private readonly files: WatchedFiles;

  /** @throws TlsFileError: without a first good pair there is nothing to serve with */
  constructor(private readonly options: TlsFilesOptions) {
    const { certFile, keyFile, clientCaFile } = options;
    options.metrics.certificateIs(() => this.current);
    this.files = new WatchedFiles({
      files: clientCaFile === undefined ? [certFile, keyFile] : [certFile, keyFile, clientCaFile],
      take: () => this.take(),
      reject: (error) => this.reject(error),
    });
    this.current = loadTlsMaterial(options);
    this.ca = clientCaFile === undefined ? undefined : loadClientCa(clientCaFile);
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

  start(): Promise<void> {
    this.files.start();
    return Promise.resolve();
  }

  close(): void {
    this.files.close();
  }

  private take(): void {
    const { logger, metrics, clientCaFile } = this.options;
    const material = loadTlsMaterial(this.options);
    const ca = clientCaFile === undefined ? undefined : loadClientCa(clientCaFile);
    for (const listener of this.listeners) listener(material, ca);
    this.current = material;
    this.ca = ca;
    metrics.tlsReloads.inc();
    logger.info('TLS files reloaded', { expires: new Date(material.expires).toISOString() });
  }

  private reject(error: unknown): void {
    this.options.metrics.tlsReloadFailures.inc();
    this.options.logger.error('TLS files changed and are broken: the old ones stay in use', {
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}
