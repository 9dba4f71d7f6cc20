import { spawn } from 'node:child_process';

export interface KubectlOptions {
  /** What `-f -` reads; an object is given as JSON. */
  readonly input?: string | object;
  /** The administrator's unless given. */
  readonly kubeconfig?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl ended with a code other than 0. */
export class KubectlError extends Error {
  readonly code = 'E2E_KUBECTL';
  override readonly name = 'KubectlError';

  constructor(
    args: readonly string[],
    readonly result: KubectlResult,
  ) {
    super(`kubectl ${args.join(' ')}: exit ${result.code}\n${result.stderr || result.stdout}`);
  }
}

/** Runs kubectl as a user would, without any file of the user who runs the tests. */
export function runKubectl(
  program: string,
  args: readonly string[],
  home: string,
  { input, kubeconfig = '', cwd, env = {} }: KubectlOptions,
): Promise<KubectlResult> {
  const text = typeof input === 'object' ? JSON.stringify(input) : input;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      // HOME is where it keeps what it has discovered, for all calls of the run.
      env: { PATH: process.env['PATH'], HOME: home, KUBECONFIG: kubeconfig, ...env },
      stdio: [text === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const collected = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (chunk: string) => (collected[name] += chunk));
    }
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 128, ...collected, ...signalled(signal, collected) }),
    );
    // It may end before it has read everything: its message says why.
    child.stdin?.on('error', () => undefined).end(text);
  });
}

function signalled(signal: NodeJS.Signals | null, { stderr }: { stderr: string }): { stderr: string } {
  return { stderr: signal === null ? stderr : `${stderr}ended by ${signal}\n` };
}
