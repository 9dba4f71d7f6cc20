import type { KubeConfig, Watch } from '@kubernetes/client-node';
import type { Agent } from 'node:http';
import { isRecord } from '../hardening/locate.js';
import { USER_AGENT, type ApiObject } from './apiClient.js';
import { ApiError } from './apiError.js';

/** What follows the changes of a resource. */
export interface WatchStream {
  /**
   * One watch connection, until it ends.
   * @param query as the API names it: `resourceVersion`, `fieldSelector`, `allowWatchBookmarks`, `timeoutSeconds`
   * @param onEvent of the types ADDED, MODIFIED, DELETED and BOOKMARK; what it throws ends the stream and is rejected with
   * @param onOpen told when the server has taken the watch, which with no events may be all that is heard for a minute
   * @returns when the server ended the stream, or `signal` was aborted; no event comes afterwards
   * @throws ApiError where the server refuses or ends the watch with an error (410: the resourceVersion is too old);
   *   the system's own error where it does not answer or the connection breaks
   */
  watch(
    path: string,
    query: Record<string, string | number | boolean>,
    onEvent: (type: string, object: ApiObject) => void,
    signal: AbortSignal,
    onOpen?: () => void,
  ): Promise<void>;
}

/** A healthy API server sends a watch's headers at once. client-node sets a timeout here and then overwrites it. */
const HEADERS_TIMEOUT_MS = 30_000;
/** A stream that outlives the `timeoutSeconds` it asked for by so much has lost its server. */
const OVERDUE_MS = 15_000;

/**
 * Watches with client-node's `Watch`, which is loaded with the first of them (client-node costs 260 ms). That one
 * swallows what the callback throws and takes an ERROR event for an event like others: both end the stream here. A
 * line that is no JSON (a connection cut within it) it ignores, which is right: the watch goes on from the last whole
 * one. Each watch has a connection of its own.
 */
export class KubeWatchStream implements WatchStream {
  constructor(private readonly config: KubeConfig) {}

  async watch(
    path: string,
    query: Record<string, string | number | boolean>,
    onEvent: (type: string, object: ApiObject) => void,
    signal: AbortSignal,
    onOpen?: () => void,
  ): Promise<void> {
    const { Watch: ClientWatch } = await import('@kubernetes/client-node');
    if (signal.aborted) return;
    let agent: Agent | undefined;
    // The agent is the only way to a connection that has sent no headers yet.
    const config = Object.assign(Object.create(this.config) as KubeConfig, {
      applyToFetchOptions: async (options: Parameters<KubeConfig['applyToFetchOptions']>[0]) => {
        // As our other requests say it: whoever reads an audit log sees one client.
        const headers = { 'User-Agent': USER_AGENT };
        const init = await this.config.applyToFetchOptions({ ...options, headers });
        if (typeof init.agent === 'object') agent = init.agent;
        if (signal.aborted) agent?.destroy();
        return init;
      },
    });
    await follow(new ClientWatch(config), path, query, onEvent, signal, onOpen, () => agent?.destroy());
  }
}

function follow(
  client: Watch,
  path: string,
  query: Record<string, string | number | boolean>,
  onEvent: (type: string, object: ApiObject) => void,
  signal: AbortSignal,
  onOpen: (() => void) | undefined,
  disconnect: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let ended = false;
    let controller: AbortController | undefined;
    const end = (error?: unknown): void => {
      if (ended) return;
      ended = true;
      clearTimeout(headers);
      clearTimeout(overdue);
      signal.removeEventListener('abort', aborted);
      controller?.abort();
      disconnect();
      if (error === undefined || error === null) resolve();
      else reject(asError(error));
    };
    const aborted = (): void => end();
    signal.addEventListener('abort', aborted, { once: true });
    const headers = setTimeout(
      () => end(new Error(`no answer to a watch from the API server within ${HEADERS_TIMEOUT_MS} ms`)),
      HEADERS_TIMEOUT_MS,
    );
    const { timeoutSeconds } = query;
    const overdue =
      typeof timeoutSeconds === 'number'
        ? setTimeout(end, timeoutSeconds * 1000 + OVERDUE_MS).unref()
        : undefined;

    const received = (type: string, object: unknown): void => {
      // Lines that were read before the connection was closed still come.
      if (ended) return;
      try {
        if (type === 'ERROR') throw statusError(object);
        if (!isRecord(object)) throw new Error(`a watch event of type ${type} without an object`);
        onEvent(type, object);
      } catch (error) {
        end(error);
      }
    };
    client.watch(path, query, received, end).then(
      (made) => {
        controller = made;
        clearTimeout(headers);
        if (ended) made.abort();
        else onOpen?.();
      },
      (error: unknown) => end(error),
    );
  });
}

/** The metav1.Status that an ERROR event carries, such as 410 Expired. */
function statusError(object: unknown): ApiError {
  const { code, message, reason } = isRecord(object) ? object : {};
  return new ApiError(
    typeof code === 'number' ? code : 500,
    typeof message === 'string' ? message : 'the watch ended with an error',
    typeof reason === 'string' ? reason : undefined,
  );
}

/**
 * client-node gives an answer that is not 200 as an Error with `statusCode`, without what the answer said; of a
 * connection that fails, node-fetch says the whole URL before the reason.
 */
function asError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number')
    return new ApiError(status, `the API server answered ${status} ${error.message}`);
  const reason = /^request to \S+ failed, reason: (.+)$/s.exec(error.message)?.[1];
  return reason === undefined ? error : new Error(reason, { cause: error });
}
