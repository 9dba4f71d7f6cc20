import type { ImageProfile } from '../hardening/plan.js';
import { parseQuantity } from '../hardening/quantity.js';
import { inOrder, profileOf } from './fields.js';
import type { LearnedField, LearnedProfile, LearnedValue } from './observation.js';

/** Those of one image, in the order of their first: of several entries for it a policy takes the first alone. */
export function byImage<T extends { readonly profile: ImageProfile }>(
  learned: readonly T[],
): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const each of learned) {
    const image = each.profile.images.join(' ');
    groups.set(image, [...(groups.get(image) ?? []), each]);
  }
  return [...groups.values()];
}

/**
 * What was learned of containers that run one image, as one profile. What one of them needs, the image is said to need; of a
 * user there can be one only, and the first one's counts.
 *
 * @param all at least one, each of the same image
 */
export function united(all: readonly LearnedProfile[]): LearnedProfile {
  const [first] = all;
  if (first === undefined) throw new Error('nothing was learned that could be united');
  if (all.length === 1) return first;
  const names = distinct(all.flatMap(({ fields }) => fields).map(({ field }) => field));
  const fields = inOrder(names.map((name) => unitedField(name, all))).filter(
    ({ values, notes }) => values.length > 0 || notes.length > 0,
  );
  return {
    profile: profileOf(fields),
    fields,
    warnings: [...distinct(all.flatMap(({ warnings }) => warnings)), ...userWarnings(all)],
    ways: distinct(all.flatMap(({ ways }) => ways)),
    missing: distinct(all.flatMap(({ missing }) => missing)),
  };
}

/** Of a user and his group, and what is said of them, there can be one. */
const OF_USER: readonly string[] = ['runAsUser', 'runAsGroup'];

function unitedField(name: LearnedField['field'], all: readonly LearnedProfile[]): LearnedField {
  const withUser = all.filter(({ profile }) => profile.runAsUser !== undefined);
  const those = OF_USER.includes(name) && withUser.length > 0 ? withUser.slice(0, 1) : all;
  const fields = those.flatMap((each) => each.fields).filter(({ field }) => field === name);
  return {
    field: name,
    values: unitedValues(
      name,
      fields.flatMap(({ values }) => values),
    ),
    notes: distinct(fields.flatMap(({ notes }) => notes)),
  };
}

function unitedValues(name: LearnedField['field'], values: readonly LearnedValue[]): readonly LearnedValue[] {
  if (name === 'sizeLimit') return [...values].sort((one, other) => bytes(other) - bytes(one)).slice(0, 1);
  return values.filter(({ value }, index) => values.findIndex((each) => each.value === value) === index);
}

function userWarnings(all: readonly LearnedProfile[]): string[] {
  const [user, ...others] = distinct(all.flatMap(({ profile }) => profile.runAsUser ?? []));
  if (user === undefined) return [];
  if (others.length > 0)
    return [
      `Containers of this image run as different users (${[user, ...others].join(', ')}), and a profile holds one: of those that are not ${user} write runAsUser into the securityContext.`,
    ];
  if (all.every(({ profile }) => profile.runAsUser !== undefined)) return [];
  return [
    `Of a container of this image no user could be told, and with this profile it runs as ${user}: if it must not, write runAsUser into its securityContext.`,
  ];
}

function bytes({ value }: LearnedValue): number {
  return Number(parseQuantity(String(value)) ?? 0);
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
