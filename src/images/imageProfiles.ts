import { BoundedMap } from '../hardening/boundedMap.js';
import type { ImageProfile, ImageProfiles, MatchedProfile } from '../hardening/plan.js';
import { matchesImage, matchesVersion, parseImagePattern, type ImagePattern } from './imagePattern.js';
import { CACHED_IMAGE_MAX, parseImage, type ImageReference } from './imageReference.js';

const OFFICIAL = 'docker.io/library/';

interface Entry {
  /** As the profile names it. */
  readonly image: string;
  readonly pattern: ImagePattern;
  readonly profile: ImageProfile;
  readonly fromPolicy: boolean;
}

/**
 * Finds the profile of an image: the policy's before the built-in ones, the more specific before the less.
 *
 * An entry for an official image (`docker.io/library/nginx`) also matches its mirrors (`*` + `/library/nginx`), never a
 * repackaged image of the same last name. A mirror's name can be chosen by any pod author, so such a match is not
 * `exact`.
 */
export class ImageProfileIndex implements ImageProfiles {
  /** Entries by what an image must have in common with them, so that only a few are compared with it. */
  private readonly byRepository = new Map<string, Entry[]>();
  private readonly byOfficialName = new Map<string, Entry[]>();
  private readonly globs: Entry[] = [];
  /** Few images run many times. Bounded, since the names come from pod authors. */
  private readonly cache = new BoundedMap<string, MatchedProfile | undefined>(4096);

  constructor(ofPolicy: readonly ImageProfile[], builtIn: readonly ImageProfile[]) {
    for (const entry of [...entriesOf(ofPolicy, true), ...entriesOf(builtIn, false)]) {
      const { repository, isExact } = entry.pattern;
      if (!isExact) this.globs.push(entry);
      else add(this.byRepository, repository, entry);
      if (isExact && repository.startsWith(OFFICIAL)) add(this.byOfficialName, lastName(repository), entry);
    }
  }

  lookup(image: string): MatchedProfile | undefined {
    if (this.cache.has(image)) return this.cache.get(image);
    const match = this.find(parseImage(image));
    if (image.length > CACHED_IMAGE_MAX) return match;
    this.cache.set(image, match);
    return match;
  }

  private find(image: ImageReference): MatchedProfile | undefined {
    let best: { entry: Entry; rank: number } | undefined;
    const candidates = [
      this.byRepository.get(image.repository),
      this.byOfficialName.get(lastName(image.repository)),
      this.globs,
    ];
    for (const entries of candidates) {
      for (const entry of entries ?? []) {
        const rank = rankOf(entry, image);
        if (rank > 0 && (best === undefined || rank > best.rank)) best = { entry, rank };
      }
    }
    if (!best) return undefined;
    const { image: named, pattern, profile, fromPolicy } = best.entry;
    return {
      profile,
      pattern: named,
      fromPolicy,
      exact: pattern.isExact && pattern.repository === image.repository,
    };
  }
}

function entriesOf(profiles: readonly ImageProfile[], fromPolicy: boolean): Entry[] {
  return profiles.flatMap((profile) =>
    profile.images.map((image) => ({ image, pattern: parseImagePattern(image), profile, fromPolicy })),
  );
}

function add(map: Map<string, Entry[]>, key: string, entry: Entry): void {
  const entries = map.get(key);
  if (entries) entries.push(entry);
  else map.set(key, [entry]);
}

function lastName(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}

/** 0: no match. The policy's entries rank above the built-in ones; a repository named whole above a pattern. */
function rankOf({ pattern, fromPolicy }: Entry, image: ImageReference): number {
  const version = pattern.tag !== undefined || pattern.digest !== undefined ? 1 : 0;
  const place = fromPolicy ? 10 : 0;
  if (matchesImage(pattern, image)) return place + (pattern.isExact ? 5 : 3) + version;
  return isMirror(pattern, image) ? place + 1 + version : 0;
}

function isMirror(pattern: ImagePattern, image: ImageReference): boolean {
  if (!pattern.isExact || !pattern.repository.startsWith(OFFICIAL)) return false;
  const suffix = `/library/${pattern.repository.slice(OFFICIAL.length)}`;
  return image.repository.endsWith(suffix) && matchesVersion(pattern.tag, pattern.digest, image);
}
