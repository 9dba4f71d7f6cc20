import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.js';
import { ProblemError } from '../preview/problem.js';
import { hasPath } from './hasPath.js';
import { problemAnswer } from './problemAnswer.js';

export interface ExpressAppOptions {
  /** Every path that exists, with the methods it understands: another method there is 405, another path 404. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
  readonly routes?: Router;
  readonly send: (req: IncomingMessage, res: ServerResponse, answer: Answer) => void;
  /** Told of every error that is a bug, with the path it was asked for. */
  readonly failed: (error: unknown, path: string) => void;
}

/** The express application of the preview and ops listeners: routes, and problem documents for everything else. */
export function expressApp({
  paths,
  routes,
  send,
  failed,
}: ExpressAppOptions): (req: IncomingMessage, res: ServerResponse) => void {
  const notFound = (req: IncomingMessage, res: ServerResponse, path: string): void =>
    send(req, res, problemAnswer(404, `there is no ${path} here; there are ${[...paths.keys()].join(', ')}`));
  const app = express();
  app.disable('x-powered-by').enable('case sensitive routing').enable('strict routing');
  app.use((req, res, next) => {
    const methods = paths.get(req.path);
    if (methods === undefined || methods.includes(req.method)) {
      next();
      return;
    }
    const allow = methods.join(', ');
    send(
      req,
      res,
      problemAnswer(405, `${req.method} is not understood at ${req.path}; send ${allow}`, { allow }),
    );
  });
  if (routes !== undefined) app.use(routes);
  app.use((req, res) => notFound(req, res, req.path));
  // express knows an error handler by its four parameters.
  app.use((error: unknown, req: Request, res: Response, _next: NextFunction) => {
    if (res.headersSent) {
      // Half an answer cannot be mended: cutting the connection is the only way to say so.
      failed(error, req.path);
      res.destroy();
      return;
    }
    const known = knownProblem(error);
    if (known === undefined) failed(error, req.path);
    send(req, res, known ?? problemAnswer(500, 'the request could not be answered; the log says why'));
  });
  return (req, res) => {
    if (hasPath(req)) app(req, res);
    else notFound(req, res, 'such path');
  };
}

/** A problem that a route has thrown, or a 4xx of express and its body parsers (http-errors). */
function knownProblem(error: unknown): Answer | undefined {
  if (error instanceof ProblemError) return problemAnswer(error.problem, '', error.headers);
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status < 400 || error.status > 499) return undefined;
  return problemAnswer(error.status, clientErrorDetail(error, error.status));
}

function clientErrorDetail(error: Error, status: number): string {
  if (status === 413 && 'limit' in error && typeof error.limit === 'number') {
    return `the body is larger than ${error.limit} bytes`;
  }
  return error.message;
}
