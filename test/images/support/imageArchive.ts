import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { file, symlink, tarOf, type Member } from './tar.js';

/** An image to be made. */
export interface TestImage {
  /** The configuration's `config`. */
  readonly config?: object;
  readonly layers?: readonly (readonly Member[])[];
  readonly os?: string;
  readonly architecture?: string;
  /** The layers as they lie in the image; `gzip` unless given. */
  readonly compression?: 'gzip' | 'none';
}

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly bytes: Buffer;
}

/** An image's parts by digest, as a registry or a layout has them. */
export interface BuiltImage {
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly manifest: Blob;
  readonly unpacked: readonly Buffer[];
  readonly platform: { readonly os: string; readonly architecture: string };
}

export const TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};
export const DOCKER_TYPES = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar',
};

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function blobOf(mediaType: string, content: Buffer | object): Blob {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
}

export const refer = ({ mediaType, digest, size }: Blob): object => ({ mediaType, digest, size });

export function buildImage(
  { config = {}, layers = [[]], os = 'linux', architecture = 'amd64', compression = 'gzip' }: TestImage = {},
  types = TYPES,
): BuiltImage {
  const unpacked = layers.map(tarOf);
  const suffix = compression === 'none' ? '' : types === TYPES ? '+gzip' : '.gzip';
  const packed = unpacked.map((tar) =>
    blobOf(`${types.layer}${suffix}`, compression === 'none' ? tar : gzipSync(tar)),
  );
  const configuration = blobOf(types.config, {
    architecture,
    os,
    config,
    rootfs: { type: 'layers', diff_ids: unpacked.map(digestOf) },
  });
  const manifest = blobOf(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: refer(configuration),
    layers: packed.map(refer),
  });
  return { config: configuration, layers: packed, manifest, unpacked, platform: { os, architecture } };
}

export function indexOf(images: readonly BuiltImage[], types = TYPES): Blob {
  return blobOf(types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: images.map(({ manifest, platform }) => ({ ...refer(manifest), platform })),
  });
}

export const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** An OCI image layout. `manifests` is what its index.json lists: the image itself under its name, unless given. */
export function layoutTar(
  image: BuiltImage,
  {
    name = 'registry.example/shop/web:1.2',
    manifests = [
      { ...refer(image.manifest), annotations: name === '' ? {} : { 'io.containerd.image.name': name } },
    ],
    blobs = [image.manifest, image.config, ...image.layers],
  }: { name?: string; manifests?: readonly object[]; blobs?: readonly Blob[] } = {},
): Buffer {
  return tarOf([
    ...blobs.map(({ digest, bytes }) => file(blobPath(digest), bytes)),
    // Behind the layers, where `docker buildx build --output type=oci` has it too.
    file('index.json', JSON.stringify({ schemaVersion: 2, manifests })),
    file('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
  ]);
}

/** What `docker save` wrote before version 25: a folder for each layer, one of them a link to another's. */
export function dockerSaveTar(
  { config, unpacked }: BuiltImage,
  { tags = ['registry.example/shop/web:1.2'] }: { tags?: readonly string[] | null } = {},
): Buffer {
  const configFile = `${config.digest.slice('sha256:'.length)}.json`;
  const layers = unpacked.map((_, index) => `${String(index).repeat(8)}/layer.tar`);
  const first = new Map<string, string>();
  const members = unpacked.map((tar, index) => {
    const path = layers[index] ?? '';
    const same = first.get(digestOf(tar));
    first.set(digestOf(tar), path);
    return same === undefined ? file(path, tar) : symlink(path, `../${same}`);
  });
  return tarOf([
    ...members,
    file(configFile, config.bytes),
    file('manifest.json', JSON.stringify([{ Config: configFile, RepoTags: tags, Layers: layers }])),
  ]);
}
