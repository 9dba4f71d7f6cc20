import type { ImageProfile } from '../hardening/plan.js';
import type { LearnedField } from './observation.js';

/** As the schema has them. */
const ORDER: readonly LearnedField['field'][] = [
  'images',
  'runAsUser',
  'runAsGroup',
  'writablePaths',
  'dataPaths',
  'sizeLimit',
  'ports',
  'startsAsRoot.capabilities',
  'startsAsRoot.volumes',
  'needs',
];

/** Those that hold one value and no list. */
export const SINGLE: readonly string[] = ['runAsUser', 'runAsGroup', 'sizeLimit'];

export function inOrder(fields: readonly LearnedField[]): LearnedField[] {
  return ORDER.flatMap((name) => fields.filter(({ field }) => field === name));
}

/** What the fields say, as it goes into a policy. */
export function profileOf(fields: readonly LearnedField[]): ImageProfile {
  const valuesOf = ({ field, values }: LearnedField): unknown =>
    SINGLE.includes(field) ? values[0]?.value : values.map(({ value }) => value);
  const filled = fields.filter(({ values }) => values.length > 0);
  const startsAsRoot = Object.fromEntries(
    filled
      .filter(({ field }) => field.startsWith('startsAsRoot.'))
      .map((field) => [field.field.slice('startsAsRoot.'.length), valuesOf(field)]),
  );
  const rest = filled.filter(({ field }) => !field.startsWith('startsAsRoot.'));
  // The fields are those of the type by name; a test loads what comes out as a policy.
  return {
    ...Object.fromEntries(rest.map((field) => [field.field, valuesOf(field)])),
    ...('capabilities' in startsAsRoot && { startsAsRoot }),
  } as unknown as ImageProfile;
}
