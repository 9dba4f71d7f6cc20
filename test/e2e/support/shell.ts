import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';

export interface ScriptResult {
  readonly code: number;
  /** Standard output and error as a terminal shows them, one after the other as they came. */
  readonly output: string;
}

export interface ScriptOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Looked through for programs before those of PATH. */
  readonly folders: readonly string[];
}

/** Runs lines as typed into a terminal; the first that fails ends them. */
export function runScript(script: string, { cwd, env, folders }: ScriptOptions): Promise<ScriptResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', `exec 2>&1\n${script}`], {
      cwd,
      env: { PATH: [...folders, process.env['PATH']].join(delimiter), ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 128, output }));
  });
}
