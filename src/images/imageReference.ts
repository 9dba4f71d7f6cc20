import { BoundedMap } from '../hardening/boundedMap.js';

/** An image as a registry knows it. */
export interface ImageReference {
  /** With registry, `library/` included: `docker.io/library/nginx`. */
  readonly repository: string;
  /** Undefined where the reference names neither tag nor digest (the runtime then takes `latest`). */
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_ALIASES = ['index.docker.io', 'registry-1.docker.io'];

/**
 * Normalises an image reference as container runtimes do: `nginx` is `docker.io/library/nginx`. It never fails: what
 * is no valid reference is taken apart all the same, for no runtime will start it.
 * Source: github.com/distribution/reference, normalize.go.
 */
export function parseImage(image: string): ImageReference {
  const known = parsed.get(image);
  if (known) return known;
  const reference = parse(image);
  if (image.length > CACHED_IMAGE_MAX) return reference;
  parsed.set(image, reference);
  return reference;
}

/** Few images run many times. Bounded, since the names come from pod authors. */
const parsed = new BoundedMap<string, ImageReference>(4096);

/**
 * Longer names are not kept: 4096 of the 3 MiB that an object may have would fill the memory. A repository has at most
 * 255 characters, a tag 128, a digest 71 (sha256) or 135 (sha512).
 */
export const CACHED_IMAGE_MAX = 520;

function parse(image: string): ImageReference {
  const at = image.indexOf('@');
  const digest = at < 0 ? undefined : image.slice(at + 1);
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  return {
    repository: normaliseRepository(hasTag ? named.slice(0, colon) : named),
    tag: hasTag ? named.slice(colon + 1) : undefined,
    digest,
  };
}

function normaliseRepository(name: string): string {
  // Only a pattern starts so: its `*` stands for the registry too, or for any path in it (`docker.io/*`).
  if (name.startsWith('*')) return name;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isRegistry = /[.:*]/.test(first) || first === 'localhost';
  const registry = isRegistry ? first : DOCKER_HUB;
  const path = isRegistry ? name.slice(slash + 1) : name;
  const host = DOCKER_HUB_ALIASES.includes(registry) ? DOCKER_HUB : registry;
  const isOfficial = host === DOCKER_HUB && !path.includes('/') && !path.startsWith('*');
  return isOfficial ? `${host}/library/${path}` : `${host}/${path}`;
}
