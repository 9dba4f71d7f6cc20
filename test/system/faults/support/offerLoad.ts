// The load generator: a process of its own, so that its work is not in the way of what it measures.
// offerLoad.ts JSON-of-Load: offers it, prints the Offered as JSON, ends.
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import type { Load, Offered } from './load.js';

const load = JSON.parse(process.argv[2] ?? '') as Load;
const body = readFileSync(load.bodyFile);
const ca = readFileSync(load.caFile);
const message = Buffer.concat([
  Buffer.from(
    `POST /mutate?timeout=10s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  ),
  body,
]);

const milliseconds: number[] = [];
const sentMilliseconds: number[] = [];
const statuses: Record<string, number> = {};
let withoutRetryAfter = 0;
let lost = 0;

/** One connection that is kept; answers come in order, one at a time. */
class Connection {
  private received: Buffer[] = [];
  private bytes = 0;
  /** Of an answer whose head has come: how many bytes it has in all. */
  private whole: number | undefined;
  private head = '';
  private due: number | undefined;
  private sent = 0;

  private constructor(private readonly socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      idle.delete(this);
      if (this.due !== undefined) lost += 1;
    });
  }

  static open(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: load.port, ca }, () =>
        resolve(new Connection(socket)),
      );
      socket.once('error', reject);
    });
  }

  /** @param due when the request should have been sent: waiting for a free connection counts */
  send(due: number): void {
    this.due = due;
    this.sent = performance.now();
    this.socket.write(message);
  }

  private read(chunk: Buffer): void {
    this.received.push(chunk);
    this.bytes += chunk.length;
    if (this.whole === undefined) this.readHead();
    if (this.whole === undefined || this.bytes < this.whole) return;
    // There is nothing behind it: the next request has not been sent.
    this.received = [];
    this.bytes = 0;
    this.whole = undefined;
    this.answered(this.head);
  }

  private readHead(): void {
    const begin = Buffer.concat(this.received);
    const end = begin.indexOf('\r\n\r\n');
    if (end === -1) return;
    this.head = begin.toString('latin1', 0, end);
    this.whole = end + 4 + Number(/^content-length: (\d+)\r?$/im.exec(this.head)?.[1] ?? 0);
  }

  private answered(head: string): void {
    const status = head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === '200' && this.due !== undefined) {
      milliseconds.push(performance.now() - this.due);
      sentMilliseconds.push(performance.now() - this.sent);
    }
    this.due = undefined;
    const wait = Number(/^retry-after: (\d+)\r?$/im.exec(head)?.[1] ?? 0);
    if (status === '503' && wait === 0) withoutRetryAfter += 1;
    // As a request does that waits in an API server: it keeps its place among those that may be on their way.
    if (wait > 0) setTimeout(() => idle.add(this), wait * 1000);
    else idle.add(this);
    if (load.perSecond === undefined && performance.now() < ends) this.next();
  }

  private next(): void {
    idle.delete(this);
    this.send(performance.now());
  }
}

const idle = new Set<Connection>();
for (let opened = 0; opened < load.connections; opened += 50) {
  const wave = Math.min(50, load.connections - opened);
  for (const connection of await Promise.all(Array.from({ length: wave }, () => Connection.open())))
    idle.add(connection);
}

const began = performance.now();
const ends = began + load.seconds * 1000;
let offered = 0;
const offer = (): void => {
  const now = performance.now();
  // As fast as the answers come, or so many a second whatever the answers do.
  const wanted =
    load.perSecond === undefined
      ? offered + idle.size
      : Math.floor((Math.min(now, ends) - began) * (load.perSecond / 1000)) + 1;
  for (const connection of idle) {
    if (offered >= wanted || now >= ends) break;
    const due = load.perSecond === undefined ? now : began + (offered * 1000) / load.perSecond;
    offered += 1;
    idle.delete(connection);
    connection.send(due);
  }
};
offer();
const timer = setInterval(offer, 2);
await new Promise((resolve) => setTimeout(resolve, load.seconds * 1000));
clearInterval(timer);
const answers: Offered = {
  seconds: (performance.now() - began) / 1000,
  sent: offered,
  unanswered: load.connections - idle.size,
  milliseconds,
  sentMilliseconds,
  statuses,
  withoutRetryAfter,
  lost,
};
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
