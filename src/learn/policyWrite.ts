import type { Operation } from 'fast-json-patch';
import type { ImageProfile } from '../hardening/plan.js';
import { isRecord } from '../hardening/locate.js';
import { sameJson } from '../hardening/sameJson.js';
import { matchesImage, parseImagePattern } from '../images/imagePattern.js';
import { parseImage } from '../images/imageReference.js';
import { loadPolicies } from '../policy/load.js';
import { KIND } from '../policy/schema.js';
import { parseKubernetesYaml } from '../policy/yaml.js';
import { unifiedDiff } from '../preview/diff.js';
import { editYaml, type YamlEdit } from '../preview/yamlEdit.js';
import { mergeProfile } from './merge.js';

/** Thrown where profiles cannot be put into a policy's text; the message says why, and what to do. */
export class PolicyWriteError extends Error {
  readonly code = 'PolicyWrite';
}

export interface WrittenPolicy {
  /** The whole file's new text. */
  readonly text: string;
  /** The change as a unified diff; empty where everything stands there already. */
  readonly diff: string;
  /** The policy that was changed. */
  readonly policy: string;
  /** What became of each profile, one line each. */
  readonly told: readonly string[];
}

export interface PolicyWriteOptions {
  /** What the file is called in the diff. */
  readonly name: string;
  /** Which policy of a file that holds several; where it holds one, that. */
  readonly policy: string | undefined;
}

/**
 * Puts image profiles into `spec.imageProfiles` of a policy's text. Comments, order, quotes and indentation stay. An
 * entry for the same image takes the profile up; one for several images gives the image an entry of its own.
 *
 * @param profiles each for one image
 * @throws PolicyError where the text is no policy, before or after
 * @throws PolicyWriteError or YamlEditError where it cannot be edited
 */
export function writeProfiles(
  text: string,
  profiles: readonly ImageProfile[],
  { name, policy }: PolicyWriteOptions,
): WrittenPolicy {
  loadPolicies(text, { source: name });
  const place = placeOf(text, policy);
  const told: string[] = [];
  let list = place.profiles;
  for (const profile of profiles) list = withProfile(list, profile, told);
  const edit: YamlEdit = { document: place.document, at: place.at, patch: patchOf(place, list) };
  const { text: edited, splices, rewritten } = editYaml(text, [edit]);
  if (rewritten.length > 0)
    throw new PolicyWriteError(
      `the text of policy "${place.name}" cannot be edited in place; paste the profile into spec.imageProfiles`,
    );
  loadPolicies(edited, { source: name });
  return { text: edited, diff: unifiedDiff(name, text, splices), policy: place.name, told };
}

interface PolicyPlace {
  readonly document: number;
  readonly at: readonly (string | number)[];
  readonly name: string;
  /** As written; the text has loaded, so they are profiles. */
  readonly profiles: readonly ImageProfile[];
  /** `spec.imageProfiles` is there and holds a list. */
  readonly hasList: boolean;
}

function placeOf(text: string, wanted: string | undefined): PolicyPlace {
  const places = parseKubernetesYaml(text).flatMap(({ index, object }) => {
    if (!isRecord(object)) return [];
    const { kind, items } = object;
    const isList = (kind === 'List' || kind === `${KIND}List`) && Array.isArray(items);
    if (!isList) return [toPlace(object, index, [])];
    return items.map((item, at) => toPlace(item, index, ['items', at]));
  });
  const [first] = places;
  const found = places.length === 1 ? first : places.find(({ name }) => name === wanted);
  if (found) return found;
  const names = places.map(({ name }) => `"${name}"`).join(', ');
  const asked = wanted === undefined ? '' : ` and none is "${wanted}", which the namespace names`;
  throw new PolicyWriteError(
    `it holds ${places.length} policies (${names})${asked}; give a file of one policy, or paste the profile`,
  );
}

function toPlace(object: unknown, document: number, at: readonly (string | number)[]): PolicyPlace {
  const { metadata, spec } = (isRecord(object) ? object : {}) as {
    readonly metadata?: { readonly name?: string };
    readonly spec?: { readonly imageProfiles?: readonly ImageProfile[] | null } | null;
  };
  const { imageProfiles } = spec ?? {};
  return {
    document,
    at,
    name: metadata?.name ?? '',
    profiles: imageProfiles ?? [],
    hasList: Array.isArray(imageProfiles),
  };
}

/** The list with one more profile. @param told what became of it is added */
function withProfile(
  list: readonly ImageProfile[],
  learned: ImageProfile,
  told: string[],
): readonly ImageProfile[] {
  const image = learned.images[0] ?? '';
  for (const line of nearLines(list, image)) told.push(line);
  const index = list.findIndex(({ images }) => images.some((pattern) => isSamePattern(pattern, image)));
  const before = list[index];
  if (!before) {
    told.push(`${image}: added to spec.imageProfiles`);
    return [...list, learned];
  }
  const { profile, replaced } = mergeProfile(before, learned);
  if (sameJson(profile, before)) {
    told.push(`${image}: its entry says all of it already`);
    return list;
  }
  for (const line of replaced) told.push(`${image}: ${line}`);
  const others = before.images.filter((pattern) => !isSamePattern(pattern, image));
  if (others.length === 0) {
    told.push(`${image}: its entry takes up what was learned`);
    return list.with(index, profile);
  }
  told.push(
    `${image}: taken out of the entry that it shared with ${others.join(', ')}, which stays as it was`,
  );
  return list.with(index, { ...before, images: others }).concat({ ...profile, images: [image] });
}

function isSamePattern(pattern: string, other: string): boolean {
  const [a, b] = [parseImagePattern(pattern), parseImagePattern(other)];
  return a.repository === b.repository && a.tag === b.tag && a.digest === b.digest;
}

/** Entries that match the same image by a glob, or a tag of it: which of them counts is not to be guessed. */
function nearLines(list: readonly ImageProfile[], image: string): string[] {
  const { repository, tag, digest } = parseImage(image);
  return list.flatMap(({ images }) =>
    images.flatMap((text) => {
      const pattern = parseImagePattern(text);
      if (isSamePattern(text, image)) return [];
      if (pattern.isExact && pattern.repository === repository && tag === undefined && digest === undefined)
        return [
          `${image}: the entry for ${text} goes on to count for that version, and does not take this up`,
        ];
      if (!pattern.isExact && matchesImage(pattern, parseImage(image)))
        return [
          `${image}: the entry for ${text} no longer counts for this image, since the new one names it`,
        ];
      return [];
    }),
  );
}

/** The smallest change of the object: items that stay keep their text. */
function patchOf({ profiles, hasList }: PolicyPlace, after: readonly ImageProfile[]): Operation[] {
  if (sameJson(profiles, after)) return [];
  if (!hasList) return [{ op: 'add', path: '/spec/imageProfiles', value: after }];
  return after.flatMap((profile, index): Operation[] => {
    const path = `/spec/imageProfiles/${index}`;
    if (index >= profiles.length) return [{ op: 'add', path, value: profile }];
    return sameJson(profiles[index], profile) ? [] : [{ op: 'replace', path, value: profile }];
  });
}
