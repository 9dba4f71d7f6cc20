import * as z from 'zod';
import { DEFAULT_CAPABILITIES } from '../hardening/capabilityNames.js';
import type { Action, Rule, RuleId } from '../hardening/rule.js';
import { ACTIONS, RULE_IDS } from '../hardening/rule.js';
import { RULES } from '../hardening/rules/index.js';
import { settingsSchema as appArmorProfile } from '../hardening/rules/appArmorProfile.settings.js';
import { settingsSchema as capabilities } from '../hardening/rules/capabilities.settings.js';
import { settingsSchema as hostPath } from '../hardening/rules/hostPath.settings.js';
import { settingsSchema as readOnlyRootFilesystem } from '../hardening/rules/readOnlyRootFilesystem.settings.js';
import { settingsSchema as resources } from '../hardening/rules/resources.settings.js';
import { settingsSchema as runAsUser } from '../hardening/rules/runAsUser.settings.js';
import { settingsSchema as scheduling } from '../hardening/rules/scheduling.settings.js';
import { settingsSchema as seccompProfile } from '../hardening/rules/seccompProfile.settings.js';
import {
  atMost,
  bytes,
  capabilityNameProblem,
  containerPaths,
  fewLabels,
  noDuplicates,
  nonRootId,
  writablePaths,
} from '../hardening/settingsFields.js';
import { shown } from '../hardening/shown.js';
import { suggestion } from './didYouMean.js';

/*
 * The HardeningPolicy document. Its JSON Schema, and with that the CRD and the docs, come from here; what it gives is
 * made a Policy by load.ts. Every object is strict: a field that nothing reads is a mistake in a policy.
 */

export const API_VERSION = 'kube-harden.io/v1alpha1';
export const KIND = 'HardeningPolicy';

/**
 * What a rule does where a policy does not say: as in the built-in policy `default`. A short policy is not an open
 * door: rules that it does not name act all the same, and rules that later versions add will too.
 */
const DEFAULT_ACTIONS: Readonly<Record<RuleId, Action>> = {
  privileged: 'Warn',
  runAsNonRoot: 'Default',
  runAsUser: 'Default',
  capabilities: 'Default',
  allowPrivilegeEscalation: 'Default',
  readOnlyRootFilesystem: 'Default',
  seccompProfile: 'Default',
  resources: 'Default',
  hostNamespaces: 'Warn',
  hostPath: 'Warn',
  runtimeSocket: 'Warn',
  sshd: 'Warn',
  automountServiceAccountToken: 'Disabled',
  scheduling: 'Disabled',
  unprivilegedPorts: 'Default',
  procMount: 'Disabled',
  appArmorProfile: 'Disabled',
  hostUsers: 'Disabled',
  enableServiceLinks: 'Disabled',
  imagePullPolicy: 'Disabled',
  supplementalGroupsPolicy: 'Disabled',
};

const NO_SETTINGS = z.strictObject({});
const SETTINGS: Partial<Record<RuleId, z.ZodObject>> = {
  runAsUser,
  capabilities,
  readOnlyRootFilesystem,
  seccompProfile,
  resources,
  hostPath,
  scheduling,
  appArmorProfile,
};

/** The action of one rule: of the five words, those that it can do; the others are refused with the rule's own reason. */
function actionOf({ id, actions, refused }: Rule) {
  return z
    .enum(actions, {
      error: ({ input }) => {
        const action = ACTIONS.find((word) => word === input);
        if (action === undefined) return undefined; // no such word: load.ts suggests one
        const reason = refused?.[action];
        return `${id} cannot be ${action}${reason === undefined ? '' : `: ${reason}`}; it can be ${actions.join(', ')}`;
      },
    })
    .default(DEFAULT_ACTIONS[id])
    .describe(
      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
    );
}

/** What the rule is for and does, from its metadata: for editors, and for `kubectl explain`. */
function ruleDescription({ title, reason, risk, control, sets, refused = {} }: Rule): string {
  const serves = control ? ` Pod Security Standards: ${control.name} of level ${control.level}.` : '';
  const byDefault =
    refused.Default === undefined
      ? `Default sets ${sets.Default}.`
      : `Default is refused, ${refused.Default}.`;
  const overrides = sets.Override === 'nothing more' ? 'as Default' : `also replaces ${sets.Override}`;
  const besides = refused.Default === undefined ? overrides : `sets ${sets.Override}`;
  const override = refused.Override === undefined ? besides : `is refused, ${refused.Override}`;
  return `${title}. ${reason} ${byDefault} Override ${override}. Risk of breaking a program that runs today: ${risk}.${serves}`;
}

function ruleEntry(rule: Rule) {
  return (SETTINGS[rule.id] ?? NO_SETTINGS)
    .safeExtend({
      action: actionOf(rule),
      optOut: z
        .enum(['Allowed', 'Forbidden'])
        .default('Allowed')
        .describe(
          `Whether a namespace may weaken the rule by its label kube-harden.io/${rule.id} (disabled or warn).`,
        ),
    })
    .prefault({})
    .describe(ruleDescription(rule));
}

/** What a rule's entry parses to: its settings beside these two. */
export type RuleEntry = { readonly action: Action; readonly optOut: 'Allowed' | 'Forbidden' } & Readonly<
  Record<string, unknown>
>;

// The cast gives back the keys, which fromEntries loses.
const rulesSchema = z.strictObject(
  Object.fromEntries(RULES.map((rule) => [rule.id, ruleEntry(rule)])),
) as unknown as z.ZodType<Record<RuleId, RuleEntry>>;

const DEFAULT_LIST = DEFAULT_CAPABILITIES.join(', ');
const NEEDS_WORDS = ['allowPrivilegeEscalation', 'writableRoot', 'unconfinedSeccomp'] as const;

/** Why a word is no capability that a profile may give: its spelling, or that it is more than a container has anyway. */
function capabilityRefused(input: unknown, words: readonly string[]): string {
  if (typeof input !== 'string') return `${shown(input)} is not a string`;
  const meant = suggestion(input, words);
  if (meant !== '') return `${shown(input)} is not known${meant}`;
  const problem = capabilityNameProblem(input);
  if (problem !== undefined) return `${shown(input)} ${problem}`;
  return `${shown(input)} is refused: a profile gives back no more than a container has by default and Pod Security baseline allows (${DEFAULT_LIST})`;
}
const profileCapability = z.enum(DEFAULT_CAPABILITIES, {
  error: ({ input }) => capabilityRefused(input, DEFAULT_CAPABILITIES),
});
const need = z.enum([...NEEDS_WORDS, ...DEFAULT_CAPABILITIES], {
  error: ({ input }) => capabilityRefused(input, [...NEEDS_WORDS, ...DEFAULT_CAPABILITIES]),
});

const PORT_ERROR = 'must be a port from 1 to 65535';
const port = z.int({ error: PORT_ERROR }).min(1, { error: PORT_ERROR }).max(65535, { error: PORT_ERROR });

const imageProfile = z.strictObject({
  images: z
    .array(z.string().regex(/^\S+$/, { error: 'must name an image' }))
    .min(1, { error: 'must name at least one image' })
    .describe(
      'Repositories, normalised (docker.io/library/nginx); a tag or digest may follow, and globs are allowed. needs and startsAsRoot hold only for repositories that are named without a glob.',
    ),
  runAsUser: nonRootId("The uid with which the image works, instead of the policy's.").optional(),
  runAsGroup: nonRootId('The gid with which it works; the same as runAsUser unless given.').optional(),
  writablePaths: writablePaths("Directories that it writes to, beside the policy's.").optional(),
  dataPaths: containerPaths(
    'Directories in which the image keeps data, such as its VOLUMEs: no emptyDir is put at, above or below one.',
  ).optional(),
  sizeLimit: bytes("The emptyDirs' sizeLimit for this image, instead of the policy's.").optional(),
  ports: z
    .array(port)
    .superRefine(noDuplicates)
    .optional()
    .describe('Ports on which it listens, declared in the manifest or not.'),
  startsAsRoot: z
    .strictObject({
      capabilities: z
        .array(profileCapability)
        .superRefine(noDuplicates)
        .describe('Given back beside drop ALL where this image must start as root.'),
      volumes: containerPaths(
        'Directories of its data: where a volume that outlives the pod is mounted at one of them it keeps root, unless runAsUser.existingVolumes is Set. For programs that change the mode of their directory, which only its owner may do, or that refuse data to which fsGroup has given access.',
      ).optional(),
      volumeVariable: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of an environment variable' })
        .optional()
        .describe(
          'An environment variable with which the directory is chosen (PGDATA): where the container gives it a value, that counts instead of volumes.',
        ),
    })
    .optional()
    .describe('What its entrypoint needs while it drops its privileges by itself.'),
  needs: z
    .array(need)
    .superRefine(noDuplicates)
    .optional()
    .describe(
      'Capabilities that the binary itself carries, added beside drop ALL; or allowPrivilegeEscalation, writableRoot, unconfinedSeccomp: that rule is skipped, with code ImageNeeds.',
    ),
});

const sources = z
  .array(
    z.strictObject({
      repo: z.string().regex(/^[\w.-]+\/[\w.-]+$/, { error: 'must be OWNER/NAME of a GitHub repository' }),
      path: z.string().regex(/^[^/\s]\S*$/, { error: 'must be the path of a file in it' }),
      ref: z.string().regex(/^(?:[0-9a-f]{40}|main|master)$/, { error: 'must be a commit, main or master' }),
      says: z.string().min(1, { error: 'must say what stands there' }),
    }),
  )
  .min(1, { error: 'must name where the figures come from' });

const catalogueEntry = imageProfile
  .safeExtend({
    verified: z.enum(['node', 'source']),
    test: z.string().optional(),
    note: z.string().optional(),
    sources,
  })
  .superRefine(({ verified, test }, context) => {
    if ((verified === 'node') === (test !== undefined)) return;
    const message = 'names the program of test/e2e/node/programs: with `verified: node`, and only there';
    context.addIssue({ code: 'custom', path: ['test'], message });
  });

/** The file of built-in image profiles: a policy's entries, each with where its figures come from. */
export const imageCatalogueSchema = z.strictObject({
  imageProfiles: z.array(catalogueEntry),
  /** Images that were looked up and have no profile on purpose. */
  leftOut: z.array(
    z.strictObject({ images: imageProfile.shape.images, because: z.string(), instead: z.string(), sources }),
  ),
});
export type ImageCatalogue = z.output<typeof imageCatalogueSchema>;

const nonEmpty = (description: string) =>
  z
    .array(z.string().min(1, { error: 'must not be empty' }))
    .min(1, { error: 'must not be empty; leave it out to match all' })
    .describe(description);

const namespacePattern = z.string().superRefine((pattern, context) => {
  if (pattern !== '' && /^[*?]+$/.test(pattern))
    context.addIssue(
      `${shown(pattern)} would lift the rules in every namespace; name the namespaces, or change the rule's action`,
    );
  else if (!/^[a-z0-9*?](?:[-a-z0-9*?]{0,61}[a-z0-9*?])?$/.test(pattern))
    context.addIssue(`${shown(pattern)} is not a namespace's name, nor a glob of one`);
});

/** A real day of the calendar, in the one spelling that sorts. */
function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

const exception = z.strictObject({
  name: z
    .string()
    .min(1, { error: 'must not be empty' })
    .max(63, { error: 'must have at most 63 characters' })
    .describe('Named wherever the exception applies, and when it has expired.'),
  reason: z
    .string()
    .max(...atMost(4096, 'characters'))
    .refine((text) => text.trim() !== '', { error: 'must say why' })
    .describe('Why, for those who audit: required.'),
  expires: z
    .string()
    .refine(isDay, { error: ({ input }) => `${shown(input)} is not a day such as 2027-03-01` })
    .optional()
    .describe('YYYY-MM-DD: valid through that day, UTC. Then it no longer applies and is reported.'),
  match: z
    .strictObject({
      namespaces: z
        .array(namespacePattern)
        .min(1, { error: 'must name at least one namespace' })
        .max(...atMost(100, 'items'))
        .describe("Names or globs, none of wildcards alone: a pod's author chooses all the rest."),
      podLabels: z
        .record(z.string(), z.string({ error: ({ input }) => `${shown(input)} is not a string: quote it` }))
        .refine(...fewLabels)
        .optional()
        .describe('Labels that the pod has; values may be globs.'),
      containers: nonEmpty('Names or globs of containers.').optional(),
      images: nonEmpty('Globs of images.').optional(),
      serviceAccounts: nonEmpty('Names or globs of service accounts.').optional(),
    })
    .describe('Where it holds. All that is given must match.'),
  rules: z
    .array(z.enum(RULE_IDS))
    .min(1, { error: 'must name at least one rule' })
    .superRefine(noDuplicates)
    .describe('The ids of the rules that it lifts.'),
});

const NAME_ERROR =
  'must be a name of lower-case letters, digits, - and ., at most 63 characters: it is a label value';

/** Strict too: a misspelt `name` would otherwise be a policy without one. The rest is what an API server adds. */
const metadata = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9](?:[-a-z0-9.]{0,61}[a-z0-9])?$/, { error: NAME_ERROR })
    .describe("The value of a namespace's label kube-harden.io/policy."),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ...Object.fromEntries(
    [
      'generateName',
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'finalizers',
      'ownerReferences',
      'managedFields',
      'selfLink',
    ].map((field) => [field, z.unknown().optional()]),
  ),
});

export const policyDocumentSchema = z.strictObject({
  apiVersion: z.literal(API_VERSION).describe('The version of the schema that this document is written in.'),
  kind: z.literal(KIND).describe('What this document is.'),
  metadata: metadata.describe("The policy's name, and what an API server adds to it."),
  spec: z
    .strictObject({
      warnings: z
        .enum(['Summary', 'Full', 'None'])
        .default('Summary')
        .describe(
          'What kubectl shows. Summary: one line an object for what was changed, one for what is violated. Full: one line a rule (always in audit mode). None: nothing.',
        ),
      templates: z
        .enum(['Warn', 'Mutate', 'Ignore'])
        .default('Warn')
        .describe(
          'Pod templates of Deployment, StatefulSet and so on. Warn: say what their pods will get. Mutate: harden them. Ignore: neither. Pods are always handled.',
        ),
      unknownImages: z
        .enum(['Harden', 'Safe'])
        .default('Harden')
        .describe(
          'An image without a profile gets every rule (Harden), or only those of low risk, the rest being reported as UnknownImage (Safe).',
        ),
      rules: rulesSchema
        .prefault({})
        .describe(
          'What each rule does. A rule or setting that is not given is as in the built-in policy default.',
        ),
      imageProfiles: z
        .array(imageProfile)
        .max(...atMost(500, 'items'))
        .default([])
        .describe(
          'What is known of images, so that hardening does not break them; these win over the built-in ones.',
        ),
      exceptions: z
        .array(exception)
        .max(...atMost(1000, 'items'))
        .superRefine((exceptions, context) => {
          const names = new Set<string>();
          exceptions.forEach(({ name }, index) => {
            if (names.has(name))
              context.addIssue({
                code: 'custom',
                path: [index, 'name'],
                message: `${shown(name)} is taken already`,
              });
            names.add(name);
          });
        })
        .default([])
        .describe('Rule by container, nothing more; each with its reason.'),
    })
    .describe('What hardening does in the namespaces that name this policy.'),
  status: z.unknown().optional().describe('Written by the cluster, never read.'),
});
export type PolicyDocument = z.infer<typeof policyDocumentSchema>;

/** The JSON Schema (draft 2020-12) of a HardeningPolicy document as people write it. */
export function toJsonSchema(): Record<string, unknown> {
  return {
    $id: 'https://kube-harden.io/schemas/v1alpha1/hardeningpolicy.json',
    title: 'HardeningPolicy kube-harden.io/v1alpha1',
    ...z.toJSONSchema(policyDocumentSchema, { io: 'input' }),
  };
}
