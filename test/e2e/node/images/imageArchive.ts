import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { debianTools } from '../debianTools.js';
import { ImageError } from './imageError.js';
import { makeBaseRoot, makeProgramRoot } from './imageRoot.js';
import { writeLayer, type Layer } from './layer.js';
import { blobPath, layoutFiles, VERSION_LABEL, type LayoutFile } from './ociLayout.js';
import type { ImageRecipe } from './recipe.js';

export interface ImageArchiveOptions {
  /** That of the control plane's binaries; the images lie in its folder `images`. */
  readonly cacheFolder?: string;
  readonly say?: (line: string) => void;
}

/** What the content of every image depends on beside its recipe. */
const BUILDER = ['buildRoot.sh', 'imageRoot.ts', 'layer.ts'] as const;

/** The path that the archive of a recipe has in the cache, whether or not it is there: it changes with any of its lines. */
export function archivePath(recipe: ImageRecipe, cacheFolder = defaultCache()): string {
  const name = recipe.name.slice(recipe.name.lastIndexOf('/') + 1).replace(':', '-');
  // What it cites is told to readers, not to the builder.
  const content = { ...recipe, cites: undefined };
  const hash = builderHash('ociLayout.ts').update(JSON.stringify(content)).digest('hex');
  return join(cacheFolder, 'images', `${name}-${hash.slice(0, 12)}.tar`);
}

/**
 * An OCI image layout as a tar, built where the cache does not have it: ten to thirty seconds.
 *
 * @returns its path
 * @throws ImageError where the machine cannot build it, and BinariesError where debootstrap cannot be had
 */
export async function imageArchive(
  recipe: ImageRecipe,
  { cacheFolder = defaultCache(), say = () => undefined }: ImageArchiveOptions = {},
): Promise<string> {
  const archive = archivePath(recipe, cacheFolder);
  if (existsSync(archive)) return archive;
  if (process.getuid?.() !== 0) {
    throw new ImageError(`${recipe.name} is not in ${dirname(archive)}, and only root can make images.`);
  }
  const base = await baseOf(cacheFolder, say);
  say(`Making the image ${recipe.name}.`);
  await wholeOrNot(archive, async (partial) => {
    const { upper, version } = await makeProgramRoot(
      base.root,
      recipe,
      workFolder(partial),
      `${archive}.log`,
    );
    const layer = await writeLayer(upper, join(partial, 'layer'));
    const layout = join(partial, 'layout');
    writeLayout(layout, layoutFiles(recipe, version, [base.layer, layer]));
    linkSync(base.layerFile, join(layout, blobPath(base.layer.digest)));
    linkSync(join(partial, 'layer'), join(layout, blobPath(layer.digest)));
    const result = join(partial, 'archive');
    execFileSync('tar', ['-C', layout, '-cf', result, 'oci-layout', 'index.json', 'blobs']);
    return result;
  });
  rmSync(`${archive}.log`, { force: true });
  return archive;
}

/** The version of the program in an archive, as Debian's package says it, such as `1.22.1`. */
export function archiveVersion(archive: string): string {
  const json = (path: string): unknown =>
    JSON.parse(execFileSync('tar', ['-xOf', archive, path], { encoding: 'utf8' }));
  const index = json('index.json') as { manifests: [{ digest: string }] };
  const manifest = json(blobPath(index.manifests[0].digest)) as { config: { digest: string } };
  const { config } = json(blobPath(manifest.config.digest)) as { config: { Labels: Record<string, string> } };
  const version = config.Labels[VERSION_LABEL];
  if (version === undefined) throw new ImageError(`${archive} has no label ${VERSION_LABEL}`);
  return version;
}

interface Base {
  readonly root: string;
  readonly layer: Layer;
  readonly layerFile: string;
}

/** The root that all images share, with its layer: half a minute, once. */
async function baseOf(cacheFolder: string, say: (line: string) => void): Promise<Base> {
  const folder = join(cacheFolder, 'images', `base-${builderHash().digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    const tools = debianTools(cacheFolder, say);
    say('Making the base of the images with debootstrap.');
    await wholeOrNot(folder, async (partial) => {
      const result = workFolder(partial);
      await makeBaseRoot(join(result, 'root'), tools, `${folder}.log`);
      const layer = await writeLayer(join(result, 'root'), join(result, 'layer'));
      writeFileSync(join(result, 'layer.json'), JSON.stringify(layer));
      return result;
    });
  }
  const layer = JSON.parse(readFileSync(join(folder, 'layer.json'), 'utf8')) as Layer;
  return { root: join(folder, 'root'), layer, layerFile: join(folder, 'layer') };
}

function workFolder(partial: string): string {
  const folder = join(partial, 'work');
  mkdirSync(folder);
  return folder;
}

/** Renames what was made in a folder beside: the cache holds a whole one or none, also where two processes race. */
export async function wholeOrNot(path: string, make: (partial: string) => Promise<string>): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const partial = mkdtempSync(`${path}.partial-`);
  try {
    const result = await make(partial);
    try {
      renameSync(result, path);
    } catch (error) {
      if (!existsSync(path)) throw error;
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Writes the files of a layout into a folder that does not exist yet. */
export function writeLayout(folder: string, files: readonly LayoutFile[]): void {
  for (const { path, content } of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
}

function builderHash(...more: readonly string[]): ReturnType<typeof createHash> {
  const hash = createHash('sha256');
  for (const name of [...BUILDER, ...more]) hash.update(readFileSync(join(import.meta.dirname, name)));
  return hash;
}

function defaultCache(): string {
  return join(homedir(), '.cache', 'kube-harden');
}
