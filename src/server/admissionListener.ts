import { createServer, type Server as HttpsServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { AdmissionAnswer, AdmissionHandler } from '../admission/handler.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics, Refusal } from '../telemetry/metrics.js';
import { AT_ONCE_BYTES, sendAnswer, type Answer } from './answer.js';
import { BodyBudget } from './bodyBudget.js';
import { certificateNames } from './clientNames.js';
import { Deadline } from './deadline.js';
import { DecisionLine, type LineLimits } from './decisionLine.js';
import { parseGoDuration } from './goDuration.js';
import type { Entry } from '../policy/planSource.js';
import { kubernetesStatus, type StatusReason } from '../admission/kubernetesStatus.js';
import { lazily } from './lazily.js';
import { CONNECTIONS_MAX, HANDSHAKE_TIMEOUT, HTTP_OPTIONS, Listener, UNREAD_MS } from './listener.js';
import { bodyTooLarge, readBody } from './readBody.js';
import { ClientGone, RequestRefused, tooLate } from './requestRefused.js';
import { secureContextOptions, type TlsMaterial } from './tlsMaterial.js';

/** The paths that are answered here, and which entry of the webhook configuration each stands for. */
const ENTRIES: ReadonlyMap<string, Entry> = new Map([
  ['/mutate', 'any'],
  ['/mutate/enforce', 'enforce'],
  ['/mutate/audit', 'audit'],
]);
export const MUTATE_PATHS: readonly string[] = [...ENTRIES.keys()];

export interface AdmissionLimits extends LineLimits {
  /** An object is at most 3 MiB, an UPDATE carries two, and Go's encoder writes `<` as six bytes. */
  readonly bodyBytes: number;
  /**
   * All bodies in flight: 6 of the largest, or 18,000 of the usual 7 KB. Answered ones wait for the garbage collector, so
   * that it takes twice this at times, besides one decoded body and the process's own 80 MB (measured: 344 MiB; with 256
   * it would be 554). What is left of a pod of 512Mi is for connections, see CONNECTIONS_MAX.
   */
  readonly bytesInFlight: number;
  readonly connections: number;
  /** How long a client may take to read its answer. */
  readonly unreadMs: number;
  /** What an API server waits where the configuration says nothing, and the longest it may be told to wait. */
  readonly defaultTimeoutMs: number;
  readonly longestTimeoutMs: number;
}
export const ADMISSION_LIMITS: AdmissionLimits = {
  bodyBytes: 20 * 1024 * 1024,
  bytesInFlight: 128 * 1024 * 1024,
  // What a probe, or a new connection, waits for. Two handshakes' messages are a turn each.
  turnMs: 10,
  // With the second of `Retry-After: 1` there is time for another try within the 5 s of the manifests.
  waitMs: 1500,
  connections: CONNECTIONS_MAX,
  unreadMs: UNREAD_MS,
  defaultTimeoutMs: 10_000,
  longestTimeoutMs: 30_000,
};

const PROTOCOL_REASONS = {
  400: 'BadRequest',
  408: 'RequestTimeout',
  417: 'ExpectationFailed',
  431: 'RequestHeaderFieldsTooLarge',
} as const;

/** Queries come from whoever can connect: so many are remembered, and the rest read each time. */
const TIMEOUTS_MAX = 64;

/** Given up this much before the client's timeout, so that the error still arrives: its clock started before ours. */
const TIMEOUT_MARGIN_MS = 200;

export interface AdmissionListenerOptions {
  readonly handler: AdmissionHandler;
  /** Undefined until `replaceTls`: handshakes fail till then. */
  readonly tls: TlsMaterial | undefined;
  /** Requires a client certificate that one of these signed. */
  readonly clientCa?: Buffer | undefined;
  /** With `clientCa`: only certificates with one of these as common name or DNS name. */
  readonly clientAllowedNames?: readonly string[] | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly limits?: Partial<AdmissionLimits>;
}

type Fallback = (req: IncomingMessage, res: ServerResponse) => void;

/** POST /mutate over TLS, answered in front of express; express answers everything else. */
export class AdmissionListener {
  readonly listener: Listener;
  private readonly server: HttpsServer;
  private readonly limits: AdmissionLimits;
  private readonly budget: BodyBudget;
  private readonly line: DecisionLine;
  /** By query: an API server asks with the same few all its life. */
  private readonly timeouts = new Map<string, number>();

  constructor(private readonly options: AdmissionListenerOptions) {
    this.limits = { ...ADMISSION_LIMITS, ...options.limits };
    this.budget = new BodyBudget(this.limits.bytesInFlight, options.metrics.bodyBytesInFlight);
    this.line = new DecisionLine(this.limits);
    const requireClient = options.clientCa !== undefined;
    this.server = createServer({
      ...secureContextOptions(options.tls, options.clientCa),
      ...HTTP_OPTIONS,
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      requestCert: requireClient,
      rejectUnauthorized: requireClient,
      ALPNProtocols: ['http/1.1'],
    });
    this.server.on('request', (req, res) => this.request(req, res));
    // Headers are judged before "100 Continue" asks for the body.
    this.server.on('checkContinue', (req, res) => this.request(req, res));
    const { clientAllowedNames } = options;
    if (clientAllowedNames !== undefined && clientAllowedNames.length > 0) {
      const allowed = new Set(clientAllowedNames);
      // In front of the HTTP server's own listener, which starts to read.
      this.server.prependListener('secureConnection', (socket: TLSSocket) => this.checkName(socket, allowed));
    }
    this.listener = new Listener(this.server, {
      name: 'admission',
      logger: options.logger,
      metrics: options.metrics,
      maxConnections: this.limits.connections,
      unreadMs: this.limits.unreadMs,
      protocolError: (status, message) => statusAnswer(PROTOCOL_REASONS[status], message),
    });
  }

  /** Serves new connections with another certificate; those that are open keep theirs. */
  replaceTls(material: TlsMaterial, clientCa: Buffer | undefined): void {
    this.server.setSecureContext(secureContextOptions(material, clientCa));
  }

  /** Loads express before the first request that needs it. */
  async warm(): Promise<void> {
    await this.loadFallback();
  }

  private request(req: IncomingMessage, res: ServerResponse): void {
    if (!this.listener.track(req, res)) return;
    const url = req.url ?? '';
    const query = url.indexOf('?');
    const entry = ENTRIES.get(query === -1 ? url : url.slice(0, query));
    if (entry !== undefined && req.method === 'POST') {
      void this.mutate(req, res, entry, query === -1 ? '' : url.slice(query + 1));
    } else {
      this.options.metrics.refused.address.inc();
      void this.passOn(req, res);
    }
  }

  private async mutate(
    req: IncomingMessage,
    res: ServerResponse,
    entry: Entry,
    query: string,
  ): Promise<void> {
    const { metrics } = this.options;
    const started = performance.now();
    metrics.requestsInFlight.inc();
    let deadline: Deadline | undefined;
    try {
      checkContent(req, this.limits.bodyBytes);
      deadline = new Deadline(this.timeout(query));
      if (req.headers.expect !== undefined) {
        res.writeContinue();
        // From here on the body comes: `sendAnswer` must not take it for withheld.
        delete req.headers.expect;
      }
      const body = await readBody(req, this.limits.bodyBytes, this.budget, deadline);
      try {
        // Only now: what is refused before it is read costs its connection, and the next one costs more than to read.
        const turn = this.line.join({ deadline, isGone: () => req.socket.destroyed });
        if (turn !== undefined) await turn;
        const decided = this.decide(body.bytes, entry, deadline);
        // Nothing is awaited once there is a decision: who waits keeps what it has at hand, and by then is in the old
        // generation, so that each decision would be moved there too (a third of the time under overload, measured).
        const answer = decided instanceof Promise ? await decided : decided;
        this.send(req, res, {
          status: answer.status,
          contentType: 'application/json',
          body: answer.body,
          ...(answer.headers === undefined ? {} : { headers: answer.headers }),
        });
        answer.sent?.();
        this.holdUnread(res, answer.body.length);
      } finally {
        body.release();
      }
    } catch (error) {
      this.failed(req, res, error);
    } finally {
      deadline?.clear();
      metrics.requestsInFlight.inc(-1);
      metrics.requestSeconds.observe((performance.now() - started) / 1000);
    }
  }

  /** A large answer counts as bodies do until its client has taken it, or is cut (UNREAD_MS). */
  private holdUnread(res: ServerResponse, bytes: number): void {
    if (bytes <= AT_ONCE_BYTES || res.destroyed) return;
    this.budget.hold(bytes);
    res.once('close', () => this.budget.give(bytes));
  }

  /** The engine's answer, a promise only where the engine waits for something. @throws RequestRefused when it comes too late */
  private decide(body: Buffer, entry: Entry, deadline: Deadline): AdmissionAnswer | Promise<AdmissionAnswer> {
    assertInTime(deadline);
    const answer = this.options.handler(body, entry);
    if (answer instanceof Promise) return deadline.race(answer, tooLate);
    assertInTime(deadline);
    return answer;
  }

  /** How long this request may take: what its `?timeout=10s` says, less a margin. */
  private timeout(query: string): number {
    const known = this.timeouts.get(query);
    if (known !== undefined) return known;
    const { defaultTimeoutMs, longestTimeoutMs } = this.limits;
    const text = /^timeout=\w+$/.test(query)
      ? query.slice('timeout='.length)
      : new URLSearchParams(query).get('timeout');
    const asked = text === null ? 0 : parseGoDuration(text);
    if (asked === undefined) {
      throw new RequestRefused(
        'BadRequest',
        'content',
        `timeout "${text}" is not a duration such as 10s or 500ms`,
      );
    }
    // Zero is "no timeout" to Go.
    const timeout = asked === 0 ? defaultTimeoutMs : Math.min(asked, longestTimeoutMs);
    const left = timeout - Math.min(TIMEOUT_MARGIN_MS, timeout / 10);
    if (this.timeouts.size < TIMEOUTS_MAX) this.timeouts.set(query, left);
    return left;
  }

  private failed(req: IncomingMessage, res: ServerResponse, error: unknown): void {
    const { metrics, logger } = this.options;
    if (error instanceof RequestRefused) {
      this.refuse(req, res, error.reason, error.refusal, error.message, error.headers);
    } else if (error instanceof ClientGone) {
      metrics.refused.clientGone.inc();
      logger.debug('client went away', { path: req.url });
    } else {
      metrics.uncaughtErrors.inc();
      logger.error('admission request failed', { path: req.url, error });
      this.send(
        req,
        res,
        statusAnswer('InternalError', 'the request could not be answered; the log says why'),
      );
    }
  }

  private refuse(
    req: IncomingMessage,
    res: ServerResponse,
    reason: StatusReason,
    refusal: Refusal,
    message: string,
    headers?: Readonly<Record<string, string>>,
  ): void {
    this.options.metrics.refused[refusal].inc();
    this.options.logger.debug('request refused', { path: req.url, reason, refusal });
    this.send(req, res, statusAnswer(reason, message, headers));
  }

  private send(req: IncomingMessage, res: ServerResponse, answer: Answer): void {
    this.options.metrics.answered(answer.status);
    sendAnswer(req, res, answer, this.listener.draining);
  }

  private async passOn(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const fallback = await this.loadFallback();
      fallback(req, res);
    } catch (error) {
      this.failed(req, res, error);
    }
  }

  private readonly loadFallback = lazily(async (): Promise<Fallback> => {
    const { admissionFallback } = await import('./admissionFallback.js');
    return admissionFallback({
      paths: MUTATE_PATHS,
      answer: (req, res, reason, message, headers) =>
        this.send(req, res, statusAnswer(reason, message, headers)),
      failed: (req, res, error) => this.failed(req, res, error),
    });
  });

  private checkName(socket: TLSSocket, allowed: ReadonlySet<string>): void {
    const certificate = socket.getPeerX509Certificate();
    const names = certificate === undefined ? [] : certificateNames(certificate);
    if (names.some((name) => allowed.has(name))) return;
    this.options.metrics.refused.clientName.inc();
    this.options.logger.info('client certificate of another name refused', { names });
    socket.destroy();
  }
}

/** @throws RequestRefused */
function assertInTime({ passed }: Deadline): void {
  if (passed) throw tooLate();
}

function statusAnswer(
  reason: StatusReason,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Answer {
  const status = kubernetesStatus(reason, message);
  return {
    status: status.code,
    contentType: 'application/json',
    body: JSON.stringify(status),
    ...(headers === undefined ? {} : { headers }),
  };
}

/** Refuses by its headers alone what will not be read. */
function checkContent(req: IncomingMessage, limit: number): void {
  const { headers } = req;
  if (headers['content-type'] !== 'application/json') checkContentType(headers['content-type']);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new RequestRefused(
      'UnsupportedMediaType',
      'content',
      `Content-Encoding ${JSON.stringify(encoding)} is not supported; send the body as it is`,
    );
  }
  if (Number(headers['content-length'] ?? 0) > limit) throw bodyTooLarge(limit);
}

/** `application/json` in any case; the one parameter that is understood is `charset=utf-8`, quoted or not. */
function checkContentType(value: string | undefined): void {
  const [type = '', ...parameters] = (value ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (type !== 'application/json') {
    throw new RequestRefused(
      'UnsupportedMediaType',
      'content',
      `Content-Type ${value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`}; application/json is expected`,
    );
  }
  for (const parameter of parameters) {
    if (!/^(charset\s*=\s*"?utf-?8"?)?$/.test(parameter)) {
      throw new RequestRefused(
        'UnsupportedMediaType',
        'content',
        `Content-Type parameter ${JSON.stringify(parameter)} is not supported; only charset=utf-8 is`,
      );
    }
  }
}
