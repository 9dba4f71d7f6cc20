import type { IncomingMessage } from 'node:http';
import { giveBack } from '../admission/giveBack.js';
import type { BodyBudget } from './bodyBudget.js';
import type { Deadline } from './deadline.js';
import { ClientGone, RequestRefused, overBudget } from './requestRefused.js';

export interface Body {
  readonly bytes: Buffer;
  /** Gives the bytes back, once the request has been answered: there are none in `bytes` then. */
  release(): void;
}

/**
 * Room that is made at once for a body that is announced. A page of memory that nothing is written to is not taken, so
 * who announces and does not send costs nothing.
 */
const ROOM_BYTES = 256 * 1024;
/** Less is left to the garbage collector. */
const FORGOTTEN_BYTES = 64 * 1024;
/**
 * From here on a room is pages of its own: what malloc has once given for so many bytes it keeps, where several of them come
 * and go (by 04-largeBodies 370 to 416 MiB resident instead of 259 to 273). To give them back takes 3 ms for 20 MiB.
 */
const PAGES_BYTES = 1024 * 1024;
const NOTHING = Buffer.alloc(0);

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
    const length = req.headers['content-length'];
    const body = new Collected(length === undefined ? undefined : Number(length));

    const stop = (): void => {
      req.removeListener('data', onData);
      req.removeListener('end', onEnd);
      req.removeListener('close', onClose);
    };
    const fail = (error: Error): void => {
      stop();
      budget.give(body.size);
      body.forget();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      if (body.size + chunk.length > limit) {
        fail(bodyTooLarge(limit));
        return;
      }
      if (!budget.take(chunk.length)) {
        fail(overBudget('too many request bodies are in flight; try again in a second'));
        return;
      }
      body.add(chunk);
    };
    const onEnd = (): void => {
      stop();
      resolve({
        bytes: body.bytes,
        release: () => {
          budget.give(body.size);
          body.forget();
        },
      });
    };
    const onClose = (): void => fail(new ClientGone());

    deadline.whenPassed(() =>
      fail(
        new RequestRefused(
          'RequestTimeout',
          'slowBody',
          `the body was not complete in time: ${body.size} bytes have arrived`,
        ),
      ),
    );
    req.on('data', onData).on('end', onEnd).on('close', onClose);
    // Without a listener an error (a reset, a bad chunk) would be uncaught; 'close' follows it.
    req.on('error', () => undefined);
  });
}

/**
 * What has come of a body, copied as it comes, so that the pieces are forgotten young. Pieces that are kept until all are
 * there outlive that where many bodies come at a time, and take as much memory again as the bodies.
 */
class Collected {
  size = 0;
  private room: Buffer = NOTHING;
  /** The room is made here, and not a piece of what was read. */
  private isOwn = false;

  /** @param announced undefined where the body comes in chunks */
  constructor(private readonly announced: number | undefined) {}

  get bytes(): Buffer {
    return this.room.subarray(0, this.size);
  }

  add(chunk: Buffer): void {
    if (this.size === 0 && chunk.length === this.announced) {
      this.room = chunk;
    } else {
      this.makeRoom(this.size + chunk.length);
      chunk.copy(this.room, this.size);
    }
    this.size += chunk.length;
  }

  /**
   * Gives the memory back. The garbage collector would wait until it has collected everything that lives long, which it then
   * does for the sake of these bodies: a tenth of the time under overload.
   */
  forget(): void {
    if (!this.isOwn || this.room.length < FORGOTTEN_BYTES) return;
    const memory = this.room.buffer as ArrayBuffer;
    if (memory.resizable) memory.resize(0);
    else giveBack(memory);
    this.room = NOTHING;
  }

  private makeRoom(needed: number): void {
    if (needed <= this.room.length) return;
    const ahead =
      this.announced === undefined ? 2 * needed : Math.min(this.announced, Math.max(ROOM_BYTES, 2 * needed));
    const room = newRoom(Math.max(needed, ahead));
    this.room.copy(room, 0, 0, this.size);
    this.forget();
    this.room = room;
    this.isOwn = true;
  }
}

function newRoom(bytes: number): Buffer {
  if (bytes < PAGES_BYTES) return Buffer.allocUnsafeSlow(bytes);
  return Buffer.from(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes);
}

export function bodyTooLarge(limit: number): RequestRefused {
  return new RequestRefused(
    'RequestEntityTooLarge',
    'tooLarge',
    `the body is larger than ${limit} bytes (${limit / 1024 / 1024} MiB)`,
  );
}
