import type { Logger } from '../telemetry/logger.js';
import type { ApiClient, ApiObject } from './apiClient.js';

/** A cluster is upgraded under a running replica: an answer is believed for so long, and a failure too. */
const KEEP_MS = 60_000;
/** A preview waits for it. */
const QUESTION_TIMEOUT_MS = 2_000;

export interface ApiServerVersionOptions {
  readonly api: ApiClient;
  readonly logger: Logger;
  /** Milliseconds that only grow. */
  readonly clock?: () => number;
}

/**
 * The version of the API server (GET /version, which the ClusterRole system:public-info-viewer lets everybody read).
 * It is read when it is asked for, and once a minute at most: only previews ask.
 */
export class ApiServerVersion {
  private readonly clock: () => number;
  private lastKnown: number | undefined;
  private answer: Promise<number | undefined> = Promise.resolve(undefined);
  private readUntil = -Infinity;
  private failing = false;

  constructor(private readonly options: ApiServerVersionOptions) {
    this.clock = options.clock ?? (() => performance.now());
  }

  /**
   * Never rejects.
   *
   * @returns 36 for Kubernetes 1.36; where it cannot be read what it was before, undefined where it never could be
   */
  minor(): Promise<number | undefined> {
    const now = this.clock();
    if (now >= this.readUntil) {
      this.readUntil = now + KEEP_MS;
      this.answer = this.read();
    }
    return this.answer;
  }

  private async read(): Promise<number | undefined> {
    const { api, logger } = this.options;
    try {
      const info = await api.request('GET', '/version', { timeoutMs: QUESTION_TIMEOUT_MS });
      const minor = minorOf(info);
      if (minor === undefined) throw new Error(`it is no version 1.x: ${JSON.stringify(info)}`);
      this.lastKnown = minor;
      this.failing = false;
    } catch (error) {
      // One line for an outage, not one a minute.
      if (!this.failing) {
        logger.warn("the API server's version cannot be read: Pod Security levels may be another version's", {
          judgedBy: this.lastKnown === undefined ? 'the newest known' : `v1.${this.lastKnown}`,
          error,
        });
      }
      this.failing = true;
    }
    return this.lastKnown;
  }
}

/**
 * The minor that an API server serves as: the emulated one where it runs with --emulated-version, which its Pod Security
 * admission follows too (plugin/pkg/admission/security/podsecurity, InspectEffectiveVersion). Some clouds write `36+`.
 *
 * @returns undefined for a major other than 1
 */
export function minorOf({ major, minor, emulationMajor, emulationMinor }: ApiObject): number | undefined {
  const text = `${String(emulationMajor ?? major)}.${String(emulationMinor ?? minor)}`;
  const digits = /^1\.(\d+)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
