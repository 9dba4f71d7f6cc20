import type { ImageConfig } from './imageConfig.js';
import type { FileChange } from './layerFiles.js';
import type { ImageReference } from './imageReference.js';
import type { Platform } from './platform.js';

/** An image whose configuration has been read, from wherever it comes. */
export interface OpenedImage {
  /** What it is called: the repository for which the profile is. */
  readonly reference: ImageReference;
  /** Where it was read from, for people. */
  readonly source: string;
  /** Of its manifest, or of its configuration where it has no manifest (docker save). */
  readonly digest: string;
  readonly config: ImageConfig;
  /**
   * What each layer holds, the lowest first. They are fetched only when this is called.
   * @throws ImageError
   */
  readLayers(): Promise<readonly (readonly FileChange[])[]>;
}

export interface OpenOptions {
  /** Undefined: Linux on this machine's processor, or what there is where it is one image only. */
  readonly platform?: Platform | undefined;
}
