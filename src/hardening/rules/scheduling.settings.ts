import * as z from 'zod';
import { atMost, fewLabels } from '../settingsFields.js';
import { shown } from '../shown.js';

/*
 * What is written here ends up in every pod, so it is checked as the API server would check it (k8s.io/kubernetes
 * pkg/apis/core/validation): a bad label in the policy must not make pods invalid.
 */
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

function isLabelKey(key: string): boolean {
  const parts = key.split('/');
  const [first = '', second = ''] = parts;
  return parts.length === 1
    ? NAME.test(first)
    : parts.length === 2 && PREFIX.test(first) && NAME.test(second);
}
const isLabelValue = (value: string): boolean => value === '' || NAME.test(value);

const labelKey = z
  .string()
  .refine(isLabelKey, { error: ({ input }) => `${shown(input)} is not a label key` });
const labelValue = z
  .string({ error: ({ input }) => `${shown(input)} is not a string: quote it` })
  .refine(isLabelValue, { error: ({ input }) => `${shown(input)} is not a label value` });

const toleration = z
  .strictObject({
    key: labelKey.optional().describe('The taint key; none, with operator Exists, tolerates every taint.'),
    operator: z.enum(['Exists', 'Equal']).optional().describe('Equal unless given.'),
    value: labelValue.optional().describe('The taint value that it tolerates; none with operator Exists.'),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional().describe('None: all effects.'),
    tolerationSeconds: z.int().optional().describe('Only with effect NoExecute.'),
  })
  .superRefine((value, context) => {
    const problem = (path: string, message: string) => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    if (value.key === undefined && value.operator !== 'Exists')
      problem('operator', 'must be Exists where no key is given');
    if (value.operator === 'Exists' && (value.value ?? '') !== '')
      problem('value', 'must not be given with operator Exists');
    if (value.tolerationSeconds !== undefined && value.effect !== 'NoExecute')
      problem('effect', 'must be NoExecute where tolerationSeconds is given');
  });

const requirement = z
  .strictObject({
    key: labelKey.describe('A label of nodes.'),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'])
      .describe("How the node's label relates to values."),
    values: z
      .array(labelValue)
      .max(...atMost(256, 'items'))
      .optional()
      .describe(
        'One or more for In and NotIn; none for Exists and DoesNotExist; one whole number for Gt and Lt.',
      ),
  })
  .superRefine(({ operator, values = [] }, context) => {
    const problem = (message: string) => {
      context.addIssue({ code: 'custom', path: ['values'], message });
    };
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
      problem(`must not be empty with operator ${operator}`);
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
      problem(`must not be given with operator ${operator}`);
    if ((operator === 'Gt' || operator === 'Lt') && (values.length !== 1 || !/^-?\d+$/.test(values[0] ?? '')))
      problem(`must be one whole number, as a string, with operator ${operator}`);
  });

const nodeSelectorTerms = z
  .array(
    z.strictObject({
      matchExpressions: z
        .array(requirement)
        .min(1, { error: 'must not be empty' })
        .max(...atMost(64, 'items'))
        .describe('All of them must hold.'),
    }),
  )
  .length(1, {
    error:
      "must be exactly one term: terms are OR-ed, so its expressions go into each of the author's terms; a second one would loosen them",
  })
  .describe("Exactly one term: terms are OR-ed, so its expressions are added to each of the author's terms.");

export const settingsSchema = z.strictObject({
  nodeSelector: z
    .record(labelKey, labelValue)
    .refine(...fewLabels)
    .default({})
    .describe(
      "Keys to set in spec.nodeSelector. The author's value for a key wins, unless the rule is Override.",
    ),
  tolerations: z
    .array(toleration)
    .max(...atMost(64, 'items'))
    .default([])
    .describe('Tolerations to add where the pod does not have them.'),
  nodeAffinity: z
    .strictObject({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .strictObject({ nodeSelectorTerms })
        .describe('What a node must have for the pod to be scheduled there.'),
    })
    .optional()
    .describe('Required node affinity to add, in the shape that a pod has it.'),
});

export type Settings = z.infer<typeof settingsSchema>;
