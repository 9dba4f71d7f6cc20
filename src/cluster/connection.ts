import type { KubeConfig } from '@kubernetes/client-node';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { KubeApiClient } from './apiClient.js';
import { useTokenFiles, type LoadYaml } from './tokenFiles.js';
import { KubeWatchStream, type WatchStream } from './watchStream.js';

export interface ConnectionOptions {
  /** Without it: the service account of the pod that this process runs in. */
  readonly kubeconfig?: string | undefined;
  /** Of the kubeconfig; its current one unless given. */
  readonly context?: string | undefined;
}

/** A cluster that can be asked and watched. */
export interface Connection {
  readonly api: KubeApiClient;
  readonly stream: WatchStream;
  /** The API server's URL. */
  readonly server: string;
}

/** Thrown where a kubeconfig cannot be used; the message says what is wrong with it. */
export class KubeconfigError extends Error {
  readonly code = 'Kubeconfig';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KubeconfigError';
  }
}

/**
 * Reads the credentials; nothing is sent yet. client-node costs 260 ms and 60 MB, and is loaded here only.
 *
 * @throws KubeconfigError
 */
export async function connect({ kubeconfig, context }: ConnectionOptions): Promise<Connection> {
  const { KubeConfig, loadYaml } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromCluster();
  else loadKubeconfig(config, kubeconfig, loadYaml);
  const server = selectServer(config, context, kubeconfig ?? 'in-cluster');
  return { api: new KubeApiClient(config), stream: new KubeWatchStream(config), server };
}

/** Reads a kubeconfig into `config`. @throws KubeconfigError */
export function loadKubeconfig(config: KubeConfig, file: string, loadYaml: LoadYaml): void {
  try {
    // Read once: it may be a pipe.
    const text = readFileSync(file, 'utf8');
    const folder = dirname(file);
    config.loadFromString(text);
    config.makePathsAbsolute(folder);
    useTokenFiles(config, text, folder, loadYaml);
  } catch (error) {
    throw new KubeconfigError(`${file}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Makes a context the current one.
 *
 * @param from what the kubeconfig is called in errors
 * @returns the URL of its cluster's server
 * @throws KubeconfigError where there is no such context, or it names no cluster that can be asked
 */
export function selectServer(config: KubeConfig, context: string | undefined, from: string): string {
  const names = config.getContexts().map(({ name }) => name);
  if (context !== undefined) {
    if (!names.includes(context)) {
      const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
      throw new KubeconfigError(`${from}: there is no context "${context}"; ${known}`);
    }
    config.setCurrentContext(context);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    const current = config.getCurrentContext();
    throw new KubeconfigError(
      `${from}: ${current ? `context "${current}" names no cluster that is there` : names.length === 0 ? 'it has no contexts; is it a kubeconfig?' : 'no current context; give --context'}`,
    );
  }
  if (!URL.canParse(server))
    throw new KubeconfigError(`${from}: the cluster's server "${server}" is not a URL`);
  return server;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file; check the path';
  if (code === 'EACCES') return 'permission denied; let the user that runs kube-harden read it';
  if (code === 'EISDIR') return 'a folder, not a file';
  // client-node reads fields of what an empty file holds.
  if (error instanceof TypeError) return 'it has no contexts; is it a kubeconfig?';
  return `cannot be read as a kubeconfig: ${error.message.split('\n')[0] ?? ''}`;
}
