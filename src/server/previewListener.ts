import { createServer, type Server as HttpsServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Router } from 'express';
import { authorizeAll, type Authorize, type PreviewAccess, type PreviewLocals } from '../preview/access.js';
import { ProblemError } from '../preview/problem.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { sendAnswer, type Answer } from './answer.js';
import { lazily } from './lazily.js';
import { HANDSHAKE_TIMEOUT, HTTP_OPTIONS, Listener } from './listener.js';
import { oneHandshakeAtATime } from './oneHandshakeAtATime.js';
import { problemAnswer } from './problemAnswer.js';
import { secureContextOptions, type TlsMaterial } from './tlsMaterial.js';
import { WebFiles } from './webFiles.js';

/** What the preview serves (CONTRACT §3), with the methods each path understands. */
const PREVIEW_PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/preview', ['POST']],
  ['/api/rules', ['GET', 'HEAD']],
  ['/api/policies', ['GET', 'HEAD']],
  ['/openapi.json', ['GET', 'HEAD']],
  // WebFiles answers it; it stands here for what is asked of it otherwise.
  ['/', ['GET', 'HEAD']],
]);

export interface PreviewListenerOptions {
  /** Undefined until `replaceTls`: handshakes fail till then. */
  readonly tls: TlsMaterial | undefined;
  /** Called once, after the listener is up: the routes bring express, yaml and diff with them. */
  readonly loadRoutes: () => Promise<Router>;
  /** Asks who calls, and whether they may. Without it only loopback is answered: there is nobody to ask. */
  readonly access?: PreviewAccess | undefined;
  /** Without `access`: answer peers other than loopback too. */
  readonly insecure: boolean;
  /** Where the page is, built; dist/web unless given. */
  readonly pageFolder?: URL | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * The preview over TLS. In a cluster each request is authenticated and authorized before anything else of it is looked
 * at, and before its body is asked for, but for the page's own files, where a browser has no token to send yet;
 * standalone, loopback only unless told otherwise.
 */
export class PreviewListener {
  readonly listener: Listener;
  private readonly server: HttpsServer;

  constructor(private readonly options: PreviewListenerOptions) {
    this.server = createServer(
      {
        ...secureContextOptions(options.tls),
        ...HTTP_OPTIONS,
        handshakeTimeout: HANDSHAKE_TIMEOUT,
        ALPNProtocols: ['http/1.1'],
      },
      (req, res) => void this.request(req, res),
    );
    oneHandshakeAtATime(this.server);
    // Callers are judged before "100 Continue" asks for the body.
    this.server.on('checkContinue', (req, res) => void this.request(req, res));
    this.listener = new Listener(this.server, {
      name: 'preview',
      logger: options.logger,
      metrics: options.metrics,
      protocolError: problemAnswer,
      // Tens of megabytes, over whatever network a person has.
      mayTakePieces: true,
    });
  }

  replaceTls(material: TlsMaterial): void {
    this.server.setSecureContext(secureContextOptions(material));
  }

  /** Loads the routes before anybody asks. */
  async warm(): Promise<void> {
    await Promise.all([this.loadApp(), this.loadPage()]);
  }

  private async request(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      if (!this.listener.track(req, res)) return;
      res.once('finish', () => this.options.metrics.previewAnswered(res.statusCode));
      const page = await this.loadPage();
      if (page.has(req)) {
        if (this.options.access === undefined) await this.admit(req);
        page.send(req, res, this.listener.draining);
        return;
      }
      const locals: PreviewLocals = { authorize: await this.admit(req) };
      const app = await this.loadApp();
      // Whoever has gone while they were looked up takes nobody's place.
      if (res.destroyed) return;
      if (this.listener.draining) res.setHeader('connection', 'close');
      if (req.headers.expect !== undefined) {
        res.writeContinue();
        // From here on the body comes: `sendAnswer` must not take it for withheld.
        delete req.headers.expect;
      }
      app(req, Object.assign(res, { locals }));
    } catch (error) {
      if (error instanceof ProblemError) {
        this.send(req, res, problemAnswer(error.problem, '', error.headers));
        return;
      }
      this.failed(error, req.url ?? '');
      this.send(req, res, problemAnswer(500, 'the request could not be answered; the log says why'));
    }
  }

  /** @throws ProblemError for a caller who is not to be answered */
  private async admit(req: IncomingMessage): Promise<Authorize> {
    const { access, insecure, metrics } = this.options;
    if (access !== undefined) return (await import('../preview/admitCaller.js')).admitCaller(access, req);
    if (insecure || isLoopback(req.socket.remoteAddress)) return authorizeAll;
    metrics.refused.peer.inc();
    throw new ProblemError(
      403,
      'the preview answers this machine only, since without a cluster it cannot ask who you are; ' +
        'start serve with --preview-insecure to answer everybody',
    );
  }

  private readonly loadPage = lazily(() => WebFiles.load(this.options.pageFolder));

  private readonly loadApp = lazily(async (): Promise<Handler> => {
    const [{ expressApp }, routes] = await Promise.all([
      import('./expressApp.js'),
      this.options.loadRoutes(),
    ]);
    return expressApp({
      paths: PREVIEW_PATHS,
      routes,
      send: (req, res, answer) => this.send(req, res, answer),
      failed: (error, path) => this.failed(error, path),
    });
  });

  private send(req: IncomingMessage, res: ServerResponse, answer: Answer): void {
    sendAnswer(req, res, answer, this.listener.draining, answer.status === 503 ? 'left' : 'discarded');
  }

  private failed(error: unknown, path: string): void {
    this.options.metrics.uncaughtErrors.inc();
    this.options.logger.error('preview request failed', { path, error });
  }
}

/** @param address undefined where the client has gone already */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1)$/.test(address);
}
