import type { TlsMaterial } from './tlsMaterial.js';

/** Where the serving certificate and the client CA come from, and whence one hears that they have changed. */
export interface TlsSource {
  /** Undefined as long as there is none: the listeners listen all the same, and every handshake fails. */
  readonly material: TlsMaterial | undefined;
  /** Why there is no material yet, in one line. */
  readonly missing?: string | undefined;
  /** The certificates that sign clients' certificates, as PEM; undefined where none are asked for. */
  readonly clientCa: Buffer | undefined;
  onChange(listener: (material: TlsMaterial, clientCa: Buffer | undefined) => void): void;
  /** Begins to follow changes. */
  start(): Promise<void>;
  close(): void;
}
