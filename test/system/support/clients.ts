import { request, type Agent, type RequestOptions } from 'node:https';
import { request as plainRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { authority } from './certificates.js';
import { healthyReview } from './testServers.js';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export type Call = RequestOptions & { readonly body?: string | Buffer; readonly agent?: Agent };

/** One request over TLS, the server's certificate verified. */
export function call(port: number, path: string, options: Call = {}): Promise<Reply> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, ca: authority.cert, agent: false, ...rest },
      (res) => void collect(res).then(resolve, reject),
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export function post(
  port: number,
  body: string | Buffer,
  options: Call = {},
  path = '/mutate?timeout=5s',
): Promise<Reply> {
  return call(port, path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    ...options,
  });
}

/** The code of the error that a call ends with, or the status of its answer. */
export async function outcome(reply: Promise<Reply>): Promise<string> {
  try {
    return String((await reply).status);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** The sentence behind "and the next healthy request is served". */
export async function serves(port: number, options: Call = {}): Promise<boolean> {
  const uid = `healthy-${Math.random()}`;
  const { status, text } = await post(port, healthyReview(uid), options);
  return status === 200 && text.includes(uid);
}

export function get(url: string, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    plainRequest(url, { method, agent: false }, (res) => void collect(res).then(resolve, reject))
      .on('error', reject)
      .end();
  });
}

async function collect(res: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  return { status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString() };
}

/** A TLS connection on which a test writes what it likes. */
export class RawConnection {
  received = '';
  closed = false;
  readonly socket: TLSSocket;

  private constructor(port: number, options: ConnectionOptions) {
    this.socket = connect({ host: '127.0.0.1', port, ca: authority.cert, ...options });
    this.socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => undefined);
  }

  static async open(port: number, options: ConnectionOptions = {}): Promise<RawConnection> {
    const connection = new RawConnection(port, options);
    await new Promise((resolve) => connection.socket.once('secureConnect', resolve).once('close', resolve));
    return connection;
  }

  write(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** Resolves with all that was received once it matches, or the connection is closed. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received) && !this.closed) await pause(5);
    return this.received;
  }

  /** Writes, and waits until there is room for more. */
  async push(data: Buffer): Promise<void> {
    if (this.socket.write(data)) return;
    // At least once: that a connection is broken is only heard of between two turns of the event loop.
    do await pause(1);
    while (this.socket.writableNeedDrain && !this.closed);
  }

  async untilClosed(): Promise<string> {
    while (!this.closed) await pause(5);
    return this.received;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until something holds; mocha's timeout is the limit. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(10);
}
