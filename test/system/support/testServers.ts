import express, { type Router } from 'express';
import type { AdmissionHandler } from '../../../src/admission/handler.js';
import { Servers, type Addresses, type ServersOptions } from '../../../src/server/servers.js';
import { TlsFiles } from '../../../src/server/tlsFiles.js';
import type { LogFields, Logger } from '../../../src/telemetry/logger.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { servingFiles } from './certificates.js';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps lines instead of writing them. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];
  debug = this.record('debug');
  info = this.record('info');
  warn = this.record('warn');
  error = this.record('error');

  private record(level: string) {
    return (message: string, fields: LogFields = {}): void =>
      void this.lines.push({ level, message, fields });
  }
}

export interface TestServers {
  readonly servers: Servers;
  readonly addresses: Addresses;
  readonly port: number;
  readonly opsUrl: string;
  readonly metrics: Metrics;
  readonly logger: RecordingLogger;
  readonly certFile: string;
  readonly keyFile: string;
}

export type TestOptions = Partial<ServersOptions> & { readonly clientCaFile?: string };

/** Answers every review with its uid and the number of bytes, as the engine would: it never throws. */
export const echo: AdmissionHandler = (body, entry) => {
  try {
    const review = JSON.parse(body.toString()) as { request: { uid: string } };
    const response = {
      uid: review.request.uid,
      allowed: true,
      auditAnnotations: { entry, bytes: `${body.length}` },
    };
    return { status: 200, body: JSON.stringify({ kind: 'AdmissionReview', response }) };
  } catch {
    return { status: 400, body: JSON.stringify({ kind: 'Status', code: 400 }) };
  }
};

export function healthyReview(uid: string): string {
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid } });
}

const started: TestServers[] = [];

/** The three real listeners on free ports of 127.0.0.1. */
export async function startServers(options: TestOptions = {}): Promise<TestServers> {
  const logger = new RecordingLogger();
  const metrics = new Metrics({ version: 'test' });
  const { certFile, keyFile } = await servingFiles();
  const any = { host: '127.0.0.1', port: 0 };
  const servers = new Servers({
    admission: any,
    preview: any,
    ops: any,
    handler: echo,
    loadPreviewRoutes: () => Promise.resolve(placeholderRoutes()),
    previewInsecure: false,
    tls: new TlsFiles({ certFile, keyFile, clientCaFile: options.clientCaFile, logger, metrics }),
    checks: [],
    metrics,
    logger,
    ...options,
  });
  const addresses = await servers.start();
  const { port } = servers.admission.listener.address;
  const made = {
    servers,
    addresses,
    port,
    opsUrl: `http://${addresses.ops}`,
    metrics,
    logger,
    certFile,
    keyFile,
  };
  started.push(made);
  return made;
}

/** For `afterEach`: nothing listens after a test. */
export function closeServers(): void {
  for (const { servers } of started.splice(0)) servers.close();
}

function placeholderRoutes(): Router {
  const router = express.Router();
  router.post('/preview', express.text({ type: '*/*', limit: 1000 }), (req, res) => {
    res.json({ echoed: req.body as unknown });
  });
  router.get('/api/rules', () => {
    throw new Error('a bug');
  });
  return router;
}
