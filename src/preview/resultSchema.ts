import * as z from 'zod';
import type { Outcome } from '../admission/types.js';
import { RULE_IDS, SKIP_CODES, type Risk } from '../hardening/rule.js';
import type { Level } from '../podSecurity/control.js';
import { SKIP_REASONS } from './skipReasons.js';

/*
 * What the preview answers, once: result.ts takes its types from here, and scripts/generated/openapi.ts its JSON Schemas.
 * Zod takes 75 ms to load, so nothing that serves imports this but for types.
 */

/** The schemas that OpenAPI names, by that name. Everything else is written out where it stands. */
export const ANSWER_SCHEMAS = z.registry<{ id: string }>();

/** An object of an answer; `id` makes it one of ANSWER_SCHEMAS. */
export function answerObject<S extends z.ZodRawShape>(id: string, description: string, shape: S) {
  return z.object(shape).readonly().describe(description).register(ANSWER_SCHEMAS, { id });
}

export function answerList<S extends z.ZodType>(item: S, description: string) {
  return z.array(item).readonly().describe(description);
}

function answerWord<const W extends readonly string[]>(id: string, words: W, description: string) {
  return z.enum(words).describe(description).register(ANSWER_SCHEMAS, { id });
}

export const ruleId = answerWord(
  'RuleId',
  RULE_IDS,
  'The id of a rule: the Kubernetes field that it governs. GET /api/rules describes each.',
);
const skipCode = answerWord(
  'SkipCode',
  SKIP_CODES,
  `Why a rule left something alone. ${SKIP_CODES.map((code) => `${code}: ${SKIP_REASONS[code]}.`).join(' ')}`,
);
export const risk = answerWord(
  'Risk',
  ['low', 'medium', 'high'] as const satisfies readonly Risk[],
  'How likely a change is to break a program that runs today.',
);
const knowledge = answerWord(
  'ImageKnowledge',
  ['known', 'unknown'],
  'Whether an image profile answers for a change. known: one is known of every image that the change is about, which is why its risk is low. unknown: at least one of them has none; containers has the command that would settle it.',
);
const level = answerWord(
  'PodSecurityLevel',
  ['privileged', 'baseline', 'restricted'] as const satisfies readonly Level[],
  'A level of the Pod Security Standards, weakest first.',
);
const mode = answerWord(
  'Mode',
  ['enforce', 'audit', 'disabled'],
  'What happens in a namespace. enforce: objects are hardened. audit: nothing is changed, and the answer says what would be. disabled: the webhook is not called, or never touches the namespace.',
);
const outcome = answerWord(
  'Outcome',
  ['ignored', 'unchanged', 'patched', 'reported', 'denied'] as const satisfies readonly Outcome[],
  'What /mutate would do with the object. ignored: it is out of scope, because says why. unchanged: there is nothing to change. patched: patch is not empty. reported: it is left as it is, and the caller is told (mode audit, or a template under templates: Warn). denied: it is refused, message says why.',
);

const pointer = z.string().describe('A JSON Pointer (RFC 6901) into the object as it was sent.');
const patchOperation = z
  .discriminatedUnion('op', [
    z.object({
      op: z.literal(['add', 'replace']).describe('What is done.'),
      path: pointer,
      value: z.unknown().describe('The value that is set there, whole.'),
    }),
    z.object({ op: z.literal('remove').describe('What is done.'), path: pointer }),
  ])
  .describe('One operation of a JSON Patch (RFC 6902).')
  .register(ANSWER_SCHEMAS, { id: 'PatchOperation' });

const container = z
  .string()
  .nullable()
  .describe("The container's name; null where the field is the pod's own.");

export const previewChange = answerObject('PreviewChange', 'One field that a rule writes.', {
  rule: ruleId,
  container,
  field: z
    .string()
    .describe(
      "From the pod, in Kubernetes' field notation; [] at the end is an item that is added to a list.",
    ),
  before: z.unknown().describe('What stands there; null where the field is unset.'),
  after: z.unknown().describe('What will stand there; null where the field is taken out.'),
  reason: z.string().describe('Why the field should have this value, in one or two sentences.'),
  risk,
  profile: knowledge
    .nullable()
    .describe(
      'What is known of the images that the change is about; null where the risk has nothing to do with images, or the rule goes against what the author wrote.',
    ),
});

export const previewContainer = answerObject(
  'PreviewContainer',
  'What is known of the image of a container.',
  {
    name: z.string().describe("The container's name."),
    image: z.string().describe('The image, as the container names it; empty where it names none.'),
    profile: z
      .object({
        image: z.string().describe("Which of the profile's images matches."),
        from: z
          .enum(['policy', 'builtIn'])
          .describe(
            'Whose profile it is. policy: one of spec.imageProfiles. builtIn: one that comes with kube-harden.',
          ),
      })
      .readonly()
      .nullable()
      .describe('The image profile that applies; null where none is known.'),
    settledBy: z
      .string()
      .nullable()
      .describe(
        'The command that writes a profile: learn, which looks at the running container, or profile, which looks at the image of one that ends by itself or has no name yet. Null where a profile is known, on Windows, and where a name is none that a command can be given.',
      ),
  },
);

export const previewSkip = answerObject('PreviewSkip', 'Something that a rule left alone, and why.', {
  rule: ruleId,
  container,
  code: skipCode,
  reason: z.string().describe('What the code says, with what exactly stood in the way.'),
  optOut: z
    .string()
    .nullable()
    .describe(
      'The command that turns the rule off in the namespace; null where that is done already, or the policy forbids it.',
    ),
});

export const previewViolation = answerObject(
  'PreviewViolation',
  'A value that is weaker than a rule asks, and that stays.',
  {
    rule: ruleId,
    container,
    field: z.string().describe("From the pod, in Kubernetes' field notation."),
    value: z.unknown().describe('What stands there; null where the field is unset.'),
    denied: z.boolean().describe('Whether the object is refused for it in mode enforce (action Deny).'),
    fix: z.string().describe('How to lift it: what to change, or the command that opts out.'),
  },
);

const refusedField = answerObject('RefusedField', 'A field that a control refuses.', {
  field: z.string().describe("From the pod, in Kubernetes' field notation."),
  container: z.string().optional().describe("The container's name, where the field is a container's."),
  value: z
    .unknown()
    .optional()
    .describe('What stands there; absent where the field is unset and ought to be set.'),
});

const blocker = answerObject(
  'PodSecurityBlocker',
  'A control of the Pod Security Standards that the pod fails.',
  {
    control: z
      .string()
      .describe("The control's id in kubernetes/pod-security-admission, such as capabilities_restricted."),
    level: z.enum(['baseline', 'restricted']).describe('The lowest level that asks for it.'),
    message: z
      .string()
      .describe("What is refused, word for word as the API server's own Pod Security admission says it."),
    fields: answerList(refusedField, 'Every field that has to change; at least one.'),
  },
);

export const previewPodSecurity = answerObject(
  'PreviewPodSecurity',
  'The level of the Pod Security Standards that the pod reaches.',
  {
    version: z
      .string()
      .describe(
        'The version of the standards by which it was judged, such as v1.36: the minor of Kubernetes.',
      ),
    before: level.describe('The level of the pod as it was sent.'),
    after: level.describe('The level of the hardened pod.'),
    blockers: answerList(
      blocker,
      'What keeps the hardened pod from the next level; empty where it is restricted.',
    ),
  },
);

const RESULT = {
  source: z
    .string()
    .describe(
      'Where the object stands: "document" and its number in the stream, from 0, empty ones not counted; of a List\'s item with its place, as "document 0 items[2]".',
    ),
  apiVersion: z.string().describe("The object's apiVersion."),
  kind: z.string().describe("The object's kind."),
  namespace: z
    .string()
    .describe(
      "The namespace that it goes to: its own, else the query's, else default. Empty for what lies in none.",
    ),
  name: z.string().describe("The object's name, else its generateName, else empty."),
  policy: z.string().describe('The name of the HardeningPolicy that applies.'),
  mode,
  outcome,
  because: z
    .string()
    .nullable()
    .describe('Why the object was ignored, in one phrase; null where it was not.'),
  message: z
    .string()
    .nullable()
    .describe('The refusal, as kubectl shows it; null where the object was not denied.'),
  patch: answerList(
    patchOperation,
    'Exactly what /mutate would return: empty for a template under templates: Warn, and in mode audit.',
  ),
  changes: answerList(
    previewChange,
    'What hardening writes into the pod that will run; for a template too, in mode audit, and where the object is denied.',
  ),
  containers: answerList(
    previewContainer,
    'The containers that hardening looks at, init containers first; empty for a kind that has no pod.',
  ),
  skips: answerList(previewSkip, 'What rules left alone.'),
  violations: answerList(previewViolation, 'Values that are weaker than a rule asks, and stay.'),
  warnings: answerList(z.string(), 'What kubectl would show: at most 120 characters each.'),
  podSecurity: previewPodSecurity
    .nullable()
    .describe('The level that the pod reaches; null for a kind that has no pod.'),
};

const hardened = z
  .looseObject({})
  .nullable()
  .describe('The Pod that will run, without what the cluster adds to it; null for a kind that has no pod.');

export const previewResult = answerObject('PreviewResult', 'What hardening does to one object.', {
  ...RESULT,
  hardened,
});

/** Without the hardened pod: the annotated answer has the manifest's own lines instead. */
export const annotatedResult = answerObject(
  'AnnotatedResult',
  "What hardening does to one object, without the hardened pod, its changes by their places in the answer's list.",
  {
    ...RESULT,
    changes: answerList(
      z.int().min(0),
      "What is set, changed or taken out, in the order of the rules: indexes in the answer's changes, from 0.",
    ),
  },
);

export const previewAnswer = answerObject(
  'PreviewAnswer',
  'What hardening does to each object that was sent.',
  {
    results: answerList(previewResult, 'One for each object, in the order in which they were sent.'),
  },
);
