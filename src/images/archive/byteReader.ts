import { ImageError } from '../imageError.js';

/** Reads a stream of bytes in pieces of the size that is asked for. */
export class ByteReader {
  private rest: Buffer = Buffer.alloc(0);
  private readonly chunks: AsyncIterator<Buffer>;

  /** @param what the stream's name in messages */
  constructor(
    chunks: AsyncIterable<Buffer>,
    readonly what: string,
  ) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** At most `count` bytes: those that are there. Undefined at the end. */
  async some(count: number): Promise<Buffer | undefined> {
    while (this.rest.length === 0) {
      const next = await this.chunks.next();
      if (next.done === true) return undefined;
      this.rest = next.value;
    }
    const part = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return part;
  }

  /** @throws ImageError where the stream ends before */
  async read(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.take(count)) parts.push(part);
    return Buffer.concat(parts);
  }

  /**
   * The next `count` bytes, as they come.
   * @throws ImageError where the stream ends before
   */
  async *take(count: number): AsyncGenerator<Buffer> {
    let missing = count;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part === undefined) throw new ImageError(`${this.what} is cut off`);
      missing -= part.length;
      yield part;
    }
  }

  /** Reads to the end, so that what counts or hashes the bytes has seen all of them. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  /** Lets go of what the bytes come from. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}
