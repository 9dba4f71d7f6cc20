import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { watchdogPipe } from './watchdog.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface OwnedProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Output is appended to it: of a component that is started again, one file tells the whole story. */
  readonly logFile: string;
  /** All of the environment. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Registers with the watchdog before it becomes the program, so that there is no moment in which nobody knows of it. */
const REGISTER = 'echo "+$$" >&3; exec "$@" 3>&-';

/** A graceful stop that takes longer than this is a defect: SIGKILL follows, and the test sees it in the exit. */
const STOP_GRACE_MS = 15_000;

const running = new Set<OwnedProcess>();

/** A process in a group of its own that does not outlive the process of the tests, however that one ends. */
export class OwnedProcess {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;

  /** @throws Error where it cannot be started at all; a program that is missing ends with code 127 */
  static start(options: OwnedProcessOptions): OwnedProcess {
    return new OwnedProcess(options);
  }

  private constructor({ name, command, args, logFile, env, cwd }: OwnedProcessOptions) {
    const log = openSync(logFile, 'a');
    const watchdog = watchdogPipe();
    this.name = name;
    this.child = spawn('/bin/sh', ['-c', REGISTER, name, command, ...args], {
      stdio: ['ignore', log, log, watchdog],
      detached: true,
      env: env ?? process.env,
      cwd,
    });
    closeSync(log);
    if (this.child.pid === undefined) throw new Error(`${name} cannot be started: no process for /bin/sh`);
    this.pid = this.child.pid;
    running.add(this);
    this.exited = new Promise((resolve) =>
      this.child.once('exit', (code, signal) => {
        running.delete(this);
        watchdog.write(`-${this.pid}\n`);
        resolve({ code, signal });
      }),
    );
  }

  get running(): boolean {
    return running.has(this);
  }

  /** To the whole group; whether there was anybody to hear it. */
  signal(signal: NodeJS.Signals): boolean {
    if (!this.running) return false;
    try {
      return process.kill(-this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  /** Signals and waits for the end; SIGKILL where that does not come. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = STOP_GRACE_MS): Promise<Exit> {
    if (!this.signal(signal)) return this.exited;
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** For the end of the process, where nothing can be waited for. */
export function killOwnedProcesses(): void {
  for (const owned of running) owned.signal('SIGKILL');
}

/** Ends all that run, at once, and waits for it. */
export async function endOwnedProcesses(): Promise<void> {
  await Promise.all([...running].map((owned) => owned.stop('SIGKILL')));
}
