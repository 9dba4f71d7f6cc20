import { spawn } from 'node:child_process';

/**
 * What a terminal shows when `keys` are typed at an interactive shell's prompt. `script` gives the shell its terminal.
 *
 * @param prompt what the shell's last prompt ends with; keys are typed once it is seen
 */
export async function typed(
  shell: string,
  {
    setup,
    prompt,
    keys,
    env,
    cwd,
  }: {
    readonly setup: readonly string[];
    readonly prompt: string;
    readonly keys: string;
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  },
): Promise<string> {
  const child = spawn('script', ['-qec', shell, '/dev/null'], {
    cwd,
    env: { HOME: cwd, TERM: 'dumb', COLUMNS: '200', LC_ALL: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  let isTyped = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    if (isTyped || !shown.includes(prompt)) return;
    isTyped = true;
    shown = '';
    child.stdin.write(keys);
  });
  child.stdin.write(`${setup.join('; ')}\n`);
  await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  return shown;
}
