import { isRecord } from '../hardening/locate.js';
import { shown } from '../hardening/shown.js';
import { DIGEST } from './archive/verifiedBytes.js';
import { ImageError } from './imageError.js';
import { MAX_LAYERS, MAX_MANIFEST_BYTES } from './imageLimits.js';
import { isPlatform, platformText, type Platform } from './platform.js';

/** What a manifest or an index refers to. Source: image-spec v1.1, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform | undefined;
  readonly annotations: Readonly<Record<string, unknown>>;
}

export interface Manifest {
  readonly kind: 'manifest';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface Index {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

/** Those of the OCI, and of Docker before it. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
export const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const CONFIG_TYPES = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

/**
 * Reads a manifest or an index.
 * @param what its name in messages
 * @throws ImageError where it is neither, or not one of a container image
 */
export function parseManifest(text: Buffer, what: string): Manifest | Index {
  const document = parseJson(text, what);
  if (document['schemaVersion'] === 1)
    throw new ImageError(`${what} is of the old format "schema 1": push it anew with a current builder`);
  if (Array.isArray(document['manifests'])) {
    const manifests = document['manifests'].map((entry: unknown) => descriptor(entry, what));
    return { kind: 'index', manifests };
  }
  if (!isRecord(document['config']) || !Array.isArray(document['layers']))
    throw new ImageError(`${what} is neither an image manifest nor an index`);
  const config = descriptor(document['config'], what);
  if (!CONFIG_TYPES.includes(config.mediaType))
    throw new ImageError(
      `${what} is no container image: its configuration is a ${JSON.stringify(config.mediaType)}`,
    );
  const layers = document['layers'].map((entry: unknown) => descriptor(entry, what));
  if (layers.length > MAX_LAYERS)
    throw new ImageError(`${what} has ${layers.length} layers, more than ${MAX_LAYERS}`);
  return { kind: 'manifest', config, layers };
}

/** @throws ImageError where the text is no JSON object */
export function parseJson(text: Buffer, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw new ImageError(`${what} is not JSON`, { cause: error });
  }
  if (!isRecord(value)) throw new ImageError(`${what} is not a JSON object`);
  return value;
}

function descriptor(entry: unknown, what: string): Descriptor {
  const { mediaType, digest, size, platform, annotations } = isRecord(entry) ? entry : {};
  if (typeof digest !== 'string' || !DIGEST.test(digest))
    throw new ImageError(`${what} names something by no digest: ${shown(digest)}`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new ImageError(`${what} says no size of ${digest}`);
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest,
    size,
    platform: platformOf(platform),
    annotations: isRecord(annotations) ? annotations : {},
  };
}

function platformOf(value: unknown): Platform | undefined {
  if (!isRecord(value)) return undefined;
  const { os, architecture, variant } = value;
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined;
  return { os, architecture, ...(typeof variant === 'string' && { variant }) };
}

/**
 * The manifest of a platform. One without a platform fits where it is the only one.
 * @throws ImageError that lists the platforms that there are
 */
export function selectManifest(manifests: readonly Descriptor[], wanted: Platform, what: string): Descriptor {
  // Attestations (SBOM, provenance) lie beside the images as manifests for the platform "unknown".
  const images = manifests.filter(({ platform }) => platform?.os !== 'unknown');
  const found =
    images.find(({ platform }) => platform && isPlatform(platform, wanted)) ??
    (images.length === 1 && images[0]?.platform === undefined ? images[0] : undefined);
  if (!found) {
    const has = [
      ...new Set(images.map(({ platform }) => (platform ? platformText(platform) : 'one unnamed'))),
    ];
    throw new ImageError(
      `${what} has no image for ${platformText(wanted)}; it has ${has.slice(0, 20).join(', ') || 'none at all'}: choose with --platform`,
    );
  }
  if (found.size > MAX_MANIFEST_BYTES)
    throw new ImageError(`${what} has a manifest of ${found.size} bytes, more than ${MAX_MANIFEST_BYTES}`);
  return found;
}

/** @throws ImageError for an index in an index, which no builder makes and no runtime follows for ever */
export function expectManifest(parsed: Manifest | Index, what: string): Manifest {
  if (parsed.kind === 'index')
    throw new ImageError(`${what} has an index in its index: give the digest of one image`);
  return parsed;
}
