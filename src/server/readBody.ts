import type { IncomingMessage } from 'node:http';
import type { BodyBudget } from './bodyBudget.js';
import type { Deadline } from './deadline.js';
import { ClientGone, RequestRefused, overBudget } from './requestRefused.js';

export interface Body {
  readonly bytes: Buffer;
  /** Gives the bytes back to the budget, once the request has been answered. */
  release(): void;
}

/**
 * Collects a request's body, never holding more than `limit` bytes nor more than the budget has left.
 * @throws RequestRefused (too large, over budget, too slow) or ClientGone; nothing is held then
 */
export function readBody(
  req: IncomingMessage,
  limit: number,
  budget: BodyBudget,
  deadline: Deadline,
): Promise<Body> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;

    const stop = (): void => {
      req.removeListener('data', onData);
      req.removeListener('end', onEnd);
      req.removeListener('close', onClose);
    };
    const fail = (error: Error): void => {
      stop();
      budget.give(size);
      chunks = [];
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      if (size + chunk.length > limit) {
        fail(bodyTooLarge(limit));
        return;
      }
      if (!budget.take(chunk.length)) {
        fail(overBudget('too many request bodies are in flight; try again in a second'));
        return;
      }
      size += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      stop();
      const only = chunks.length === 1 ? chunks[0] : undefined;
      resolve({ bytes: only ?? Buffer.concat(chunks, size), release: () => budget.give(size) });
    };
    const onClose = (): void => fail(new ClientGone());

    deadline.whenPassed(() =>
      fail(
        new RequestRefused(
          'RequestTimeout',
          'slowBody',
          `the body was not complete in time: ${size} bytes have arrived`,
        ),
      ),
    );
    req.on('data', onData).on('end', onEnd).on('close', onClose);
    // Without a listener an error (a reset, a bad chunk) would be uncaught; 'close' follows it.
    req.on('error', () => undefined);
  });
}

export function bodyTooLarge(limit: number): RequestRefused {
  return new RequestRefused(
    'RequestEntityTooLarge',
    'tooLarge',
    `the body is larger than ${limit} bytes (${limit / 1024 / 1024} MiB)`,
  );
}
