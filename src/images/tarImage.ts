import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { isRecord } from '../hardening/locate.js';
import { ByteReader } from './archive/byteReader.js';
import { decompressed } from './archive/decompressed.js';
import { readTar, type TarEntry } from './archive/tarReader.js';
import { DIGEST, VerifiedBytes, collect } from './archive/verifiedBytes.js';
import { parseImageConfig } from './imageConfig.js';
import { ImageError } from './imageError.js';
import { ImageBudget, MAX_CONFIG_BYTES, MAX_LAYERS, MAX_MANIFEST_BYTES } from './imageLimits.js';
import {
  INDEX_TYPES,
  expectManifest,
  parseJson,
  parseManifest,
  selectManifest,
  type Descriptor,
} from './imageManifest.js';
import { parseImage } from './imageReference.js';
import { checkedReference } from './checkedReference.js';
import { readBlobLayer, readUnpackedLayer } from './layerBytes.js';
import type { FileChange } from './layerFiles.js';
import type { OpenOptions, OpenedImage } from './openedImage.js';
import { isPlatform, ownPlatform } from './platform.js';

export interface TarOptions extends OpenOptions {
  /** What the image is called, where the archive holds several or does not say. */
  readonly name?: string | undefined;
}

/**
 * Reads an image's configuration from an archive: an OCI image layout, or what `docker save` writes; gzipped or not.
 * The archive is read twice, since an image's manifest may stand behind its layers: first for its small files, then,
 * where they are asked for, for the layers.
 * @throws ImageError
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 */
export async function openTarImage(file: string, options: TarOptions = {}): Promise<OpenedImage> {
  const archive = await scan(file);
  if (archive.texts.has('index.json')) return openLayout(archive, options);
  if (archive.texts.has('manifest.json')) return openDockerSave(archive, options);
  throw new ImageError(
    `${file} is a tar, but no image: it has neither index.json (OCI image layout) nor manifest.json (docker save)`,
  );
}

/** What the first reading keeps. */
interface Archive {
  readonly file: string;
  /** The small files that may be JSON, by path. */
  readonly texts: ReadonlyMap<string, Buffer>;
  /** Symbolic links: old `docker save` wrote a layer once, and linked to it. */
  readonly links: ReadonlyMap<string, string>;
}

/** Real archives have a few files an image. */
const MAX_ENTRIES = 100_000;
const MAX_TEXTS_BYTES = 128 * 2 ** 20;
const JSON_BRACKETS = [0x7b, 0x5b];

async function scan(file: string): Promise<Archive> {
  const texts = new Map<string, Buffer>();
  const links = new Map<string, string>();
  let entries = 0;
  let bytes = 0;
  for await (const entry of membersOf(file)) {
    entries += 1;
    if (entries > MAX_ENTRIES)
      throw new ImageError(`${file} has more than ${MAX_ENTRIES} files: is it an image?`);
    const path = cleaned(entry.name);
    if (entry.kind === 'symlink') links.set(path, posix.join(posix.dirname(path), entry.target));
    if (entry.kind !== 'file' || entry.size > MAX_CONFIG_BYTES) continue;
    const text = await collect(entry.content(), MAX_CONFIG_BYTES, `${path} of ${file}`);
    // Layers may be as small as a manifest.
    if (!JSON_BRACKETS.includes(text[0] ?? 0)) continue;
    bytes += text.length;
    if (bytes > MAX_TEXTS_BYTES)
      throw new ImageError(`${file} has more than 128 MiB of manifests: is it an image?`);
    texts.set(path, text);
  }
  return { file, texts, links };
}

async function* membersOf(file: string): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(decompressed(bytesOf(file), file), file);
  try {
    yield* readTar(reader);
  } finally {
    await reader.close();
  }
}

async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) yield chunk as Buffer;
  } catch (error) {
    throw new ImageError(
      `${file} cannot be read (${error instanceof Error ? error.message : String(error)})`,
      {
        cause: error,
      },
    );
  }
}

/** A member's path as others refer to it. One that leads out of the archive is found by none. */
function cleaned(name: string): string {
  return posix.normalize(name).replace(/^\/+/, '');
}

async function openLayout({ file, texts }: Archive, { name, platform }: TarOptions): Promise<OpenedImage> {
  const index = parseManifest(texts.get('index.json') ?? Buffer.alloc(0), `index.json of ${file}`);
  if (index.kind !== 'index') throw new ImageError(`index.json of ${file} is no index`);
  const images = index.manifests.filter(({ platform: of }) => of?.os !== 'unknown');
  const chosen = chooseImage(images, nameInLayout, name, file);
  let descriptor =
    chosen.items.length === 1 && chosen.items[0] && !isElsewhere(chosen.items[0], platform)
      ? chosen.items[0]
      : selectManifest(chosen.items, platform ?? ownPlatform(), file);
  const blob = (wanted: Descriptor, what: string): Promise<Buffer> =>
    checked(textOf(texts, wanted, file), wanted, what);
  let manifest = parseManifest(
    await blob(descriptor, `a manifest of ${file}`),
    `manifest ${descriptor.digest}`,
  );
  if (manifest.kind === 'index') {
    descriptor = selectManifest(manifest.manifests, platform ?? ownPlatform(), file);
    manifest = parseManifest(
      await blob(descriptor, `a manifest of ${file}`),
      `manifest ${descriptor.digest}`,
    );
  }
  const { config, layers } = expectManifest(manifest, file);
  const what = `the configuration of ${file}`;
  return {
    reference: checkedReference(chosen.name),
    source: file,
    digest: descriptor.digest,
    config: parseImageConfig(await blob(config, what), what, platform),
    readLayers: () => readLayoutLayers(file, layers),
  };
}

/** It says what platform it is for, and that is not the one that is wanted. */
function isElsewhere(descriptor: Descriptor, wanted: OpenOptions['platform']): boolean {
  const { platform, mediaType } = descriptor;
  return (
    wanted !== undefined &&
    platform !== undefined &&
    !INDEX_TYPES.includes(mediaType) &&
    !isPlatform(platform, wanted)
  );
}

/** containerd writes the whole reference; others a tag, or a reference, where the specification has a "name". */
function nameInLayout({ annotations }: Descriptor): string | undefined {
  const whole = annotations['io.containerd.image.name'] ?? annotations['com.docker.image.name'];
  if (typeof whole === 'string') return whole;
  const name = annotations['org.opencontainers.image.ref.name'];
  return typeof name === 'string' && /[/:]/.test(name) ? name : undefined;
}

function textOf(texts: Archive['texts'], { digest, size }: Descriptor, file: string): Buffer {
  const text = texts.get(blobPath(digest));
  if (text) return text;
  if (size > MAX_MANIFEST_BYTES)
    throw new ImageError(`${digest} of ${file} has ${size} bytes, which no manifest has`);
  throw new ImageError(
    `${file} does not hold ${digest}, which it refers to: was it written for all platforms?`,
  );
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

async function checked(
  text: Buffer,
  expected: { digest: string; size?: number },
  what: string,
): Promise<Buffer> {
  return collect(new VerifiedBytes(once(text), expected, what), MAX_CONFIG_BYTES, what);
}

async function* once(text: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(text);
}

async function readLayoutLayers(file: string, layers: readonly Descriptor[]): Promise<FileChange[][]> {
  const byPath = new Map(layers.map((layer) => [blobPath(layer.digest), layer]));
  const read = await readMembers(file, byPath, readBlobLayer);
  return layers.map(({ digest }) => found(read, blobPath(digest), digest, file));
}

async function openDockerSave(
  { file, texts, links }: Archive,
  { name, platform }: TarOptions,
): Promise<OpenedImage> {
  const images = savedImages(texts.get('manifest.json') ?? Buffer.alloc(0), file);
  const chosen = chooseImage(images, ({ name: saved }) => saved, name, file);
  const [image] = chosen.items;
  const text = image && texts.get(cleaned(image.config));
  if (!image || !text)
    throw new ImageError(`${file} does not hold the configuration that its manifest.json names`);
  const what = `the configuration of ${file}`;
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(image.config)?.[1];
  if (hex === undefined)
    throw new ImageError(`${what} is not named by its digest: ${JSON.stringify(image.config.slice(0, 80))}`);
  const digest = `sha256:${hex}`;
  const config = parseImageConfig(await checked(text, { digest }, what), what, platform);
  const { diffIds } = config;
  if (diffIds.length !== image.layers.length || !diffIds.every((id) => DIGEST.test(id)))
    throw new ImageError(`${what} does not name the digests of its ${image.layers.length} layers`);
  return {
    reference: checkedReference(chosen.name),
    source: file,
    digest,
    config,
    readLayers: async () => {
      const paths = image.layers.map((path) => linked(cleaned(path), links));
      const byPath = new Map(paths.map((path, index) => [path, diffIds[index] ?? '']));
      const read = await readMembers(file, byPath, readUnpackedLayer);
      return paths.map((path) => found(read, path, path, file));
    },
  };
}

function linked(path: string, links: Archive['links']): string {
  return links.get(path) ?? path;
}

interface SavedImage {
  readonly name: string | undefined;
  readonly config: string;
  readonly layers: readonly string[];
}

/** One for each name. Source: moby, image/tarexport/tarexport.go. */
function savedImages(text: Buffer, file: string): SavedImage[] {
  const what = `manifest.json of ${file}`;
  const { images } = parseJson(Buffer.from(`{"images":${text.toString('utf8')}}`), what);
  if (!Array.isArray(images)) throw new ImageError(`${what} is no list of images`);
  return images.flatMap((image: unknown) => {
    const { Config: config, RepoTags: tags, Layers: layers } = isRecord(image) ? image : {};
    if (
      typeof config !== 'string' ||
      !Array.isArray(layers) ||
      !layers.every((layer) => typeof layer === 'string')
    )
      throw new ImageError(`${what} has an image without Config and Layers`);
    if (layers.length > MAX_LAYERS) throw new ImageError(`${what} has an image of ${layers.length} layers`);
    const names = Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
    return (names.length === 0 ? [undefined] : names).map((name) => ({ name, config, layers }));
  });
}

/**
 * The images of one name, which are one for each platform, and the name.
 * @throws ImageError where that is not clear without being told
 */
function chooseImage<T>(
  images: readonly T[],
  nameOf: (image: T) => string | undefined,
  wanted: string | undefined,
  file: string,
): { items: readonly T[]; name: string } {
  if (images.length === 0) throw new ImageError(`${file} holds no image`);
  const names = [...new Set(images.map(nameOf))];
  const listed = names.filter((name) => name !== undefined);
  if (wanted === undefined) {
    const [name] = listed;
    if (names.length > 1)
      throw new ImageError(
        `${file} holds ${names.length} images (${listed.slice(0, 20).join(', ')}): choose with --name`,
      );
    if (name === undefined)
      throw new ImageError(
        `${file} does not say what its image is called: give the name that pods use with --name`,
      );
    return { items: images, name };
  }
  const { repository, tag = 'latest' } = parseImage(wanted);
  const items = images.filter((image) => {
    const own = parseImage(nameOf(image) ?? '');
    return own.repository === repository && (own.tag ?? 'latest') === tag;
  });
  if (items.length > 0) return { items, name: wanted };
  // One image may be called what one likes.
  if (names.length === 1) return { items: images, name: wanted };
  throw new ImageError(`${file} holds no ${wanted}, but ${listed.slice(0, 20).join(', ')}`);
}

async function readMembers<T>(
  file: string,
  wanted: ReadonlyMap<string, T>,
  read: (bytes: AsyncIterable<Buffer>, expected: T, budget: ImageBudget) => Promise<FileChange[]>,
): Promise<Map<string, FileChange[]>> {
  const budget = new ImageBudget();
  const results = new Map<string, FileChange[]>();
  for await (const entry of membersOf(file)) {
    const path = cleaned(entry.name);
    const expected = wanted.get(path);
    if (expected === undefined || entry.kind !== 'file' || results.has(path)) continue;
    results.set(path, await read(entry.content(), expected, budget));
  }
  return results;
}

function found(
  read: ReadonlyMap<string, FileChange[]>,
  path: string,
  what: string,
  file: string,
): FileChange[] {
  const changes = read.get(path);
  if (!changes) throw new ImageError(`${file} does not hold its layer ${what}`);
  return changes;
}
