import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { KubeHarden } from '../../../e2e/support/kubeHarden.js';
import { authority } from '../../support/certificates.js';
import { onCores, type Cores } from './cores.js';
import { runFolder } from './serveProcess.js';

export interface Load {
  readonly port: number;
  readonly caFile: string;
  readonly bodyFile: string;
  /**
   * Opened before the time runs; no more requests are on their way at a time, as an API server has a limit. One that
   * is told `Retry-After` keeps its connection for so long.
   */
  readonly connections: number;
  readonly seconds: number;
  /** Without it each connection sends its next request when the last one is answered. */
  readonly perSecond?: number;
}

export interface Offered {
  readonly seconds: number;
  /** Requests that found a connection. */
  readonly sent: number;
  /** By status, how many answers. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Of each 200: from when it was due to when its answer had come. */
  readonly milliseconds: readonly number[];
  /** The same from when it was sent: without the time in which no connection was free for it. */
  readonly sentMilliseconds: readonly number[];
  /** 503s that do not say when to come again. */
  readonly withoutRetryAfter: number;
  /** Connections that were closed with a request on its way. */
  readonly lost: number;
  /** Still on their way when the time was over. */
  readonly unanswered: number;
}

const run = promisify(execFile);

/** Offers the same review again and again, from a process of its own. */
export async function offer(
  { admissionPort }: KubeHarden,
  review: string,
  load: Pick<Load, 'connections' | 'seconds' | 'perSecond'>,
  cores?: Cores,
): Promise<Offered> {
  const whole: Load = {
    ...load,
    port: admissionPort,
    caFile: runFolder.write('load-ca.crt', authority.cert),
    bodyFile: runFolder.write('load-body.json', review),
  };
  const script = new URL('offerLoad.ts', import.meta.url).pathname;
  const [command, args] = onCores(cores, [
    process.execPath,
    '--import',
    'tsx/esm',
    script,
    JSON.stringify(whole),
  ]);
  const { stdout } = await run(command, args, { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Offered;
}
