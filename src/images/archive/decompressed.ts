import { Readable, pipeline, type Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { ImageError } from '../imageError.js';

/**
 * The bytes themselves, whether they come gzipped, zstd-compressed or plain; told apart by their first bytes, for media
 * types are often wrong.
 * @throws ImageError where they are damaged or cut off, or need a newer Node.js
 */
export async function* decompressed(chunks: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let ended = false;
  while (head.length < MAGIC_BYTES && !ended) {
    const next = await iterator.next();
    if (next.done === true) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  const all = joined(head, iterator);
  const decoder = decoderFor(head, what);
  if (decoder === undefined) {
    yield* all;
    return;
  }
  // What goes wrong at the source destroys the decoder with that error, and so comes out below.
  pipeline(Readable.from(all, { objectMode: false }), decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const isShort = error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR';
    throw new ImageError(`${what} is ${isShort ? 'cut off' : 'damaged: it does not decompress'}`, {
      cause: error,
    });
  } finally {
    decoder.destroy();
  }
}

const MAGIC_BYTES = 4;

async function* joined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

/** Node.js has zstd since 22.15; the types are those of 20. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Duplex };

function decoderFor(head: Buffer, what: string): Duplex | undefined {
  const magic = head.toString('hex', 0, MAGIC_BYTES);
  if (magic.startsWith('1f8b')) return zlib.createGunzip();
  if (magic !== '28b52ffd') return undefined;
  if (createZstdDecompress) return createZstdDecompress();
  throw new ImageError(
    `${what} is compressed with zstd, which Node.js ${process.versions.node} cannot read: use Node.js 22.15 or later, or --config-only`,
  );
}
