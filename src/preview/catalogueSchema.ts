import * as z from 'zod';
import { ACTIONS, RULE_IDS } from '../hardening/rule.js';
import { answerList, answerObject, risk, ruleId } from './resultSchema.js';

const action = z.enum(ACTIONS);

const control = answerObject('Control', 'A control of the Pod Security Standards.', {
  level: z.enum(['baseline', 'restricted']).describe('The lowest level that asks for it.'),
  name: z.string().describe("The control's id in kubernetes/pod-security-admission."),
});

export const catalogueEntry = answerObject('Rule', 'A hardening rule, from its own metadata.', {
  id: ruleId,
  title: z.string().describe('One line: what the rule is for.'),
  reason: z.string().describe('Why the field should have this value, in one or two sentences.'),
  risk,
  control: control
    .nullable()
    .describe('The Pod Security Standards control that the rule serves; null where it serves none.'),
  os: z.enum(['any', 'linux']).describe('The operating systems of the pods that it governs.'),
  actions: answerList(action, 'What a policy may ask of the rule.'),
  refused: z
    .partialRecord(action, z.string())
    .readonly()
    .describe('Why each of the other actions is refused when a policy loads.'),
  sets: z
    .object({
      Default: z.string().describe('What the action Default sets.'),
      Override: z.string().describe('What the action Override also replaces.'),
    })
    .readonly()
    .describe('What the rule writes, in a phrase for each action.'),
  fields: answerList(
    z.string(),
    'Every field that it may write, from the pod, in field notation; [*] stands for each item of a list.',
  ),
});

export const rulesAnswer = answerObject('RulesAnswer', 'The rule catalogue.', {
  rules: z
    .array(catalogueEntry)
    .length(RULE_IDS.length)
    .readonly()
    .describe('Every rule, in the order in which rules are listed everywhere.'),
});
