import { BoundedMap } from '../hardening/boundedMap.js';
import type {
  ActiveException,
  ActiveExceptions,
  ExceptionContainer,
  ExceptionPod,
} from '../hardening/plan.js';
import { isGlob, matchesGlob } from '../images/glob.js';
import { matchesImage, parseImagePattern } from '../images/imagePattern.js';
import { parseImage } from '../images/imageReference.js';
import type { PolicyException } from './policy.js';

/** An exception, prepared for matching. */
interface Entry extends ActiveException {
  /** By the container's name and image alone. */
  matchesContainer(container: ExceptionContainer): boolean;
  matchesPod(pod: ExceptionPod): boolean;
}

/** Few containers run many times. Bounded, since names and images come from pod authors. */
const CACHE_MAX = 1024;
/** A name has at most 63 characters, an image a few hundred. */
const CACHED_TEXT_MAX = 600;
const NONE: readonly Entry[] = [];

/**
 * The exceptions that hold in a namespace. Which of them name a container is worked out once for each name and image, so
 * that a decision costs the same with one and with a thousand.
 */
export class ExceptionIndex implements ActiveExceptions {
  readonly all: readonly ActiveException[];
  private readonly entries: readonly Entry[];
  private readonly cache = new BoundedMap<string, readonly Entry[]>(CACHE_MAX);

  constructor(exceptions: readonly PolicyException[]) {
    this.all = this.entries = exceptions.map(entryOf);
  }

  matching(container: ExceptionContainer, pod: ExceptionPod): readonly ActiveException[] {
    const named = this.naming(container);
    return named.length === 0 ? named : named.filter((entry) => entry.matchesPod(pod));
  }

  private naming(container: ExceptionContainer): readonly Entry[] {
    if (this.entries.length === 0) return NONE;
    const { name, image } = container;
    // With the length, or one name and image could be taken for another two.
    const key = `${name.length} ${name}${image}`;
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const found = this.entries.filter((entry) => entry.matchesContainer(container));
    if (key.length <= CACHED_TEXT_MAX) this.cache.set(key, found);
    return found;
  }
}

/** Names that are no globs are compared first: they decide most cases at once. */
function entryOf({ name, rules, match }: PolicyException): Entry {
  const matchesName = anyOf(match.containers);
  const matchesServiceAccount = anyOf(match.serviceAccounts);
  const labels = Object.entries(match.podLabels ?? {});
  const patterns = match.images?.map(parseImagePattern);
  return {
    name,
    rules: new Set(rules),
    matchesContainer: (container) =>
      matchesName(container.name) &&
      (patterns === undefined ||
        patterns.some((pattern) => matchesImage(pattern, parseImage(container.image)))),
    matchesPod: (pod) => matchesServiceAccount(pod.serviceAccount) && matchesLabels(labels, pod),
  };
}

function anyOf(globs: readonly string[] | undefined): (text: string) => boolean {
  if (globs === undefined) return () => true;
  const names = new Set(globs.filter((glob) => !isGlob(glob)));
  const wild = globs.filter(isGlob);
  return (text) => names.has(text) || wild.some((glob) => matchesGlob(glob, text));
}

function matchesLabels(labels: readonly (readonly [string, string])[], pod: ExceptionPod): boolean {
  return labels.every(([key, glob]) => {
    const value = Object.hasOwn(pod.labels, key) ? pod.labels[key] : undefined;
    return value !== undefined && matchesGlob(glob, value);
  });
}
