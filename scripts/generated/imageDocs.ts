import type { ImageCatalogue } from '../../src/policy/schema.js';
import type { GeneratedFile } from './generatedFile.js';
import { CATALOGUE, imageCatalogue, type CatalogueEntry } from './imageCatalogue.js';
import { table } from './markdown.js';

/** docs/images.md: which images are known, what of them, and where that stands. */
export const imageDocFiles: readonly GeneratedFile[] = [{ path: 'docs/images.md', content: page }];

function page(): string {
  const { imageProfiles, leftOut } = imageCatalogue();
  return `<!-- generated from ${CATALOGUE} -->

# Known images

What kube-harden knows of published images without being told, so that hardening does not break them. A profile in your
policy takes the place of the one here, and [policies](policies.md#image-profiles) says what one may hold.

${table(
  ['image', 'uid:gid', 'writable', 'data', 'low ports', 'capabilities', 'verified', 'sources'],
  imageProfiles.map((entry) => [
    names(entry.images),
    ids(entry),
    lines(entry.writablePaths ?? []),
    lines(entry.dataPaths ?? []),
    (entry.ports ?? []).join(', '),
    capabilities(entry),
    entry.verified === 'node' ? 'on a node' : 'from source',
    links(entry.sources),
  ]),
)}

- **image**: a name without a registry is an official image. Its entry holds for \`docker.io/library/NAME\` and
  \`public.ecr.aws/docker/library/NAME\`; for a mirror (\`*/library/NAME\`) too, but for the capabilities. A repackaged image
  of the same last name (\`bitnami/nginx\`) is another image. Of several entries that match, the one that names the tag
  counts alone. An image that is named by its digest alone has no tag: name the tag too (\`postgres:17-alpine@sha256:...\`).
- **uid:gid**: those of the image's own user. *any*: it works as whoever it is told to, and gets the policy's. Where it
  mounts a volume that outlives the pod it stays as it is, since only its old user can read what is there.
- **writable**: each gets an emptyDir, beside the policy's own paths (/tmp), unless something is mounted there.
- **data**: never covered by an emptyDir. Without a mount it is the image's VOLUME: containerd keeps that writable under a
  read-only root file system. CRI-O with \`image_volumes = "mkdir"\`, its default, does not: mount a volume there, or set
  \`bind\`.
- **low ports**: below 1024, for which the pod gets the sysctl \`net.ipv4.ip_unprivileged_port_start\`.
- **capabilities**: *needs*: added beside \`drop: [ALL]\`, since the program's file carries them. *as root*: given back where
  the container has to start as root, so that its entrypoint can drop to its own user. *with a volume at*: it has to where a
  volume that outlives the pod is mounted there, for only the owner of a directory may change its mode.
- **verified**: *on a node*: written to, read from and restarted, hardened, under a real kubelet. *from source*: the
  figures are those of the Dockerfile and entrypoint that are linked.

## Notes

${imageProfiles.flatMap(({ images, note }) => (note === undefined ? [] : [`- \`${short(images[0] ?? '')}\`: ${note}`])).join('\n')}

## Left out on purpose

No built-in profile makes these work under every rule. Say it in a policy:

${table(
  ['image', 'why', 'instead', 'sources'],
  leftOut.map(({ images, because, instead, sources }) => [names(images), because, instead, links(sources)]),
)}

## Other images

An image that is not here gets every rule, or with \`unknownImages: Safe\` only those of low risk.
\`kube-harden profile IMAGE\` writes the profile that follows from an image's own configuration.
`;
}

const OFFICIAL = 'docker.io/library/';
const COPY_OF_OFFICIAL = 'public.ecr.aws/docker/library/';

function names(images: readonly string[]): string {
  return lines(images.filter((image) => !image.startsWith(COPY_OF_OFFICIAL)).map(short));
}

function short(image: string): string {
  return image.startsWith(OFFICIAL) ? image.slice(OFFICIAL.length) : image;
}

function lines(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join('<br>');
}

function ids({ runAsUser, runAsGroup = runAsUser }: CatalogueEntry): string {
  return runAsUser === undefined ? 'any' : `${String(runAsUser)}:${String(runAsGroup)}`;
}

function capabilities({ needs = [], startsAsRoot }: CatalogueEntry): string {
  const needed = needs.length === 0 ? [] : [`needs ${needs.join(', ')}`];
  const variable = startsAsRoot?.volumeVariable;
  const places = [...(variable === undefined ? [] : [variable]), ...(startsAsRoot?.volumes ?? [])];
  const where =
    places.length === 0 ? '' : ` (with a volume at ${places.map((at) => `\`${at}\``).join(', else ')})`;
  const asRoot = startsAsRoot ? [`as root${where}: ${startsAsRoot.capabilities.join(', ')}`] : [];
  return [...needed, ...asRoot].join('; ');
}

function links(sources: ImageCatalogue['leftOut'][number]['sources']): string {
  return sources
    .map(({ repo, path, ref }) => {
      const file = path.slice(path.lastIndexOf('/') + 1);
      return `[${repo}: ${file}](https://github.com/${repo}/blob/${ref}/${path})`;
    })
    .join('<br>');
}
