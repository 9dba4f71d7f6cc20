import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeApiClient } from '../../../src/cluster/apiClient.js';
import type { ObserveConnection } from '../../../src/learn/observe.js';

/** What running a command comes to. */
export type Ran =
  | { readonly stdout?: string | Buffer; readonly stderr?: string; readonly exitCode?: number }
  /** The answer in place of a stream. */
  | { readonly status: number; readonly message: string }
  /** The end that a kubelet tells where nothing could be run. */
  | { readonly failure: string }
  | 'hangs'
  | 'closes';

export interface SeenExec {
  readonly container: string;
  readonly command: readonly string[];
  readonly headers: IncomingMessage['headers'];
}

type Json = Record<string, unknown>;

/** Of RFC 6455. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * What an API server does with `pods/exec` and with a pod, over real HTTP and WebSocket: it runs nothing, but answers what
 * the test says.
 */
export class ExecServer {
  readonly execs: SeenExec[] = [];
  readonly requests: { readonly method: string; readonly path: string; readonly body: string }[] = [];
  run: (exec: SeenExec) => Ran = () => ({ failure: 'nothing is said' });
  answer: (method: string, path: string, body: string) => { status: number; body: Json } = () => ({
    status: 404,
    body: { message: 'not found' },
  });
  private readonly sockets = new Set<Duplex>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ExecServer> {
    const server = createServer();
    const made = new ExecServer(server);
    server.on('upgrade', (request, socket) => made.upgrade(request, socket));
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const { method = '', url = '' } = request;
        made.requests.push({ method, path: url, body });
        const { status, body: answer } = made.answer(method, url, body);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** @param headers sent with each request, as those of impersonation */
  connect(headers: Readonly<Record<string, string>> = {}): ObserveConnection {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'test', server: this.url, skipTLSVerify: true },
      { name: 'test', token: 'a-token' },
    );
    return { api: new KubeApiClient(config, { headers }), exec: { config, headers } };
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private upgrade(request: IncomingMessage, socket: Duplex): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const { searchParams } = new URL(request.url ?? '', this.url);
    const exec = {
      container: searchParams.get('container') ?? '',
      command: searchParams.getAll('command'),
      headers: request.headers,
    };
    this.execs.push(exec);
    const ran = this.run(exec);
    if (typeof ran === 'object' && 'status' in ran) {
      const text = JSON.stringify({
        kind: 'Status',
        status: 'Failure',
        message: ran.message,
        reason: 'Forbidden',
      });
      const head = `HTTP/1.1 ${ran.status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}`;
      socket.end(`${head}\r\nconnection: close\r\n\r\n${text}`);
      return;
    }
    const key = request.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1').update(`${key}${KEY_SUFFIX}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: v5.channel.k8s.io\r\n\r\n`,
    );
    if (ran === 'hangs') return;
    if (ran === 'closes') return void socket.destroy();
    if ('failure' in ran) {
      send(socket, 3, JSON.stringify({ status: 'Failure', reason: 'InternalError', message: ran.failure }));
      return;
    }
    const { stdout = '', stderr = '', exitCode = 0 } = ran;
    const bytes = Buffer.from(stdout);
    for (let at = 0; at < bytes.length; at += 32768) send(socket, 1, bytes.subarray(at, at + 32768));
    if (stderr !== '') send(socket, 2, stderr);
    send(socket, 3, JSON.stringify(statusOf(exitCode)));
  }
}

function statusOf(exitCode: number): Json {
  if (exitCode === 0) return { status: 'Success' };
  const causes = [{ reason: 'ExitCode', message: String(exitCode) }];
  return { status: 'Failure', reason: 'NonZeroExitCode', message: 'command terminated', details: { causes } };
}

/** One frame that is not masked, as servers send it: the number of the stream, then its bytes. */
function send(socket: Duplex, stream: number, content: string | Buffer): void {
  const payload = Buffer.concat([Buffer.from([stream]), Buffer.from(content)]);
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65536 ? 4 : 10);
  head[0] = 0x82;
  if (payload.length < 126) head[1] = payload.length;
  else if (payload.length < 65536) {
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  socket.write(Buffer.concat([head, payload]));
}
