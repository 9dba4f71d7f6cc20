import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Backend {
  readonly port: number;
}

interface Pair {
  readonly backend: number;
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * Forwards TCP connections on a fixed loopback port, as a Service does: round-robin among the backends for each new
 * connection, while connections that are open stay where they are. Without a backend a connection is reset.
 */
export class Forwarder {
  private backends: readonly number[] = [];
  private turn = 0;
  private readonly pairs = new Set<Pair>();
  private readonly accepted = new Map<number, number>();

  private constructor(private readonly server: Server) {
    server.on('connection', (client) => this.forward(client));
  }

  static async start({ port = 0, backends = [] as readonly Backend[] } = {}): Promise<Forwarder> {
    // Half-open connections pass as such: a peer that has sent its last byte still gets the answer.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    const forwarder = new Forwarder(server);
    forwarder.setBackends(backends);
    return forwarder;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  setBackends(backends: readonly Backend[]): void {
    this.backends = backends.map(({ port }) => port);
  }

  /** Puts one into rotation. */
  add(port: number): void {
    if (!this.backends.includes(port)) this.backends = [...this.backends, port];
  }

  /** Takes one out of rotation; its open connections stay. */
  remove(port: number): void {
    this.backends = this.backends.filter((backend) => backend !== port);
  }

  /** Resets all open connections, or those of one backend; how many there were. */
  cut(port?: number): number {
    const found = [...this.pairs].filter(({ backend }) => port === undefined || backend === port);
    for (const { client, server } of found) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    return found.length;
  }

  /** Connections ever accepted, for all backends or one. */
  connections(port?: number): number {
    if (port !== undefined) return this.accepted.get(port) ?? 0;
    return [...this.accepted.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Connections open now. */
  open(port?: number): number {
    return [...this.pairs].filter(({ backend }) => port === undefined || backend === port).length;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }

  private forward(client: Socket): void {
    const backend = this.backends[this.turn++ % this.backends.length];
    if (backend === undefined) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: '127.0.0.1', port: backend, allowHalfOpen: true, noDelay: true });
    const pair = { backend, client, server };
    this.pairs.add(pair);
    this.accepted.set(backend, (this.accepted.get(backend) ?? 0) + 1);
    this.join(pair, client, server);
    this.join(pair, server, client);
  }

  /** What comes from one goes to the other; a connection that breaks on one side breaks on the other. */
  private join(pair: Pair, from: Socket, to: Socket): void {
    from.pipe(to);
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => {
      this.pairs.delete(pair);
      if (!to.writableEnded) to.destroy();
    });
  }
}
