import { ImageError } from './imageError.js';

/*
 * Images come from anybody. What is kept of one is bounded here, so that none can fill memory or keep us busy for
 * ever; what is only passed through (layers) is bounded by its size on the way.
 */

/** What registries accept at least and the larger ones at most. Source: distribution-spec, "Pushing Manifests". */
export const MAX_MANIFEST_BYTES = 4 * 2 ** 20;

/** A configuration carries the whole history of a build; real ones have some 10 KiB. */
export const MAX_CONFIG_BYTES = 8 * 2 ** 20;

/** Docker stacks at most 127 (moby, layer/layer_store.go); other builders a few more. */
export const MAX_LAYERS = 512;

/** Gzip packs zeros a thousandfold. The largest images in use (with machine learning models) unpack to some 50 GiB. */
export const MAX_UNPACKED_BYTES = 64 * 2 ** 30;

/** Of /etc/passwd or /etc/group; real ones have a few KiB. */
export const MAX_TEXT_BYTES = 2 ** 20;

/** Linux' own bound for a path (PATH_MAX). */
export const MAX_PATH_BYTES = 4096;

/** A full desktop has about 500,000 files. */
export const MAX_FILES = 2_000_000;

const MAX_NAME_BYTES = 256 * 2 ** 20;
const MAX_ALL_TEXT_BYTES = 16 * 2 ** 20;

/** What may still be kept of one image, all layers together. */
export class ImageBudget {
  private files = MAX_FILES;
  private nameBytes = MAX_NAME_BYTES;
  private textBytes = MAX_ALL_TEXT_BYTES;
  private unpackedBytes = MAX_UNPACKED_BYTES;

  /** @throws ImageError */
  takeFile(nameBytes: number): void {
    this.files -= 1;
    this.nameBytes -= nameBytes;
    if (this.files < 0 || this.nameBytes < 0)
      throw new ImageError(`the image has more than ${MAX_FILES} files, or 256 MiB of file names`);
  }

  /** @throws ImageError */
  takeText(bytes: number): void {
    this.textBytes -= bytes;
    if (this.textBytes < 0)
      throw new ImageError('the image has more than 16 MiB of etc/passwd and etc/group');
  }

  /** @throws ImageError */
  takeUnpacked(bytes: number): void {
    this.unpackedBytes -= bytes;
    if (this.unpackedBytes < 0)
      throw new ImageError(`the image unpacks to more than ${MAX_UNPACKED_BYTES / 2 ** 30} GiB`);
  }
}
