import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { ImageError } from '../imageError.js';

export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form by POST; without it the request is a GET. */
  readonly form?: URLSearchParams | undefined;
  /** Certificates (PEM) that are trusted beside those of Node.js. */
  readonly ca?: readonly string[] | undefined;
  /** Any certificate will do. */
  readonly trustsAll?: boolean | undefined;
}

/** Why a server could not be asked; `code` is the system's, or OpenSSL's. */
export class ConnectionError extends Error {
  constructor(
    message: string,
    readonly code: string,
    options: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ConnectionError';
  }
}

/** For a connection, for an answer to begin, and between two pieces of it. */
const SILENCE_MS = 30_000;

const USER_AGENT = 'kube-harden';

/**
 * One request; redirects are the caller's business. The answer's bytes are to be read, or the answer destroyed.
 * @throws ConnectionError
 */
export function send(
  url: URL,
  { headers = {}, form, ca, trustsAll }: HttpRequest = {},
): Promise<IncomingMessage> {
  const body = form?.toString();
  return new Promise((resolve, reject) => {
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'user-agent': USER_AGENT,
        ...headers,
        ...(body !== undefined && {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
        }),
      },
      timeout: SILENCE_MS,
      // A connection of its own: nothing is to keep the process from ending.
      agent: false as const,
    };
    const secure = {
      ...(ca && { ca: [...rootCertificates, ...ca] }),
      ...(trustsAll && { rejectUnauthorized: false }),
    };
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...secure }, resolve)
        : httpRequest(url, options, resolve);
    request.on('timeout', () => request.destroy(new SilenceError(url.host)));
    request.on('error', (error: NodeJS.ErrnoException) =>
      reject(new ConnectionError(error.message, error.code ?? '', { cause: error })),
    );
    request.end(body);
  });
}

class SilenceError extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(host: string) {
    super(`${host} has said nothing for ${SILENCE_MS / 1000} s`);
  }
}

/**
 * The answer's bytes.
 * @throws ImageError where the connection breaks
 */
export async function* bytesOf(response: IncomingMessage, what: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(
      `${what} is cut off: the connection broke (${error instanceof Error ? error.message : String(error)})`,
      {
        cause: error,
      },
    );
  } finally {
    response.destroy();
  }
}
