import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validFor, type CertificateAuthority } from '../../../src/server/certificateAuthority.js';
import { imageNodeFlags } from '../../support/imageEntrypoint.js';
import { OwnedProcess, type Exit } from './ownedProcess.js';
import type { RunFolder } from './runFolder.js';
import { TimeoutError, eventually } from './wait.js';

export interface KubeHardenOptions {
  /** Names its log file and, with files, its certificate. */
  readonly name: string;
  readonly folder: RunFolder;
  /** `none` runs it standalone. */
  readonly kubeconfig: string;
  /** Self-managed in the cluster's Secret, or a serving certificate of this authority as files. */
  readonly certificates?: 'self-managed' | CertificateAuthority;
  readonly namespace?: string;
  /** Appended: the last one of a flag counts. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Without it `start` resolves as soon as it listens. */
  readonly waitReady?: boolean;
  readonly readyTimeoutMs?: number;
}

export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Another build than the repository's own where the variable names one, e.g. to try an upgrade. */
export const MAIN = process.env['E2E_MAIN'] ?? join(import.meta.dirname, '..', '..', '..', 'dist', 'main.js');
const READY_TIMEOUT_MS = 20_000;

/** One replica: a `kube-harden serve` of its own, as the Deployment would run it. */
export class KubeHarden {
  private constructor(
    readonly name: string,
    readonly logFile: string,
    private readonly process: OwnedProcess,
    readonly admissionPort: number,
    /** Undefined where the preview is off. */
    readonly previewPort: number | undefined,
    readonly opsUrl: string,
  ) {}

  /** @throws Error with the end of its log where it ends or is not ready in time */
  static async start(options: KubeHardenOptions): Promise<KubeHarden> {
    const { name, folder, waitReady = true, readyTimeoutMs = READY_TIMEOUT_MS, env = {} } = options;
    const logFile = folder.logFile(name);
    const before = linesOf(logFile).length;
    const started = OwnedProcess.start({
      name,
      command: process.execPath,
      args: [...imageNodeFlags(), MAIN, 'serve', ...(await flags(options))],
      logFile,
      // A home of its own: no kubeconfig of the user who runs the tests is found.
      env: { PATH: process.env['PATH'], HOME: folder.path, NODE_ENV: 'production', POD_NAME: name, ...env },
      cwd: folder.path,
    });
    try {
      const listening = await eventually(
        `${name} listening`,
        () => {
          const line = linesOf(logFile)
            .slice(before)
            .find(({ message }) => message === 'listening');
          return line ?? (started.running ? undefined : ('ended' as const));
        },
        readyTimeoutMs,
        20,
      );
      if (listening === 'ended') throw new Error(`${name} ended before it listened`);
      const replica = new KubeHarden(
        name,
        logFile,
        started,
        portOf(listening['admission']) ?? 0,
        portOf(listening['preview']),
        new URL(String(listening['ops'])).origin,
      );
      if (waitReady) await replica.becomesReady(readyTimeoutMs);
      return replica;
    } catch (error) {
      await started.stop('SIGKILL');
      throw new Error(`${name} did not start; its log (${logFile}) ends:\n${endOf(logFile)}`, {
        cause: error,
      });
    }
  }

  get pid(): number {
    return this.process.pid;
  }

  get running(): boolean {
    return this.process.running;
  }

  get exited(): Promise<Exit> {
    return this.process.exited;
  }

  /** Sends the signal and goes on. */
  signal(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }

  /** Longer than the grace period of `serve`, which is to end by itself. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    return this.process.stop(signal, 40_000);
  }

  kill(): Promise<Exit> {
    return this.process.stop('SIGKILL');
  }

  /** Its log lines so far. */
  logs(): LogLine[] {
    return linesOf(this.logFile);
  }

  /** All its output so far: a crash is not JSON. */
  text(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** The first line with this message. */
  log(message: string | RegExp, timeoutMs = 5000): Promise<LogLine> {
    const isIt = (line: LogLine): boolean =>
      typeof message === 'string' ? line.message === message : message.test(line.message);
    return eventually(`${this.name} logs ${String(message)}`, () => this.logs().find(isIt), timeoutMs);
  }

  async ready(verbose = false): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.opsUrl}/readyz${verbose ? '?verbose' : ''}`);
    return { status: response.status, text: await response.text() };
  }

  async becomesReady(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    let last = 'no answer';
    try {
      await eventually(
        `${this.name} ready`,
        async () => {
          if (!this.running) return 'ended';
          const { status, text } = await this.ready(true);
          last = text;
          return status === 200;
        },
        timeoutMs,
      );
    } catch (error) {
      throw new TimeoutError(`${this.name} is not ready within ${timeoutMs} ms:\n${last}`, { cause: error });
    }
    if (!this.running) throw new Error(`${this.name} ended before it was ready`);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.opsUrl}/metrics`)).text();
  }

  /** The sum of the samples that have all these labels; 0 where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    let sum = 0;
    for (const line of (await this.metrics()).split('\n')) {
      const [, found, among = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      // Between commas, so that `code="5"` is not found in `exit_code="5"`.
      const isIt = found === name && wanted.every((label) => `,${among},`.includes(`,${label},`));
      if (isIt) sum += Number(value);
    }
    return sum;
  }
}

async function flags(options: KubeHardenOptions): Promise<string[]> {
  const { kubeconfig, certificates = 'self-managed', namespace = 'kube-harden', args = [] } = options;
  return [
    ...['--kubeconfig', kubeconfig, '--namespace', namespace],
    ...['--admission-bind-address', '127.0.0.1:0', '--preview-bind-address', '127.0.0.1:0'],
    ...['--ops-bind-address', '127.0.0.1:0', '--log-format', 'json', '--log-decisions', 'all'],
    // Endpoints follow within a tenth of a second here; the manifests give real ones ten seconds.
    ...['--shutdown-delay-duration', '1s'],
    ...(certificates === 'self-managed'
      ? ['--certificates', 'self-managed', '--certificate-hosts', '127.0.0.1']
      : await certificateFiles(options, certificates)),
    ...args,
  ];
}

async function certificateFiles(
  { name, folder }: KubeHardenOptions,
  authority: CertificateAuthority,
): Promise<string[]> {
  const { cert, key } = await authority.issue({
    commonName: 'kube-harden',
    hosts: ['localhost', '127.0.0.1'],
    usage: 'server',
    ...validFor(1),
  });
  return [
    ...['--certificates', 'files', '--tls-cert-file', folder.write(`${name}.crt`, cert)],
    ...['--tls-private-key-file', folder.write(`${name}.key`, key)],
  ];
}

/** A line that is not JSON (a crash, one that is being written) is no log line. */
function linesOf(file: string): LogLine[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return []; // not started yet
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line.startsWith('{') ? [JSON.parse(line) as LogLine] : [];
    } catch {
      return [];
    }
  });
}

function portOf(url: unknown): number | undefined {
  return typeof url === 'string' ? Number(new URL(url).port) : undefined;
}

function endOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
