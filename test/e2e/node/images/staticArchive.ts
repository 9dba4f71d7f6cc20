import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { wholeOrNot, writeLayout, type ImageArchiveOptions } from './imageArchive.js';
import { writeLayer } from './layer.js';
import { blobPath, layoutFiles } from './ociLayout.js';
import type { ImageConfig } from './recipe.js';

/** An image of one layer, in which lies nothing but what is put there: no Debian below it. */
export interface StaticImage {
  /** The reference that pods use. */
  readonly name: string;
  readonly version: string;
  /** Files whose content the image is made of, beside this description of it. */
  readonly sources: readonly string[];
  /** Puts everything into the empty folder `root`, owned by root. */
  readonly fill: (root: string, options: Required<ImageArchiveOptions>) => void;
  readonly config: ImageConfig;
}

/**
 * An OCI image layout as a tar, made where the cache does not have it.
 *
 * @returns its path
 */
export async function staticArchive(
  image: StaticImage,
  { cacheFolder = join(homedir(), '.cache', 'kube-harden'), say = () => undefined }: ImageArchiveOptions = {},
): Promise<string> {
  const archive = join(cacheFolder, 'images', archiveName(image));
  if (existsSync(archive)) return archive;
  say(`Making the image ${image.name}.`);
  await wholeOrNot(archive, async (partial) => {
    const [root, layerFile, layout] = ['root', 'layer', 'layout'].map((name) => join(partial, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(root);
    image.fill(root, { cacheFolder, say });
    const layer = await writeLayer(root, layerFile);
    writeLayout(layout, layoutFiles(image, image.version, [layer]));
    renameSync(layerFile, join(layout, blobPath(layer.digest)));
    const result = join(partial, 'archive');
    execFileSync('tar', ['-C', layout, '-cf', result, 'oci-layout', 'index.json', 'blobs']);
    return result;
  });
  return archive;
}

/** Changes with whatever the image is made of. */
function archiveName({ name, config, fill, sources }: StaticImage): string {
  const hash = createHash('sha256').update(JSON.stringify({ name, config })).update(fill.toString());
  for (const file of sources) hash.update(readFileSync(file));
  const short = name.slice(name.lastIndexOf('/') + 1).replace(':', '-');
  return `${short}-${hash.digest('hex').slice(0, 12)}.tar`;
}
