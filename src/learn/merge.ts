import type { ImageProfile } from '../hardening/plan.js';

/** A profile that takes up what another says, and what that changed. */
export interface MergedProfile {
  readonly profile: ImageProfile;
  /** Values that gave way to others, one phrase each: `runAsUser 101 gives way to 999`. */
  readonly replaced: readonly string[];
}

/**
 * An entry of a policy with what was learned beside it. Lists are united, what stood there first: that a program was not
 * seen to need something does not mean that it never does. Of a single value the learned one counts.
 */
export function mergeProfile(before: ImageProfile, learned: ImageProfile): MergedProfile {
  const replaced: string[] = [];
  const single = <T extends number | string>(
    field: string,
    old: T | undefined,
    now: T | undefined,
  ): T | undefined => {
    if (old !== undefined && now !== undefined && old !== now)
      replaced.push(`${field} ${old} gives way to ${now}`);
    return now ?? old;
  };
  const runAsUser = single('runAsUser', before.runAsUser, learned.runAsUser);
  // A gid that is not given is the uid: with another uid the old one's gid says nothing any more.
  const isSameUser = learned.runAsUser === undefined || learned.runAsUser === before.runAsUser;
  const runAsGroup = single('runAsGroup', isSameUser ? before.runAsGroup : undefined, learned.runAsGroup);
  const startsAsRoot = mergeStart(before.startsAsRoot, learned.startsAsRoot);
  const data = united(before.dataPaths, learned.dataPaths);
  const fields = {
    runAsUser,
    runAsGroup,
    writablePaths: united(before.writablePaths, learned.writablePaths),
    dataPaths: data,
    sizeLimit: single('sizeLimit', before.sizeLimit, learned.sizeLimit),
    ports: united(before.ports, learned.ports),
    startsAsRoot,
    needs: united(before.needs, learned.needs),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { profile: { images: before.images, ...Object.fromEntries(given) }, replaced };
}

function mergeStart(
  before: ImageProfile['startsAsRoot'],
  learned: ImageProfile['startsAsRoot'],
): ImageProfile['startsAsRoot'] {
  if (!before || !learned) return learned ?? before;
  const volumes = united(before.volumes, learned.volumes);
  const volumeVariable = learned.volumeVariable ?? before.volumeVariable;
  return {
    capabilities: united(before.capabilities, learned.capabilities) ?? [],
    ...(volumes && { volumes }),
    ...(volumeVariable !== undefined && { volumeVariable }),
  };
}

function united<T>(before: readonly T[] | undefined, learned: readonly T[] | undefined): T[] | undefined {
  if (before === undefined && learned === undefined) return undefined;
  return [...new Set([...(before ?? []), ...(learned ?? [])])];
}
