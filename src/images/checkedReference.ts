import { DIGEST } from './archive/verifiedBytes.js';
import { ImageError } from './imageError.js';
import { parseImage, type ImageReference } from './imageReference.js';

/** Source: distribution-spec v1.1, "Pulling manifests". */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const HOST = /^(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;

/** Of a repository, registry included. Source: distribution/reference, RepositoryNameTotalLengthMax. */
const MAX_LENGTH = 255;

/**
 * Reads an image's name as container runtimes do, and refuses what they would refuse.
 * @throws ImageError
 */
export function checkedReference(name: string): ImageReference {
  const reference = parseImage(name);
  const { repository, tag, digest } = reference;
  const slash = repository.indexOf('/');
  const isName =
    repository.length <= MAX_LENGTH &&
    HOST.test(repository.slice(0, slash)) &&
    REPOSITORY.test(repository.slice(slash + 1));
  if (isName && (tag === undefined || TAG.test(tag)) && (digest === undefined || DIGEST.test(digest)))
    return reference;
  throw new ImageError(
    `${JSON.stringify(name.slice(0, 300))} is no image such as registry.example/shop/web:1.2`,
  );
}
