import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Exposition } from '../telemetry/exposition.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { sendAnswer, type Answer } from './answer.js';
import { healthReport, type HealthCheck } from './health.js';
import { lazily } from './lazily.js';
import { HTTP_OPTIONS, Listener } from './listener.js';
import { problemAnswer } from './problemAnswer.js';

export interface OpsListenerOptions {
  /** The process is broken and has to be started again if one of these fails. */
  readonly live: readonly HealthCheck[];
  /** No request may be sent here while one of these fails. */
  readonly ready: readonly HealthCheck[];
  readonly metrics: Metrics;
  readonly logger: Logger;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

const PLAIN_TEXT = 'text/plain; charset=utf-8';

/** /livez, /readyz and /metrics in the clear: answered in front of express, so that readiness does not wait for it. */
export class OpsListener {
  readonly listener: Listener;
  private readonly routes: ReadonlyMap<string, Handler>;

  constructor(private readonly options: OpsListenerOptions) {
    const server = createServer(HTTP_OPTIONS, (req, res) => void this.request(req, res));
    this.listener = new Listener(server, {
      name: 'ops',
      logger: options.logger,
      metrics: options.metrics,
      protocolError: problemAnswer,
    });
    this.routes = new Map<string, Handler>([
      ['/livez', (req, res) => this.health(req, res, 'livez', options.live)],
      ['/readyz', (req, res) => this.health(req, res, 'readyz', options.ready)],
      ['/metrics', (req, res) => this.scrape(req, res)],
    ]);
  }

  /** Loads prom-client and express before anybody asks; Node.js' own metrics begin here. */
  async warm(): Promise<void> {
    await Promise.all([this.loadExposition(), this.loadFallback()]);
  }

  private async request(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      if (!this.listener.track(req, res)) return;
      const [path = ''] = (req.url ?? '').split('?', 1);
      const route = req.method === 'GET' || req.method === 'HEAD' ? this.routes.get(path) : undefined;
      await (route ?? (await this.loadFallback()))(req, res);
    } catch (error) {
      this.options.metrics.uncaughtErrors.inc();
      this.options.logger.error('ops request failed', { path: req.url, error });
      this.send(req, res, problemAnswer(500, 'the request could not be answered; the log says why'));
    }
  }

  private health(
    req: IncomingMessage,
    res: ServerResponse,
    endpoint: string,
    checks: readonly HealthCheck[],
  ): void {
    const query = new URLSearchParams((req.url ?? '').split('?')[1]);
    const { ok, text } = healthReport(endpoint, checks, query.has('verbose'));
    this.send(req, res, {
      status: ok ? 200 : 503,
      contentType: PLAIN_TEXT,
      body: text,
      headers: { 'cache-control': 'no-store' },
    });
  }

  private async scrape(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const exposition = await this.loadExposition();
    this.send(req, res, { status: 200, contentType: exposition.contentType, body: await exposition.text() });
  }

  private send(req: IncomingMessage, res: ServerResponse, answer: Answer): void {
    sendAnswer(req, res, answer, this.listener.draining);
  }

  private readonly loadExposition = lazily(async (): Promise<Exposition> => {
    const { Exposition } = await import('../telemetry/exposition.js');
    return new Exposition(this.options.metrics);
  });

  private readonly loadFallback = lazily(async (): Promise<Handler> => {
    const { expressApp } = await import('./expressApp.js');
    return expressApp({
      paths: new Map([...this.routes.keys()].map((path) => [path, ['GET', 'HEAD']])),
      send: (req, res, answer) => this.send(req, res, answer),
      failed: (error, path) => {
        this.options.metrics.uncaughtErrors.inc();
        this.options.logger.error('ops request failed', { path, error });
      },
    });
  });
}
