import { createHash } from 'node:crypto';
import type { Layer } from './layer.js';
import type { ImageConfig, ImageRecipe } from './recipe.js';

/** A file of an OCI image layout, by its path in it. */
export interface LayoutFile {
  readonly path: string;
  readonly content: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** GOARCH of the machine, which is the one that its Debian packages are for. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Where a layer's file, or any other blob, lies in an image layout. */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/**
 * All of an image layout but the layers' own files, the index first: who reads the archive from its beginning has the
 * configuration before the layers.
 *
 * @param version - that of the Debian package, for the label `org.opencontainers.image.version`
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 */
export function layoutFiles(
  { name, config }: Pick<ImageRecipe, 'name' | 'config'>,
  version: string,
  layers: readonly Layer[],
): LayoutFile[] {
  const configuration = JSON.stringify({
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: { ...runtimeConfig(config), Labels: { [VERSION_LABEL]: version } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: describe('application/vnd.oci.image.config.v1+json', configuration),
    layers: layers.map(({ digest, size }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest,
      size,
    })),
  });
  const manifestDescriptor = describe(MANIFEST, manifest);
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...manifestDescriptor,
        annotations: {
          // The first is containerd's own, for a whole reference; the second is the format's.
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
        },
      },
    ],
  });
  return [
    { path: 'oci-layout', content: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', content: index },
    { path: blobPath(manifestDescriptor.digest), content: manifest },
    { path: blobPath(digestOf(configuration)), content: configuration },
  ];
}

/** The label in which an image carries its program's version. */
export const VERSION_LABEL = 'org.opencontainers.image.version';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** The format wants sets as objects with empty values, and the environment as `NAME=value`. */
function runtimeConfig({ Env, ExposedPorts, Volumes, ...rest }: ImageConfig): object {
  const path = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  return {
    ...rest,
    Env: Object.entries({ ...path, ...Env }).map(([key, value]) => `${key}=${value}`),
    ...(ExposedPorts && { ExposedPorts: asSet(ExposedPorts) }),
    ...(Volumes && { Volumes: asSet(Volumes) }),
  };
}

function asSet(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function describe(mediaType: string, content: string): Descriptor {
  return { mediaType, digest: digestOf(content), size: Buffer.byteLength(content) };
}

function digestOf(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
