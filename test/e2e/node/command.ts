import { execFile } from 'node:child_process';
import { MAIN } from '../support/kubeHarden.js';
import { world } from '../support/world.js';

export interface CommandOptions {
  /** The administrator's unless given. */
  readonly kubeconfig?: string;
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** Undefined where it did not end in time, and was ended. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `kube-harden` as a user of the cluster does: the built program, with a kubeconfig. Never throws for what it says. */
export function kubeHarden(
  args: readonly string[],
  { kubeconfig = world().controlPlane.adminKubeconfig, timeoutMs = 120_000 }: CommandOptions = {},
): Promise<CommandResult> {
  const { path: home } = world().controlPlane.folder;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      {
        cwd: home,
        env: { PATH: process.env['PATH'], HOME: home, KUBECONFIG: kubeconfig, NO_COLOR: '1' },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 64 << 20,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
        resolve({ code, stdout, stderr });
      },
    );
  });
}
