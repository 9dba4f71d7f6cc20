import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { imageNodeFlags } from '../../support/imageEntrypoint.js';

/**
 * What is measured, in the order of the table. All are sent pods of 64 ReplicaSets; `kube-harden new` is sent none but
 * the first pods of theirs, so that it has nothing to remember.
 */
export const VARIANTS = ['floor', 'express', 'Pepr', 'kube-harden', 'kube-harden new'] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Files {
  readonly certFile: string;
  readonly keyFile: string;
  /** The operations that the floor answers with. */
  readonly patchFile: string;
  /** Where servers write what they say. */
  readonly folder: string;
  /** A review, to see that a server answers. */
  readonly review: string;
}

export interface Server {
  readonly variant: Variant;
  readonly pid: number;
  readonly port: number;
  /** The path of mutations. */
  readonly path: string;
  /** From the start of the process to the first answer, in milliseconds. */
  readonly readyMs: number;
  /** Halted until `resume`: what a server tidies up once nobody asks it any more takes its core from the one that is measured. */
  halt(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** The core of the servers; the client has the other. */
const CORE = '0';
const READY_WITHIN_MS = 30_000;
const HERE = fileURLToPath(new URL('.', import.meta.url));
const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

interface Start {
  readonly args: readonly string[];
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server on a core of its own, and waits for its first answer. */
export async function startServer(variant: Variant, files: Files): Promise<Server> {
  const port = await freePort();
  const { args, path, env } = await startOf(variant, port, files);
  const log = openSync(join(files.folder, `${variant.replaceAll(/\W+/g, '-')}.log`), 'a');
  const began = performance.now();
  const child = spawn('taskset', ['-c', CORE, process.execPath, ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await firstAnswer(child, port, path, files);
  } catch (error) {
    await stop();
    throw error;
  }
  const readyMs = performance.now() - began;
  return {
    variant,
    pid: child.pid ?? 0,
    port,
    path,
    readyMs,
    halt: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop,
  };
}

async function startOf(variant: Variant, port: number, files: Files): Promise<Start> {
  const { certFile, keyFile, patchFile } = files;
  switch (variant) {
    case 'floor':
    case 'express':
      return {
        args: [join(HERE, `${variant}.js`), String(port), certFile, keyFile, patchFile],
        path: '/mutate',
      };
    case 'Pepr':
      return {
        args: [await peprModule()],
        path: '/mutate/bench',
        env: {
          PEPR_API_PATH: 'bench',
          PEPR_PORT: String(port),
          SSL_CERT_PATH: certFile,
          SSL_KEY_PATH: keyFile,
          KUBECONFIG: await peprStore(files.folder),
        },
      };
    case 'kube-harden':
    case 'kube-harden new':
      return {
        args: [
          ...imageNodeFlags(),
          MAIN,
          'serve',
          ...['--kubeconfig', 'none', '--preview-bind-address', '0', '--ops-bind-address', '127.0.0.1:0'],
          ...['--admission-bind-address', `127.0.0.1:${port}`, '--log-format', 'json'],
          ...['--tls-cert-file', certFile, '--tls-private-key-file', keyFile],
        ],
        path: '/mutate',
      };
  }
}

async function firstAnswer(child: ChildProcess, port: number, path: string, files: Files): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: see ${files.folder}`);
    const answer = await post(port, path, files.review).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`no answer within ${READY_WITHIN_MS} ms: see ${files.folder}`);
}

/** One request over a connection of its own. */
export function post(port: number, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        agent: false,
        rejectUnauthorized: false,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What a process has used: nanoseconds of CPU of all its threads, and bytes of memory. Source: proc(5). */
export function usage(pid: number): { cpuNs: number; rssBytes: number } {
  const threads = readdirSync(`/proc/${pid}/task`);
  const cpuNs = threads
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
    .reduce((sum, part) => sum + part, 0);
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuNs, rssBytes: Number(rss) * 1024 };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** npm's `latest` of Pepr is a stray build; this one is real. */
const PEPR = 'pepr@1.1.4';

/** Pepr, installed once outside the repository, and our module for it, bundled there. */
async function peprModule(): Promise<string> {
  const folder = join(homedir(), '.cache', 'kube-harden', 'bench', PEPR.replace('@', '-'));
  if (!existsSync(join(folder, 'node_modules', 'pepr', 'package.json'))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}\n');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--silent', PEPR], {
      cwd: folder,
    });
  }
  const outfile = join(folder, 'module.cjs');
  // As `pepr build` does: one CommonJS file with everything in it.
  await build({
    stdin: { contents: readFileSync(join(HERE, 'peprModule.js'), 'utf8'), resolveDir: folder },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minify: true,
    keepNames: true,
    logLevel: 'error',
  });
  return outfile;
}

let store: string | undefined;

/**
 * Pepr answers nothing before it has read its store from an API server. This one has an empty store, and watches in
 * which nothing happens.
 *
 * @returns a kubeconfig that leads to it
 */
async function peprStore(folder: string): Promise<string> {
  if (store !== undefined) return store;
  const empty = {
    apiVersion: 'pepr.dev/v1',
    kind: 'PeprStore',
    metadata: { name: 'pepr-bench-store', namespace: 'pepr-system', resourceVersion: '1' },
    data: {},
  };
  const server = createServer((req, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    const isList = (req.url ?? '').includes('peprstores?');
    if (/[?&]watch=/.test(req.url ?? '')) res.flushHeaders();
    else res.end(JSON.stringify(isList ? { metadata: { resourceVersion: '1' }, items: [empty] } : empty));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  store = join(folder, 'pepr-kubeconfig.json');
  writeFileSync(
    store,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [
        { name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'c', user: {} }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    }),
  );
  return store;
}
