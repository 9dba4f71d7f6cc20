import { createServer, type Server as HttpsServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Router } from 'express';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { sendAnswer, type Answer } from './answer.js';
import { lazily } from './lazily.js';
import { HANDSHAKE_TIMEOUT, HTTP_OPTIONS, Listener } from './listener.js';
import { problemAnswer } from './problemAnswer.js';
import { secureContextOptions, type TlsMaterial } from './tlsMaterial.js';

/** What the preview serves (CONTRACT §3), with the methods each path understands. The page and /openapi.json come later. */
const PREVIEW_PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/preview', ['POST']],
  ['/api/rules', ['GET', 'HEAD']],
  ['/api/policies', ['GET', 'HEAD']],
]);

export interface PreviewListenerOptions {
  readonly tls: TlsMaterial;
  /** Called once, after the listener is up: the routes bring express, yaml and diff with them. */
  readonly loadRoutes: () => Promise<Router>;
  /** Answer peers other than loopback too. */
  readonly insecure: boolean;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** The preview over TLS: loopback only unless told otherwise, since it asks nobody who they are. */
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
    this.listener = new Listener(this.server, {
      name: 'preview',
      logger: options.logger,
      metrics: options.metrics,
      protocolError: problemAnswer,
    });
  }

  replaceTls(material: TlsMaterial): void {
    this.server.setSecureContext(secureContextOptions(material));
  }

  /** Loads the routes before anybody asks. */
  async warm(): Promise<void> {
    await this.loadApp();
  }

  private async request(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      this.listener.track(req, res);
      if (!this.options.insecure && !isLoopback(req.socket.remoteAddress)) {
        this.options.metrics.refused.peer.inc();
        this.send(
          req,
          res,
          problemAnswer(
            403,
            'the preview answers this machine only, since without a cluster it cannot ask who you are; ' +
              'start serve with --preview-insecure to answer everybody',
          ),
        );
        return;
      }
      const app = await this.loadApp();
      if (this.listener.draining) res.setHeader('connection', 'close');
      app(req, res);
    } catch (error) {
      this.failed(error, req.url ?? '');
      this.send(req, res, problemAnswer(500, 'the request could not be answered; the log says why'));
    }
  }

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
    sendAnswer(req, res, answer, this.listener.draining);
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
