import express, { type NextFunction, type Request, type Response } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StatusReason } from '../admission/kubernetesStatus.js';
import { hasPath } from './hasPath.js';

export interface AdmissionFallbackOptions {
  readonly paths: readonly string[];
  readonly answer: (
    req: IncomingMessage,
    res: ServerResponse,
    reason: StatusReason,
    message: string,
    headers?: Readonly<Record<string, string>>,
  ) => void;
  readonly failed: (req: IncomingMessage, res: ServerResponse, error: unknown) => void;
}

/** Everything on the admission listener that is not POST /mutate. Loaded after the listeners are up: express costs 120 ms. */
export function admissionFallback({
  paths,
  answer,
  failed,
}: AdmissionFallbackOptions): (req: IncomingMessage, res: ServerResponse) => void {
  const notFound = (req: IncomingMessage, res: ServerResponse): void =>
    answer(req, res, 'NotFound', `nothing is here; send a POST to ${paths.join(', ')}`);
  const app = express();
  app.disable('x-powered-by').enable('case sensitive routing').enable('strict routing');
  app.all([...paths], (req, res) =>
    answer(req, res, 'MethodNotAllowed', `${req.method} is not understood here; send a POST`, {
      allow: 'POST',
    }),
  );
  app.use(notFound);
  // express knows an error handler by its four parameters.
  app.use((error: unknown, req: Request, res: Response, _next: NextFunction) => failed(req, res, error));
  return (req, res) => {
    if (hasPath(req)) app(req, res);
    else notFound(req, res);
  };
}
