import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { displayAddress, type BindAddress } from './address.js';
import { sendAnswer, type Answer } from './answer.js';
import { ListenError } from './listenError.js';

/** Timeouts that all three listeners share, each with its reason. */
export const HTTP_OPTIONS = {
  /** An API server keeps a connection idle for 90 s and does not retry a POST that meets a closed one. */
  keepAliveTimeout: 120_000,
  /** A healthy client sends its headers in one packet. */
  headersTimeout: 10_000,
  /** The longest timeout a webhook can be given is 30 s. */
  requestTimeout: 30_000,
  /** How often the two above are looked at: they hold within this much. */
  connectionsCheckingInterval: 2_000,
  /** Node.js' own default, written down: a cookie is the largest header that comes, and none should. */
  maxHeaderSize: 16 * 1024,
  /** Finds peers that have vanished without a word. */
  keepAlive: true,
  /** Answered by ourselves: what Node.js answers by itself nobody counts, see `track`. */
  requireHostHeader: false,
} as const;

/** A peer that has not finished its TLS handshake by then is cut. */
export const HANDSHAKE_TIMEOUT = 10_000;

/**
 * A peer that does not take its answer within this is cut: until then the answer is in our memory. Longer than any request
 * of an API server may take.
 */
export const UNREAD_MS = 60_000;
/** How often it is looked whose answers wait, in that time. */
const UNREAD_CHECKS = 12;

/**
 * So many connections at a time. One that has carried a large review holds up to 170 KB (measured), so that this and the
 * budget for bodies fit into a pod of 512Mi. API servers open as many as they answer mutating requests at a time, 200 each
 * by default.
 */
export const CONNECTIONS_MAX = 1000;

/**
 * So many requests of one connection are answered at a time. API servers send one after the other; what is sent ahead
 * waits in memory that no other limit counts.
 */
const PIPELINED_MAX = 16;

/**
 * While draining, an idle connection is closed once it has been idle for this long: a busy one gets its next request
 * within it and is told `Connection: close` in the answer. Closed at once, a request already on its way would be lost
 * (an API server does not retry it).
 */
const DRAIN_IDLE_MS = 1000;

/**
 * An honest client has shaken hands within this, and within as long again has sent the head of its first request: who is
 * overdue is the first to make room.
 */
const PROMPT_MS = 100;
/** And has sent its body, or taken its answer, within this. */
const PROMPT_BODY_MS = 1000;
/** Whose body comes as fast as this is not overdue, however large it is. */
const PROMPT_BYTES_PER_MS = 1000;

interface Connection {
  /** The requests being answered, so that the ones cut at the deadline can be named. */
  readonly inFlight: Map<IncomingMessage, ServerResponse>;
  hasAsked: boolean;
  /** When it became busy (something is in flight) or idle (nothing is), and what had been read by then. */
  since: number;
  bytesBefore: number;
  /** What it has been seen not to take. */
  unread: Unread | undefined;
}

interface Unread {
  readonly res: ServerResponse;
  readonly since: number;
  /** Bytes that it had taken by then, of all answers. */
  readonly taken: number;
}

interface Handshake {
  readonly socket: Socket;
  readonly since: number;
}

export interface ListenerOptions {
  /** `admission`, `preview` or `ops`: the word in logs, flags and errors. */
  readonly name: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The answer to what is not HTTP, has headers that are too large or too slow, or expects what nobody understands. */
  readonly protocolError: (status: 400 | 408 | 417 | 431, message: string) => Answer;
  /** `CONNECTIONS_MAX` where it is not given. */
  readonly maxConnections?: number | undefined;
  /** `UNREAD_MS` where it is not given. */
  readonly unreadMs?: number | undefined;
  /** Of an answer that is written piece by piece each piece has so long to be taken, and not the whole. */
  readonly mayTakePieces?: boolean;
}

/** What our three servers have in common: binding, what is in flight, protocol errors, draining. */
export class Listener {
  private readonly connections = new Map<Socket, Connection>();
  /** Every TCP connection: with TLS, those that are still shaking hands too. */
  private readonly sockets = new Set<Socket>();
  /** Those that are still shaking hands, by their ends, the oldest first. */
  private readonly handshakes = new Map<string, Handshake>();
  private isDraining = false;
  private readonly unreadMs: number;
  private unreadCheck: NodeJS.Timeout | undefined;

  constructor(
    readonly server: HttpServer | HttpsServer,
    private readonly options: ListenerOptions,
  ) {
    this.unreadMs = options.unreadMs ?? UNREAD_MS;
    const isTls = 'setSecureContext' in server;
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => this.opened(socket));
    server.on('connection', (socket: Socket) => {
      if (this.sockets.size >= (options.maxConnections ?? CONNECTIONS_MAX)) this.makeRoom(socket);
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      if (isTls) this.shakesHands(socket);
    });
    // Node.js would answer it before it is counted.
    server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => {
      if (this.track(req, res))
        this.refuse(req, res, 417, 'the only Expect that is understood is 100-continue');
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      this.protocolError(error, socket),
    );
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      // Nothing can be said to a peer that has not finished the handshake, and it may never close by itself.
      socket.destroy();
      options.metrics.refused.handshake.inc();
      options.logger.debug('TLS handshake failed', { listener: options.name, reason: error.message });
    });
  }

  get draining(): boolean {
    return this.isDraining;
  }

  /** @throws ListenError with what to do about it */
  async listen(address: BindAddress): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void =>
        reject(new ListenError(this.options.name, address, error));
      this.server.once('error', failed);
      this.server.listen({ ...address, exclusive: true }, () => {
        this.server.removeListener('error', failed);
        resolve();
      });
    });
    this.server.on('error', (error) =>
      this.options.logger.error('listener error', { listener: this.options.name, error }),
    );
    this.unreadCheck = setInterval(() => this.checkUnread(), this.unreadMs / UNREAD_CHECKS).unref();
    return displayAddress(this.address);
  }

  get address(): AddressInfo {
    const address = this.server.address();
    if (address === null || typeof address === 'string')
      throw new Error(`${this.options.name} is not listening`);
    return address;
  }

  /**
   * Counts a request as in flight until its answer is sent or its connection is gone. Its response emits `close` then, also
   * where others are answered before it.
   *
   * Every request has to come by here: what one connection sends ahead waits in memory that nothing else counts.
   *
   * @returns false where nobody else is to answer it: it has been refused, or its connection is closed
   */
  track(req: IncomingMessage, res: ServerResponse): boolean {
    const { socket } = req;
    // Of what was read in one piece with the one too many, the rest still comes.
    if (socket.destroyed) return false;
    const connection = this.connections.get(socket);
    if (connection === undefined) return true;
    if (connection.inFlight.size >= PIPELINED_MAX) {
      this.options.metrics.refused.protocol.inc();
      this.options.logger.debug('connection closed: too many requests at a time', {
        listener: this.options.name,
      });
      socket.destroy();
      return false;
    }
    if (connection.inFlight.size === 0) mark(socket, connection);
    connection.inFlight.set(req, res);
    connection.hasAsked = true;
    res.once('close', () => {
      connection.inFlight.delete(req);
      if (connection.inFlight.size === 0) mark(socket, connection);
    });
    if (req.headers.host === undefined && req.httpVersion === '1.1') {
      this.refuse(req, res, 400, 'a request of HTTP/1.1 has a Host header');
      return false;
    }
    return true;
  }

  private refuse(req: IncomingMessage, res: ServerResponse, status: 400 | 417, message: string): void {
    this.options.metrics.refused.protocol.inc();
    sendAnswer(req, res, this.options.protocolError(status, message), true);
  }

  /** From now on every answer closes its connection; new ones are still accepted until `drain`. */
  startDraining(): void {
    this.isDraining = true;
  }

  /**
   * Stops accepting, answers what has been accepted, and returns when all connections are closed or `deadline`
   * (performance.now()) has come; what is unanswered then is cut and logged.
   */
  async drain(deadline: number): Promise<void> {
    this.isDraining = true;
    // Not server.close() of http: since Node.js 19 that closes idle connections at once, see DRAIN_IDLE_MS.
    NetServer.prototype.close.call(this.server);
    const handshakesEnd = performance.now() + DRAIN_IDLE_MS;
    while (this.sockets.size > 0) {
      const now = performance.now();
      if (now >= deadline || (this.connections.size === 0 && now >= handshakesEnd)) {
        this.cut();
        return;
      }
      for (const [socket, { inFlight, since }] of this.connections) {
        if (inFlight.size === 0 && now - since >= DRAIN_IDLE_MS) socket.destroy();
      }
      await sleep(Math.min(50, deadline - now));
    }
  }

  /** Stops at once, cutting whatever is open. */
  close(): void {
    NetServer.prototype.close.call(this.server);
    this.cut();
  }

  /**
   * Cuts whoever has not taken their answer in time. What else they send meanwhile does not count: a line break now and
   * then, which begins no request, would keep answers in memory for ever.
   */
  private checkUnread(): void {
    const now = performance.now();
    for (const [socket, connection] of this.connections) {
      const [res] = connection.inFlight.values();
      if (res === undefined || !isUnread(socket, connection)) {
        connection.unread = undefined;
        continue;
      }
      const taken = socket.bytesWritten - socket.writableLength;
      const { unread } = connection;
      const goesOn = this.options.mayTakePieces === true && unread !== undefined && taken > unread.taken;
      if (unread?.res !== res || goesOn) connection.unread = { res, since: now, taken };
      else if (now - unread.since >= this.unreadMs) socket.destroy();
    }
  }

  private cut(): void {
    clearInterval(this.unreadCheck);
    for (const [socket, { inFlight }] of this.connections) {
      for (const req of inFlight.keys()) {
        this.options.metrics.refused.drained.inc();
        this.options.logger.warn('request cut at the shutdown deadline', {
          listener: this.options.name,
          path: req.url,
          bodyComplete: req.complete,
          bytesReceived: socket.bytesRead,
        });
      }
      inFlight.clear();
      socket.destroy();
    }
    for (const socket of this.sockets) socket.destroy();
  }

  /** Closes the connection that is missed least; where every one is at work, the new one. */
  private makeRoom(newcomer: Socket): void {
    (this.leastMissed() ?? newcomer).destroy();
    this.options.metrics.refused.connections.inc();
  }

  /**
   * Whose handshake, head or body is overdue by the most, or who does not take an answer; where there is none, who has been
   * idle for longest. An API server's connections are none of the first: who fills the listener with such costs it none.
   */
  private leastMissed(): Socket | undefined {
    const now = performance.now();
    const overdue = new Earliest(now);
    const idle = new Earliest(now);
    const [handshake] = this.handshakes.values();
    if (handshake !== undefined) overdue.meet(handshake.socket, handshake.since + PROMPT_MS);
    for (const [socket, connection] of this.connections) {
      const { inFlight, hasAsked, since, bytesBefore, unread } = connection;
      const bytes = socket.bytesRead - bytesBefore;
      if (inFlight.size === 0) {
        idle.meet(socket, since);
        if (!hasAsked || bytes > 0) overdue.meet(socket, since + PROMPT_MS);
      } else if (hasOpenBody(inFlight)) {
        overdue.meet(socket, since + PROMPT_BODY_MS + bytes / PROMPT_BYTES_PER_MS);
      } else if (unread !== undefined && isUnread(socket, connection)) {
        overdue.meet(socket, unread.since + PROMPT_BODY_MS);
      }
    }
    return overdue.socket ?? idle.socket;
  }

  private shakesHands(socket: Socket): void {
    const ends = endsOf(socket);
    // Anew, at the end: the oldest come first.
    this.handshakes.delete(ends);
    this.handshakes.set(ends, { socket, since: performance.now() });
    socket.once('close', () => {
      // Another one may have the same ends by now.
      if (this.handshakes.get(ends)?.socket === socket) this.handshakes.delete(ends);
    });
  }

  private opened(socket: Socket): void {
    // With TLS this socket is not the one that was accepted, and only their ends tell that they belong together.
    this.handshakes.delete(endsOf(socket));
    const inFlight: Connection['inFlight'] = new Map();
    const connection = { inFlight, hasAsked: false, since: 0, bytesBefore: 0, unread: undefined };
    mark(socket, connection);
    this.connections.set(socket, connection);
    socket.once('close', () => {
      this.connections.delete(socket);
      // Node.js tells only the response whose turn it is; those behind it hold what they hold until they are told.
      for (const res of inFlight.values()) {
        if (res.socket !== null) continue;
        res.destroy();
        res.emit('close');
      }
    });
  }

  private protocolError(error: NodeJS.ErrnoException, socket: Socket): void {
    const inFlight = [...(this.connections.get(socket)?.inFlight ?? [])];
    // The only request in flight still waits for its body (a bad chunk): then this is its answer.
    const answerable = inFlight.every(
      ([req, res]) => inFlight.length === 1 && !req.complete && !res.headersSent,
    );
    // A reset is the client's affair; with an answer under way, a second one would be read as part of it.
    if (error.code === 'ECONNRESET' || !socket.writable || !answerable) {
      socket.destroy();
      return;
    }
    this.options.metrics.refused.protocol.inc();
    const status =
      error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
    const { body, contentType } = this.options.protocolError(status, protocolMessage(status));
    const phrase = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[
      status
    ];
    socket.end(
      `HTTP/1.1 ${status} ${phrase}\r\nConnection: close\r\nContent-Type: ${contentType}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  }
}

/** Of the sockets that are met, the one with the earliest time, and only one before the time given here. */
class Earliest {
  socket: Socket | undefined;

  constructor(private time: number) {}

  meet(socket: Socket, time: number): void {
    if (time < this.time) [this.socket, this.time] = [socket, time];
  }
}

/** It becomes busy, or idle. */
function mark(socket: Socket, connection: Connection): void {
  connection.since = performance.now();
  connection.bytesBefore = socket.bytesRead;
}

function isUnread(socket: Socket, { inFlight }: Connection): boolean {
  return inFlight.size > 0 && socket.writableLength > 0;
}

function hasOpenBody(inFlight: Connection['inFlight']): boolean {
  for (const req of inFlight.keys()) if (!req.complete) return true;
  return false;
}

function endsOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}

function protocolMessage(status: 400 | 408 | 431): string {
  if (status === 431) return `the request's headers are larger than ${HTTP_OPTIONS.maxHeaderSize} bytes`;
  if (status === 408) return 'the request was not complete in time';
  return 'this is not a valid HTTP/1.1 request';
}
