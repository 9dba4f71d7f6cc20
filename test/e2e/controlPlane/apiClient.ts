import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { PemPair } from '../../../src/server/certificateAuthority.js';

/** Any JSON of the API, to be narrowed by the test that knows the kind. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads `body.spec.containers[0]` and fails where it is not there
export type Json = any;

export interface ApiOptions {
  /** `application/json`, for PATCH `application/merge-patch+json`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface ApiReply<T = Json> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The texts of the Warning headers, one each, unquoted: what kubectl prints. */
  readonly warnings: readonly string[];
  /** Parsed where it is JSON, else the text. */
  readonly body: T;
}

export interface ApiClientOptions {
  readonly port: number;
  /** PEM of the authority of the server's certificate. */
  readonly ca: string;
  readonly credentials: PemPair | { readonly token: string } | undefined;
  readonly maxSockets?: number;
}

/** A request to a control plane that answers nothing for so long is a failure of the test. */
const TIMEOUT_MS = 30_000;
/** Those that nobody uses are closed before the API server does so, after 90 s: what is sent in that moment is lost. */
const IDLE_MS = 30_000;
/** As many connections as calls at once up to here; beyond, calls wait for one. */
const MAX_SOCKETS = 64;

/** Calls the API server on connections that are kept: thousands of calls cost thousands of requests, nothing else. */
export class ApiClient {
  private readonly agent: Agent;
  private readonly authorization: Readonly<Record<string, string>>;

  constructor(private readonly options: ApiClientOptions) {
    const { ca, credentials, maxSockets = MAX_SOCKETS } = options;
    const pair = credentials !== undefined && 'cert' in credentials ? credentials : {};
    this.agent = new Agent({ keepAlive: true, timeout: IDLE_MS, maxSockets, ca, ...pair });
    this.authorization =
      credentials !== undefined && 'token' in credentials
        ? { authorization: `Bearer ${credentials.token}` }
        : {};
  }

  /** An error status is an answer like another; only a connection that breaks or a timeout throws. */
  api<T = Json>(
    method: string,
    path: string,
    body?: unknown,
    options: ApiOptions = {},
  ): Promise<ApiReply<T>> {
    const { contentType, headers = {}, timeoutMs = TIMEOUT_MS } = options;
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const type = contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: this.options.port,
          agent: this.agent,
          method,
          path,
          timeout: timeoutMs,
          headers: {
            accept: 'application/json',
            ...(payload === undefined
              ? {}
              : { 'content-type': type, 'content-length': Buffer.byteLength(payload) }),
            ...this.authorization,
            ...headers,
          },
        },
        (res) => void read<T>(res).then(resolve, reject),
      );
      outgoing.on('timeout', () =>
        outgoing.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs} ms`)),
      );
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

async function read<T>(res: IncomingMessage): Promise<ApiReply<T>> {
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const isJson = res.headers['content-type']?.includes('json') === true && text !== '';
  return {
    status: res.statusCode ?? 0,
    headers: res.headers,
    warnings: warningTexts(res.rawHeaders),
    body: (isJson ? JSON.parse(text) : text) as T,
  };
}

/** `299 - "text"`, one a header; `headers.warning` joins them by a comma that a text may hold too. */
function warningTexts(rawHeaders: readonly string[]): string[] {
  const texts: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'warning') continue;
    const value = Buffer.from(rawHeaders[i + 1] ?? '', 'latin1').toString();
    const quoted = /^\d{3} \S+ "(.*)"$/s.exec(value)?.[1];
    texts.push(quoted?.replaceAll(/\\(.)/g, '$1') ?? value);
  }
  return texts;
}
