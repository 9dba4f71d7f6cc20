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
 * Room that is made at once for a body that is announced. A page of memory that nothing is written to is not taken, so
 * who announces and does not send costs nothing.
 */
const ROOM_BYTES = 256 * 1024;

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
    const announced = Number(req.headers['content-length'] ?? limit);
    let bytes: Buffer = Buffer.alloc(0);
    let size = 0;

    const stop = (): void => {
      req.removeListener('data', onData);
      req.removeListener('end', onEnd);
      req.removeListener('close', onClose);
    };
    const fail = (error: Error): void => {
      stop();
      budget.give(size);
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
      if (size === 0 && chunk.length >= announced) bytes = chunk;
      else bytes = appended(bytes, size, chunk, announced);
      size += chunk.length;
    };
    const onEnd = (): void => {
      stop();
      resolve({ bytes: bytes.subarray(0, size), release: () => budget.give(size) });
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

/**
 * Copied as it comes, so that the piece itself is forgotten young. Pieces that are kept until all are there outlive
 * that where many bodies come at a time, and take as much memory again as the bodies.
 */
function appended(bytes: Buffer, size: number, chunk: Buffer, announced: number): Buffer {
  const needed = size + chunk.length;
  let room = bytes;
  if (needed > bytes.length) {
    room = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(announced, Math.max(ROOM_BYTES, 2 * needed))));
    bytes.copy(room, 0, 0, size);
  }
  chunk.copy(room, size);
  return room;
}

export function bodyTooLarge(limit: number): RequestRefused {
  return new RequestRefused(
    'RequestEntityTooLarge',
    'tooLarge',
    `the body is larger than ${limit} bytes (${limit / 1024 / 1024} MiB)`,
  );
}
