import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { imageNodeFlags } from '../../../support/imageEntrypoint.js';
import { servingFiles } from '../../../system/support/certificates.js';

const MAIN = process.env['E2E_MAIN'] ?? fileURLToPath(new URL('../../../../dist/main.js', import.meta.url));

/** The built `serve`, standalone, over TLS. */
export interface Served {
  /** `https://127.0.0.1:PORT` of the preview. */
  readonly origin: string;
  stop(): Promise<void>;
}

/** @throws where it ends before it is ready, with what it printed */
export async function serve(...flags: readonly string[]): Promise<Served> {
  const { certFile, keyFile } = await servingFiles();
  const anyPort = ['admission', 'preview', 'ops'].flatMap((name) => [
    `--${name}-bind-address`,
    '127.0.0.1:0',
  ]);
  const tls = ['--tls-cert-file', certFile, '--tls-private-key-file', keyFile];
  const environment = Object.entries(process.env).filter(([name]) => !/^(KUBE|POD_)/.test(name));
  const child = spawn(
    process.execPath,
    [
      ...imageNodeFlags(),
      MAIN,
      'serve',
      '--kubeconfig',
      'none',
      '--log-format',
      'text',
      ...anyPort,
      ...tls,
      ...flags,
    ],
    { env: Object.fromEntries(environment), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const origin = await printed(child, /preview {4}(https:\/\/127\.0\.0\.1:\d+)\/preview[^]*ready in/);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    origin,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = pattern.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', (code) => reject(new Error(`serve ended with ${code ?? 'a signal'}: ${output}`)));
  });
}
