import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { loadClientCa } from './tlsMaterial.js';
import { WatchedFiles } from './watchedFiles.js';

export interface ClientCaFileOptions {
  readonly file: string;
  /** Throws where the new one cannot be used: the old one then stays. */
  readonly changed: (clientCa: Buffer) => void;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'tlsReloads' | 'tlsReloadFailures'>;
}

/** The client CA as a file beside a serving certificate that comes from elsewhere; see TlsFiles for both as files. */
export class ClientCaFile {
  private ca: Buffer;
  private readonly files: WatchedFiles;

  /** @throws TlsFileError: serving without the check that was asked for is not an option */
  constructor({ file, changed, logger, metrics }: ClientCaFileOptions) {
    this.files = new WatchedFiles({
      files: [file],
      take: () => {
        const ca = loadClientCa(file);
        changed(ca);
        this.ca = ca;
        metrics.tlsReloads.inc();
        logger.info('client CA file reloaded');
      },
      reject: (error) => {
        metrics.tlsReloadFailures.inc();
        logger.error('client CA file changed and is broken: the old one stays in use', {
          reason: error instanceof Error ? error.message : String(error),
        });
      },
    });
    this.ca = loadClientCa(file);
  }

  get current(): Buffer {
    return this.ca;
  }

  start(): void {
    this.files.start();
  }

  close(): void {
    this.files.close();
  }
}
