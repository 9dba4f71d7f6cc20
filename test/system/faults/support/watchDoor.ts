import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** How a watch's connection is cut: reset, closed in good order but for its answer's end, or closed within an event. */
export type WayToCut = 'reset' | 'closed' | 'closed within an event';

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** Of the collection that is watched through it; undefined where lists and single objects are read. */
  readonly path: string | undefined;
  /** The API server has taken the watch: 200. */
  isTaken: boolean;
  isToEndWithin: boolean;
}

/**
 * Stands before an API server without TLS and knows which connection is the watch of which collection: each watch has
 * one of its own. What it counts as cut was open, taken by the API server, and ended by nobody else.
 */
export class WatchDoor {
  private readonly connections = new Set<Connection>();
  private readonly cutOf = new Map<string, number>();
  private isShut = false;

  private constructor(
    private readonly listener: Server,
    private readonly target: number,
  ) {}

  /** @param target the API server's port */
  static async start(target: number): Promise<WatchDoor> {
    const listener = createServer({ noDelay: true });
    const door = new WatchDoor(listener, target);
    listener.on('connection', (client) => door.enter(client));
    await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** Connections of watches that were cut so far: of one collection, or of all. */
  cuts(path?: string): number {
    if (path !== undefined) return this.cutOf.get(path) ?? 0;
    return [...this.cutOf.values()].reduce((sum, count) => sum + count, 0);
  }

  isWatched(path: string): boolean {
    return this.watchOf(path) !== undefined;
  }

  /** @param way one within an event is cut at the next that comes; false where there was no watch to cut */
  cut(path: string, way: WayToCut): boolean {
    const watch = this.watchOf(path);
    if (watch === undefined) return false;
    if (way === 'closed within an event') watch.isToEndWithin = true;
    else this.end(watch, way);
    return true;
  }

  /** Resets all connections, those without a watch too, and each that comes until it is opened. */
  shut(): void {
    this.isShut = true;
    for (const connection of this.connections) this.end(connection, 'reset');
  }

  open(): void {
    this.isShut = false;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.listener.close(resolve));
    this.shut();
    await closed;
  }

  private watchOf(path: string): Connection | undefined {
    return [...this.connections].find((one) => one.path === path && one.isTaken && !one.isToEndWithin);
  }

  private enter(client: Socket): void {
    client.on('error', () => client.destroy());
    if (this.isShut) {
      client.resetAndDestroy();
      return;
    }
    client.once('data', (head: Buffer) => {
      // A request's line is short and comes whole.
      const [, target = ''] = head.toString('latin1').split(' ', 2);
      const { pathname, searchParams } = new URL(target, 'http://localhost');
      const path = searchParams.get('watch') === 'true' ? pathname : undefined;
      const server = connect({ host: '127.0.0.1', port: this.target, noDelay: true });
      this.join({ client, server, path, isTaken: false, isToEndWithin: false }, head);
    });
  }

  private join(connection: Connection, head: Buffer): void {
    const { client, server } = connection;
    this.connections.add(connection);
    server.write(head);
    client.pipe(server);
    server.on('data', (chunk: Buffer) => this.answered(connection, chunk));
    server.on('end', () => client.end());
    server.on('error', () => client.resetAndDestroy());
    server.on('close', () => this.connections.delete(connection));
    client.on('close', () => {
      this.connections.delete(connection);
      server.destroy();
    });
  }

  private answered(connection: Connection, chunk: Buffer): void {
    const { client, path } = connection;
    if (connection.isToEndWithin) {
      this.end(connection, 'closed', chunk.subarray(0, chunk.length / 2));
      return;
    }
    if (path !== undefined && chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200') connection.isTaken = true;
    client.write(chunk);
  }

  private end(connection: Connection, way: 'reset' | 'closed', last?: Buffer): void {
    const { client, server, path, isTaken } = connection;
    if (!this.connections.delete(connection)) return;
    if (path !== undefined && isTaken && !client.destroyed)
      this.cutOf.set(path, (this.cutOf.get(path) ?? 0) + 1);
    server.removeAllListeners('data');
    if (way === 'reset') client.resetAndDestroy();
    else if (last === undefined) client.end();
    else client.end(last);
    server.resetAndDestroy();
  }
}
