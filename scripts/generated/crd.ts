import { stringify } from 'yaml';
import * as z from 'zod';
import { MAX_LABELS } from '../../src/hardening/settingsFields.js';
import { settingsSchema as resourcesSettings } from '../../src/hardening/rules/resources.settings.js';
import { KIND, policyDocumentSchema } from '../../src/policy/schema.js';
import type { GeneratedFile } from './generatedFile.js';

/*
 * The CustomResourceDefinition of HardeningPolicy, from the schema that the loader uses. JSON Schema says what it can:
 * types, enums, bounds, defaults. What zod checks with code stands in CHECKS once more, as rules in CEL, so that kubectl
 * apply refuses what the webhook would have to refuse later; test/support/policyDocuments.ts holds the two together.
 *
 * A structural schema (kubernetes.io, "Specifying a structural schema") knows no const, no additionalProperties: false
 * beside properties, no propertyNames and no lists of types; what has no counterpart is an error here, never left out.
 */

/** A rule in CEL. `fieldPath` leads from the object to the field that the message is about. */
interface Check {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
}

/** The keywords of a structural schema that are used here, in the order in which they are written. */
export interface Structural {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: true;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-list-type'?: 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Check[];
  readonly properties?: Readonly<Record<string, Structural>>;
  readonly additionalProperties?: Structural;
  readonly items?: Structural;
}

type JsonSchema = Readonly<Record<string, unknown>>;

const COPIED = [
  'description',
  'type',
  'format',
  'enum',
  'default',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
] as const;

/** Handled by `structural` itself. propertyNames says no more than that keys are strings, $schema is not ours. */
const HANDLED: ReadonlySet<string> = new Set([
  ...COPIED,
  '$schema',
  'const',
  'required',
  'properties',
  'additionalProperties',
  'propertyNames',
  'items',
]);

const SET = { 'x-kubernetes-list-type': 'set' } as const;
const checks = (...rules: Check[]): Structural => ({ 'x-kubernetes-validations': rules });

/** As cleanPathProblem in settingsFields.ts. */
const CLEAN_PATH: readonly Check[] = [
  { rule: "self.startsWith('/')", message: 'must be absolute' },
  { rule: "self == '/' || !self.endsWith('/')", message: 'must not end in /' },
  { rule: "!self.contains('//')", message: 'must not contain //' },
  // Two short rules: one pattern for both costs more than is allowed for every path of every image profile.
  ...['.', '..'].map((name) => ({
    rule: `!self.contains('/${name}/') && !self.endsWith('/${name}')`,
    message: 'must not contain . or ..',
  })),
];
const HOST_PATH = checks(...CLEAN_PATH);
/** As containerPaths in settingsFields.ts. */
const containerPath = (insteadOfRoot: string): Structural =>
  checks({ rule: "self != '/'", message: `is the whole root file system; ${insteadOfRoot}` }, ...CLEAN_PATH, {
    rule: "!self.contains(':')",
    message: 'must not contain :, the API refuses it in a mountPath',
  });
const WRITABLE_PATH = containerPath('to leave that writable, disable the rule');
const NON_ROOT = checks({ rule: 'self != 0', message: '0 is root' });

/** The longest text that parseQuantity reads. */
const QUANTITY: Structural = {
  maxLength: 64,
  ...checks(
    { rule: 'isQuantity(string(self))', message: 'is not a quantity such as 500m, 1 or 128Mi' },
    {
      rule: "!isQuantity(string(self)) || quantity(string(self)).isGreaterThan(quantity('0'))",
      message: 'must be above 0',
    },
  ),
};

/** A qualified name: a DNS subdomain of at most 253 characters, a slash, and a name of at most 63. */
const LABEL_KEY_PATTERN =
  '^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$';
const MAX_LABEL_KEY = 253 + 1 + 63;
const LABEL_KEY_RULE = `key.size() <= ${String(MAX_LABEL_KEY)} && key.matches('${LABEL_KEY_PATTERN}') && key.indexOf('/') <= 253`;
const LABEL_KEY: Structural = {
  maxLength: MAX_LABEL_KEY,
  ...checks({
    rule: `self.matches('${LABEL_KEY_PATTERN}') && self.indexOf('/') <= 253`,
    message: 'is not a label key',
  }),
};
const LABEL_VALUE: Structural = {
  maxLength: 63,
  ...checks({
    rule: "self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$')",
    message: 'is not a label value',
  }),
};

/**
 * Of a map whose values may not be null the API server drops those that are, and an exception for pods with `app:` (a
 * value that was forgotten) would be one for all pods. Nullable, they stay, and are refused by this rule.
 */
const NO_NULLS: Check = {
  rule: 'self.all(key, dyn(self[key]) != null)',
  message: 'has a value that is null, which is not a string: quote it',
};

const RULES = 'spec.rules';
/** With its defaults. */
const RESOURCES = resourcesSettings.parse({});
const TERMS = `${RULES}.scheduling.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
const EXPRESSION = `${TERMS}[].matchExpressions[]`;

/** A month of 31 days, one of 30, February, and its 29th in the years that have one. */
const DAY = [
  '[0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])',
  '[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)',
  '[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])',
  '([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29',
].join('|');

/** What zod checks with code, by the field's path; `[]` is each item of a list, `{}` each value of a map. */
const CHECKS: Readonly<Record<string, Structural>> = {
  '': checks({
    rule: 'self.metadata.name.size() <= 63',
    message: 'must be a name of at most 63 characters: it is a label value',
    fieldPath: '.metadata.name',
  }),

  [`${RULES}.runAsUser.value`]: NON_ROOT,
  [`${RULES}.runAsUser.group`]: NON_ROOT,
  [`${RULES}.runAsUser.fsGroup`]: NON_ROOT,
  [`${RULES}.capabilities.drop`]: checks({
    rule: "self == ['ALL']",
    message:
      'must be exactly [ALL]: Pod Security compares the word literally, and a list without it leaves the rest',
  }),
  [`${RULES}.capabilities.allowedAdd`]: SET,
  [`${RULES}.capabilities.allowedAdd[]`]: checks(
    {
      rule: "self != 'ALL'",
      message: 'would allow every capability; name those that are allowed, or disable the rule',
    },
    { rule: "!self.startsWith('CAP_')", message: 'is written without CAP_' },
    {
      rule: "self.matches('^[A-Z][A-Z0-9_]*$')",
      message: 'is not the name of a capability such as NET_BIND_SERVICE, in upper case',
    },
  ),
  [`${RULES}.readOnlyRootFilesystem.writablePaths`]: SET,
  [`${RULES}.readOnlyRootFilesystem.writablePaths[]`]: WRITABLE_PATH,
  [`${RULES}.readOnlyRootFilesystem.sizeLimit`]: QUANTITY,
  [`${RULES}.resources`]: checks(...(['cpu', 'memory', 'ephemeral-storage'] as const).map(requestAboveLimit)),
  ...Object.fromEntries(
    ['requests', 'limits'].flatMap((list) =>
      ['cpu', 'memory', 'ephemeral-storage'].map((name) => [`${RULES}.resources.${list}.${name}`, QUANTITY]),
    ),
  ),
  [`${RULES}.hostPath.paths[]`]: HOST_PATH,
  [`${RULES}.hostPath.allowed[].path`]: HOST_PATH,
  [`${RULES}.scheduling.nodeSelector`]: {
    maxProperties: MAX_LABELS,
    ...checks(
      {
        rule: `self.all(key, ${LABEL_KEY_RULE})`,
        message: 'has a key that is not a label key',
        messageExpression: `'"' + self.filter(key, !(${LABEL_KEY_RULE}))[0] + '" is not a label key'`,
      },
      NO_NULLS,
    ),
  },
  [`${RULES}.scheduling.nodeSelector{}`]: { ...LABEL_VALUE, nullable: true },
  [`${RULES}.scheduling.tolerations[]`]: checks(
    {
      rule: "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
      message: 'must be Exists where no key is given',
      fieldPath: '.operator',
    },
    {
      rule: "!has(self.operator) || self.operator != 'Exists' || !has(self.value) || self.value == ''",
      message: 'must not be given with operator Exists',
      fieldPath: '.value',
    },
    {
      rule: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
      message: 'must be NoExecute where tolerationSeconds is given',
      fieldPath: '.effect',
    },
  ),
  [`${RULES}.scheduling.tolerations[].key`]: LABEL_KEY,
  [`${RULES}.scheduling.tolerations[].value`]: LABEL_VALUE,
  [EXPRESSION]: checks(
    {
      rule: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
      message: 'must not be empty with operator In or NotIn',
      fieldPath: '.values',
    },
    {
      rule: "!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || self.values.size() == 0",
      message: 'must not be given with operator Exists or DoesNotExist',
      fieldPath: '.values',
    },
    {
      rule: "!(self.operator in ['Gt', 'Lt']) || (has(self.values) && self.values.size() == 1 && self.values[0].matches('^-?[0-9]+$'))",
      message: 'must be one whole number, as a string, with operator Gt or Lt',
      fieldPath: '.values',
    },
  ),
  [`${EXPRESSION}.key`]: LABEL_KEY,
  [`${EXPRESSION}.values[]`]: LABEL_VALUE,

  'spec.imageProfiles[].runAsUser': NON_ROOT,
  'spec.imageProfiles[].runAsGroup': NON_ROOT,
  'spec.imageProfiles[].writablePaths': SET,
  'spec.imageProfiles[].writablePaths[]': WRITABLE_PATH,
  'spec.imageProfiles[].dataPaths': SET,
  'spec.imageProfiles[].dataPaths[]': containerPath('name directories'),
  'spec.imageProfiles[].sizeLimit': QUANTITY,
  'spec.imageProfiles[].ports': SET,
  'spec.imageProfiles[].startsAsRoot.capabilities': SET,
  'spec.imageProfiles[].startsAsRoot.volumes': SET,
  'spec.imageProfiles[].startsAsRoot.volumes[]': containerPath('name directories'),
  'spec.imageProfiles[].needs': SET,

  'spec.exceptions': { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
  'spec.exceptions[].reason': checks({ rule: "self.trim() != ''", message: 'must say why' }),
  'spec.exceptions[].expires': {
    // Room for a whole timestamp, which is then refused by the rule and its message rather than for its length.
    maxLength: 64,
    ...checks({ rule: `self.matches('^(${DAY})$')`, message: 'is not a day such as 2027-03-01' }),
  },
  'spec.exceptions[].match.podLabels': {
    maxProperties: MAX_LABELS,
    ...checks(NO_NULLS, {
      // What is left of `app:` when kubectl apply has changed an object: its patch takes a null for a removal.
      rule: 'self.size() > 0',
      message: 'must not be empty; leave it out to match all',
    }),
  },
  'spec.exceptions[].match.podLabels{}': { nullable: true },
  'spec.exceptions[].match.namespaces[]': {
    maxLength: 63,
    ...checks(
      {
        rule: "!self.matches('^[*?]+$')",
        message: "would lift the rules in every namespace; name the namespaces, or change the rule's action",
      },
      {
        // One short expression: the whole pattern costs more than is allowed for every namespace of every exception.
        rule: "self != '' && !self.matches('[^-a-z\\\\d*?]') && !self.startsWith('-') && !self.endsWith('-')",
        message: "is not a namespace's name, nor a glob of one",
      },
    ),
  },
  'spec.exceptions[].rules': SET,
};

/** In the words of resources.settings.ts, its defaults included; CEL escapes the dash of ephemeral-storage. */
function requestAboveLimit(resource: 'cpu' | 'memory' | 'ephemeral-storage'): Check {
  const field = resource.replaceAll('-', '__dash__');
  const [request, limit] = (['requests', 'limits'] as const).map((list) => {
    const given = `self.${list}.${field}`;
    const byDefault = RESOURCES[list][resource] ?? '';
    return `(has(self.${list}) ? (has(${given}) ? string(${given}) : '') : '${byDefault}')`;
  }) as [string, string];
  return {
    rule: [
      `!isQuantity(${request}) || !isQuantity(${limit})`,
      `quantity(${request}).compareTo(quantity(${limit})) <= 0`,
    ].join(' || '),
    messageExpression: `${request} + ' is above limits.${resource}, ' + ${limit}`,
    message: `is above limits.${resource}`,
    fieldPath: `.requests.${resource}`,
  };
}

/**
 * A default that the API server stores stands beside what an author adds later: `kubectl apply` of another `requests`
 * merges it with what was stored, and server-side apply does so with a set. These are left to the loader, which takes a
 * list or a map as it is given.
 */
const MERGED = [
  `${RULES}.capabilities.allowedAdd`,
  `${RULES}.readOnlyRootFilesystem.writablePaths`,
  `${RULES}.resources.requests`,
  `${RULES}.resources.limits`,
];

/** The paths of CHECKS that a conversion has used. */
interface Conversion {
  readonly used: Set<string>;
}

function structural(schema: JsonSchema, path: string, conversion: Conversion): Structural {
  const unknown = Object.keys(schema).filter((keyword) => !HANDLED.has(keyword));
  if (unknown.length > 0) throw new Error(`${path} has ${unknown.join(', ')}: say how a CRD expresses it`);
  const result: Record<string, unknown> = {};
  for (const keyword of COPIED) if (keyword in schema) result[keyword] = schema[keyword];
  if (MERGED.includes(path)) delete result['default'];
  if ('const' in schema) result['enum'] = [schema['const']];
  if (schema['type'] === 'integer') result['format'] = 'int64';
  if (Array.isArray(schema['type'])) {
    // Fractions are refused then, unless quoted: a CRD has no type for numbers that may be text.
    delete result['type'];
    result['x-kubernetes-int-or-string'] = true;
  }
  if (schema['required'] !== undefined) result['required'] = schema['required'];
  const own = CHECKS[path];
  if (own !== undefined) {
    conversion.used.add(path);
    Object.assign(result, own);
  }
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  if (properties !== undefined)
    result['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => [
        name,
        structural(inner, path === '' ? name : `${path}.${name}`, conversion),
      ]),
    );
  else if (schema['additionalProperties'] !== undefined && schema['additionalProperties'] !== false)
    result['additionalProperties'] = structural(
      schema['additionalProperties'] as JsonSchema,
      `${path}{}`,
      conversion,
    );
  if (schema['items'] !== undefined)
    result['items'] = structural(schema['items'] as JsonSchema, `${path}[]`, conversion);
  return result;
}

const STATUS: Structural = {
  description: 'Whether this policy is in force. Written by kube-harden, never read.',
  type: 'object',
  properties: {
    observedGeneration: {
      description: 'The metadata.generation that the rest of the status is about.',
      type: 'integer',
      format: 'int64',
    },
    conditions: {
      description: 'One condition, Accepted.',
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
        properties: {
          type: { description: 'Accepted.', type: 'string', minLength: 1, maxLength: 316 },
          status: {
            description:
              'True: the policy is in force. False: it is not, and what was in force before it stays; errors says why.',
            type: 'string',
            enum: ['True', 'False', 'Unknown'],
          },
          reason: { description: 'Accepted or Rejected.', type: 'string', minLength: 1, maxLength: 1024 },
          message: {
            description: 'In one sentence what is in force, or what is wrong.',
            type: 'string',
            maxLength: 32768,
          },
          observedGeneration: {
            description: 'The metadata.generation that the condition is about.',
            type: 'integer',
            format: 'int64',
          },
          lastTransitionTime: {
            description: 'When status last changed.',
            type: 'string',
            format: 'date-time',
          },
        },
      },
    },
    errors: {
      description: 'Everything that is wrong with the policy, field by field; empty where it was accepted.',
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: {
          path: { description: 'The field, such as spec.rules.sshd.action.', type: 'string' },
          message: { description: 'What is wrong with it.', type: 'string' },
        },
      },
    },
  },
};

const DESCRIPTION =
  'The defaults that hardening works with in the namespaces that name this policy by their label kube-harden.io/policy; those without the label have the policy named default. A policy given here takes the place of the built-in one of its name.';

/** The schema of the objects, without what the API server itself knows of metadata. */
export function openApiSchema(): Structural {
  const document = z.toJSONSchema(policyDocumentSchema, {
    io: 'input',
    // zod leaves out the default of what it transforms (quantities), since that is a default of the output.
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === 'default') jsonSchema.default = structuredClone(def.defaultValue);
    },
  });
  const { metadata, status, ...properties } = document.properties ?? {};
  if (metadata === undefined || status === undefined) throw new Error('a policy has metadata and status');
  const conversion: Conversion = { used: new Set() };
  const converted = structural({ ...document, properties }, '', conversion);
  const unused = Object.keys(CHECKS).filter((path) => !conversion.used.has(path));
  if (unused.length > 0) throw new Error(`no field has these paths any more: ${unused.join(', ')}`);
  const { apiVersion, kind, spec } = converted.properties ?? {};
  return {
    description: DESCRIPTION,
    type: 'object',
    required: ['spec'],
    ...checksOf(converted),
    properties: {
      // Which of them are right the API server knows; an enum here would stand in the way of a conversion.
      apiVersion: { ...described(apiVersion), type: 'string' },
      kind: { ...described(kind), type: 'string' },
      metadata: { type: 'object', properties: { name: { type: 'string' } } },
      spec: spec ?? {},
      status: STATUS,
    },
  };
}

const described = ({ description }: Structural = {}): Structural => (description ? { description } : {});
const checksOf = (schema: Structural): Structural => checks(...(schema['x-kubernetes-validations'] ?? []));

const GROUP = 'kube-harden.io';
const PLURAL = 'hardeningpolicies';

/** The whole CustomResourceDefinition. */
export function hardeningPolicyCrd(): unknown {
  const column = (name: string, jsonPath: string, more: object = {}) => ({
    name,
    type: 'string',
    jsonPath,
    ...more,
  });
  const accepted = (field: string) => `.status.conditions[?(@.type=="Accepted")].${field}`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Cluster',
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: 'hardeningpolicy',
        shortNames: ['hpol'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            column('Accepted', accepted('reason'), {
              description: 'Accepted: in force. Rejected: the status says why.',
            }),
            column('Templates', '.spec.templates', { description: 'What is done to pod templates.' }),
            column('Warnings', '.spec.warnings', { description: 'What kubectl shows.' }),
            column('Unknown Images', '.spec.unknownImages', {
              description: 'What an image without a profile gets.',
              priority: 1,
            }),
            column('Message', accepted('message'), {
              description: 'What is wrong, if anything.',
              priority: 1,
            }),
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: { openAPIV3Schema: openApiSchema() },
        },
      ],
    },
  };
}

const HEAD = `# Made from src/policy/schema.ts by scripts/generate.ts (scripts/generated/crd.ts); do not edit.
`;

export const crdFiles: readonly GeneratedFile[] = [
  {
    path: 'manifests/crd/hardeningpolicies.kube-harden.io.yaml',
    content: () => HEAD + stringify(hardeningPolicyCrd(), { lineWidth: 120, aliasDuplicateObjects: false }),
  },
];
