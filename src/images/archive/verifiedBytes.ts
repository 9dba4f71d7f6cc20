import { createHash } from 'node:crypto';
import { ImageError } from '../imageError.js';

/** sha256 and sha512 are what the image specification registers. */
export const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export interface Expected {
  readonly digest: string;
  /** Bytes; not known of what is only named by its digest. */
  readonly size?: number | undefined;
}

/** Passes bytes on, and at their end knows whether they are what a digest says. */
export class VerifiedBytes implements AsyncIterable<Buffer> {
  /** They were read to their end, and are right. */
  isVerified = false;

  /** @param what their name in messages */
  constructor(
    private readonly chunks: AsyncIterable<Buffer>,
    private readonly expected: Expected,
    private readonly what: string,
  ) {}

  /** @throws ImageError where digest or size differ */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { digest, size } = this.expected;
    const hash = createHash(digest.slice(0, digest.indexOf(':')));
    let seen = 0;
    for await (const chunk of this.chunks) {
      seen += chunk.length;
      if (size !== undefined && seen > size)
        throw new ImageError(`${this.what} is longer than the ${size} bytes that its manifest says`);
      hash.update(chunk);
      yield chunk;
    }
    if (size !== undefined && seen < size)
      throw new ImageError(`${this.what} is cut off: ${seen} of ${size} bytes`);
    const actual = `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`;
    if (actual !== digest) throw new ImageError(`${this.what} is not what its digest says: it has ${actual}`);
    this.isVerified = true;
  }
}

/**
 * All the bytes, which are few.
 * @throws ImageError where there are more than `limit`
 */
export async function collect(chunks: AsyncIterable<Buffer>, limit: number, what: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw new ImageError(`${what} has more than ${limit} bytes, which no real one has`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
