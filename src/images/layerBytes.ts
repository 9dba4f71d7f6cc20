import { decompressed } from './archive/decompressed.js';
import { VerifiedBytes } from './archive/verifiedBytes.js';
import { ImageError } from './imageError.js';
import type { ImageBudget } from './imageLimits.js';
import type { Descriptor } from './imageManifest.js';
import { readLayerFiles, type FileChange } from './layerFiles.js';

/** The files of a layer as a manifest names it, compressed or not. Its digest is checked on the way. */
export async function readBlobLayer(
  bytes: AsyncIterable<Buffer>,
  descriptor: Descriptor,
  budget: ImageBudget,
): Promise<FileChange[]> {
  const what = `layer ${descriptor.digest}`;
  if (descriptor.mediaType.includes('encrypted'))
    throw new ImageError(`${what} is encrypted: use --config-only`);
  const verified = new VerifiedBytes(bytes, descriptor, what);
  const changes = await readLayerFiles(decompressed(verified, what), what, budget);
  if (!verified.isVerified)
    throw new ImageError(`${what} is damaged: it goes on after the end of what it compresses`);
  return changes;
}

/** The files of a layer that is only known by the digest of what it unpacks to (docker save). */
export async function readUnpackedLayer(
  bytes: AsyncIterable<Buffer>,
  diffId: string,
  budget: ImageBudget,
): Promise<FileChange[]> {
  const what = `layer ${diffId}`;
  return readLayerFiles(new VerifiedBytes(decompressed(bytes, what), { digest: diffId }, what), what, budget);
}
