import type { KubeConfig } from '@kubernetes/client-node';
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { isRecord } from '../hardening/locate.js';
import { ApiError } from './apiError.js';
import { UnreachableError } from './unreachableError.js';

/** Any object of the API, as it comes from JSON. */
export type ApiObject = Record<string, unknown> & {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
};

export interface ApiRequest {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** `application/json` unless it is a patch: `application/merge-patch+json`, `application/json-patch+json`. */
  readonly contentType?: string;
  readonly query?: Readonly<Record<string, string | number>>;
  /** The whole request, answer included; the client's own unless given ({@link REQUEST_TIMEOUT_MS}). */
  readonly timeoutMs?: number;
  /** Told each warning of the answer, also of an error: its text, unquoted. */
  readonly onWarning?: (text: string) => void;
}

/** What reads answers that are no objects and may have no end, such as logs. */
export interface ApiStreams {
  /**
   * @returns the answer as it comes. Whoever asked destroys it, and has to where it reads no further: the time-out is
   *   that of the whole answer
   * @throws ApiError where the server answers with an error; UnreachableError or the system's own error where it
   *   does not answer
   */
  open(path: string, request?: Pick<ApiRequest, 'query' | 'timeoutMs'>): Promise<IncomingMessage>;
}

/** What asks an API server. */
export interface ApiClient {
  /**
   * @param path of the API, as `/api/v1/namespaces/shop`
   * @returns the answer's JSON
   * @throws ApiError where the server answers with an error; UnreachableError or the system's own error where it
   *   does not answer
   */
  request(method: ApiMethod, path: string, request?: ApiRequest): Promise<ApiObject>;
}

export type ApiMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** By which audit logs know us. */
export const USER_AGENT = 'kube-harden';

/** A healthy API server answers within a second; one that is starting may take a few. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Below the 90 s after which an API server closes an idle connection itself, so that a request seldom meets that. */
const IDLE_MS = 30_000;

/** Errors of a connection that the other side had closed while it was idle: the request never got there. */
const STALE_CONNECTION = new Set(['ECONNRESET', 'EPIPE']);

export interface ApiClientSettings {
  /** Sent with each request, as `Impersonate-Group`. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Of a request that names none. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Requests with the kubeconfig's credentials over connections that are kept. client-node's own API classes open a
 * connection for each request and turn every object into instances of classes: a look-up during a pod's creation can
 * afford neither.
 */
export class KubeApiClient implements ApiClient, ApiStreams {
  private readonly agent = new Agent({ keepAlive: true, timeout: IDLE_MS, maxSockets: 16 });

  constructor(
    private readonly config: KubeConfig,
    private readonly settings: ApiClientSettings = {},
  ) {}

  async request(method: ApiMethod, path: string, request: ApiRequest = {}): Promise<ApiObject> {
    const url = this.urlOf(path, request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options = await this.options(method, body, request);
    const timeoutMs = request.timeoutMs ?? this.settings.timeoutMs ?? REQUEST_TIMEOUT_MS;
    try {
      return await exchange(url, options, body, { ...request, timeoutMs });
    } catch (error) {
      if (!(error instanceof StaleConnectionError)) throw error;
      // Behind a balancer that forgot them, every kept connection is as dead as the first: this one is new.
      const agent = options.agent === this.agent ? false : options.agent;
      return exchange(url, { ...options, agent }, body, { ...request, timeoutMs });
    }
  }

  /** On a connection of its own: one that is given up before its end cannot be used again. */
  async open(path: string, request: Pick<ApiRequest, 'query' | 'timeoutMs'> = {}): Promise<IncomingMessage> {
    const url = this.urlOf(path, request);
    const options = await this.options('GET', undefined, {});
    const agent = options.agent === this.agent ? false : options.agent;
    const headers = { ...(options.headers as OutgoingHttpHeaders), accept: '*/*' };
    const timeoutMs = request.timeoutMs ?? this.settings.timeoutMs ?? REQUEST_TIMEOUT_MS;
    return await openAnswer(url, { ...options, agent, headers }, timeoutMs);
  }

  close(): void {
    this.agent.destroy();
  }

  private urlOf(path: string, { query = {} }: Pick<ApiRequest, 'query'>): URL {
    const server = this.config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('the kubeconfig names no cluster');
    const url = new URL(server.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url;
  }

  private async options(
    method: string,
    body: string | undefined,
    { contentType = 'application/json' }: ApiRequest,
  ): Promise<RequestOptions> {
    const options: RequestOptions = {};
    const servername = this.config.getCurrentCluster()?.tlsServerName;
    // Reads a service account's token again when it is a minute old.
    await this.config.applyToHTTPSOptions(options).catch((error: unknown) => {
      if (error instanceof Error && 'syscall' in error && 'path' in error) throw error;
      throw new UnreachableError(`no credentials: ${firstLine(error)}`, { cause: error });
    });
    return {
      ...options,
      ...(servername && { servername }),
      method,
      // A proxy's agent (the kubeconfig's proxy-url) is one of its own and stays.
      ...((options.agent === undefined || options.agent instanceof Agent) && { agent: this.agent }),
      headers: {
        ...(options.headers as Record<string, string> | undefined),
        ...this.settings.headers,
        accept: 'application/json',
        'user-agent': USER_AGENT,
        ...(body !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
      },
    };
  }
}

/** A kept connection that was closed before the request reached the server: it is sent once more. */
class StaleConnectionError extends Error {
  readonly code = 'StaleConnection';
}

function exchange(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
  { timeoutMs, onWarning }: ApiRequest & { readonly timeoutMs: number },
): Promise<ApiObject> {
  return new Promise((resolve, reject) => {
    const outgoing = send(url, options);
    const timer = setTimeout(() => {
      const late = lateError(timeoutMs);
      // Before the connection goes: an answer that is under way would be told as "aborted".
      reject(late);
      outgoing.destroy(late);
    }, timeoutMs);
    let answered = false;
    outgoing.on('response', (response) => {
      answered = true;
      if (onWarning) warningTexts(response.rawHeaders).forEach(onWarning);
      read(response).then(resolve, reject);
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const stale = outgoing.reusedSocket && STALE_CONNECTION.has(error.code ?? '');
      reject(stale ? new StaleConnectionError(error.message, { cause: error }) : error);
    });
    outgoing.on('close', () => {
      clearTimeout(timer);
      // An answer that is cut short makes the reading of it fail.
      if (!answered) reject(closedError());
    });
    outgoing.end(body);
  });
}

/** The answer's beginning; its bytes are still to come, and end with an error where they take too long. */
function openAnswer(url: URL, options: RequestOptions, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = send(url, options);
    let answer: IncomingMessage | undefined;
    const timer = setTimeout(() => {
      const late = lateError(timeoutMs);
      reject(late);
      answer?.destroy(late);
      outgoing.destroy(late);
    }, timeoutMs);
    outgoing.on('response', (response) => {
      answer = response;
      const status = response.statusCode ?? 0;
      if (status >= 200 && status <= 299) resolve(response);
      else read(response).catch(reject);
    });
    outgoing.on('error', reject);
    outgoing.on('close', () => {
      clearTimeout(timer);
      if (!answer) reject(closedError());
    });
    outgoing.end();
  });
}

function send(url: URL, options: RequestOptions): ClientRequest {
  if (url.protocol === 'https:') return httpsRequest(url, options);
  return httpRequest(url, {
    method: options.method,
    headers: options.headers,
    ...(options.agent === false && { agent: false }),
  });
}

function lateError(timeoutMs: number): UnreachableError {
  return new UnreachableError(`no answer from the API server within ${timeoutMs} ms`);
}

function closedError(): UnreachableError {
  return new UnreachableError('the connection to the API server was closed before it answered');
}

/** `299 - "text"`, one a header; `headers.warning` joins them by a comma that a text may hold too. */
function warningTexts(rawHeaders: readonly string[]): string[] {
  const texts: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'warning') continue;
    const quoted = /^\d{3} \S+ "(.*)"/s.exec(rawHeaders[index + 1] ?? '')?.[1];
    if (quoted !== undefined) texts.push(quoted.replace(/\\(.)/gs, '$1'));
  }
  return texts;
}

async function read(response: IncomingMessage): Promise<ApiObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const status = response.statusCode ?? 0;
  const answer = parse(text);
  if (status >= 200 && status <= 299 && answer !== undefined) return answer;
  const reason = typeof answer?.['reason'] === 'string' ? answer['reason'] : undefined;
  const message = typeof answer?.['message'] === 'string' ? answer['message'] : saidInText(status, text);
  const { metadata } = answer ?? {};
  const rest = typeof metadata?.['continue'] === 'string' ? metadata['continue'] : undefined;
  throw new ApiError(status, message || `the API server answered ${status}`, reason, rest);
}

/** The beginning of what is no Status; of a success that is cut short nothing, since it may be a Secret. */
function saidInText(status: number, text: string): string {
  if (status >= 200 && status <= 299)
    return `the API server answered ${status} with something that is no object`;
  return text.trim().slice(0, 200);
}

function parse(text: string): ApiObject | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return isRecord(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
