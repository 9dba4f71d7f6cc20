import { VerifiedBytes, collect } from '../archive/verifiedBytes.js';
import { parseImageConfig } from '../imageConfig.js';
import { ImageBudget, MAX_CONFIG_BYTES } from '../imageLimits.js';
import { expectManifest, parseManifest, selectManifest, type Descriptor } from '../imageManifest.js';
import type { ImageReference } from '../imageReference.js';
import { readBlobLayer } from '../layerBytes.js';
import type { FileChange } from '../layerFiles.js';
import type { OpenOptions, OpenedImage } from '../openedImage.js';
import { ownPlatform } from '../platform.js';
import { RegistryClient, type RegistryOptions } from './registryClient.js';

/**
 * Reads an image's configuration from its registry.
 * @param reference of checkedReference
 * @throws ImageError
 */
export async function openRegistryImage(
  reference: ImageReference,
  { platform, ...options }: OpenOptions & RegistryOptions = {},
): Promise<OpenedImage> {
  const { repository } = reference;
  const version = reference.digest ?? reference.tag ?? 'latest';
  const slash = repository.indexOf('/');
  const name = `${repository}${reference.digest === undefined ? ':' : '@'}${version}`;
  const client = new RegistryClient(repository, options);
  let served = await client.manifest(version);
  let parsed = parseManifest(served.body, name);
  if (parsed.kind === 'index') {
    const { digest } = selectManifest(parsed.manifests, platform ?? ownPlatform(), name);
    served = await client.manifest(digest);
    parsed = parseManifest(served.body, `${repository}@${digest}`);
  }
  const manifest = expectManifest(parsed, name);
  const what = `the configuration of ${name}`;
  const checked = new VerifiedBytes(client.blob(manifest.config), manifest.config, what);
  const config = parseImageConfig(await collect(checked, MAX_CONFIG_BYTES, what), what, platform);
  return {
    reference,
    source: client.host === repository.slice(0, slash) ? name : `${name}, from ${client.host}`,
    digest: served.digest,
    config,
    readLayers: () => readLayers(client, manifest.layers),
  };
}

async function readLayers(client: RegistryClient, layers: readonly Descriptor[]): Promise<FileChange[][]> {
  const budget = new ImageBudget();
  const read: FileChange[][] = [];
  for (const layer of layers) read.push(await readBlobLayer(client.blob(layer), layer, budget));
  return read;
}
