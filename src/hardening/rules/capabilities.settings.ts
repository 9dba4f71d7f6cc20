import * as z from 'zod';
import { atMost, capabilityNameProblem, noDuplicates } from '../settingsFields.js';
import { shown } from '../shown.js';

const NOT_ALL =
  'must be exactly [ALL]: Pod Security compares the word literally, and a list without it leaves the rest';
const allowedCapability = z
  .string()
  .max(...atMost(63, 'characters'))
  .superRefine((name, context) => {
    const problem =
      name === 'ALL'
        ? 'would allow every capability; name those that are allowed, or disable the rule'
        : capabilityNameProblem(name);
    if (problem !== undefined) context.addIssue(`${shown(name)} ${problem}`);
  });

export const settingsSchema = z.strictObject({
  drop: z
    .array(z.literal('ALL', { error: NOT_ALL }))
    .length(1, { error: NOT_ALL })
    .default(['ALL'])
    .describe('What is dropped: exactly [ALL], the only list that Pod Security restricted accepts.'),
  allowedAdd: z
    .array(allowedCapability)
    .max(...atMost(64, 'items'))
    .superRefine(noDuplicates)
    .default(['NET_BIND_SERVICE'])
    .describe(
      'Capabilities that a container may add, in upper case without CAP_. Any other is a violation, and Override removes it.',
    ),
});

export type Settings = z.infer<typeof settingsSchema>;
