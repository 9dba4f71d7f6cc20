import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import * as z from 'zod';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { policyDocumentSchema } from '../../src/policy/schema.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { authorizeAll } from '../../src/preview/access.js';
import { annotatedPreview } from '../../src/preview/annotatedSchema.js';
import {
  ANSWER_MEDIA_TYPES,
  answerPreview,
  type AnswerMediaType,
  type PreviewHost,
  type PreviewQuestion,
} from '../../src/preview/answer.js';
import { rulesAnswer } from '../../src/preview/catalogueSchema.js';
import { MAX_MANIFEST_BYTES } from '../../src/preview/manifests.js';
import { PROBLEM_MEDIA_TYPE } from '../../src/preview/problem.js';
import { problemDocument } from '../../src/preview/problemSchema.js';
import { ANSWER_SCHEMAS, previewAnswer } from '../../src/preview/resultSchema.js';
import type { GeneratedFile } from './generatedFile.js';

/*
 * The OpenAPI document of the preview listener. Its schemas come from zod, those of the answers (src/preview/*Schema.ts)
 * and that of a HardeningPolicy; what stands here is what the routes do with them, and test/system/openapi.test.ts holds
 * it against the answers of a real process. It is made beforehand: served, it costs the process that also answers
 * admission neither zod nor a millisecond.
 */

type Json = Readonly<Record<string, unknown>>;

const SCHEMAS = '#/components/schemas/';
const schemaRef = (schema: z.ZodType): Json => ({
  $ref: `${SCHEMAS}${ANSWER_SCHEMAS.get(schema)?.id ?? ''}`,
});
const responseRef = (name: string): Json => ({ $ref: `#/components/responses/${name}` });

/** @returns the document as plain data; `info.version` is the package's */
export async function openApiDocument(): Promise<Json> {
  return {
    openapi: '3.1.1',
    info: {
      title: 'kube-harden preview',
      version: packageVersion(),
      summary: 'What hardening would do to a manifest, without doing it.',
      description:
        'Nothing here changes anything. Standalone the listener answers this machine only, unless serve was started with --preview-insecure. In a cluster every request carries a bearer token of the cluster, whose user needs the verb create on previews.kube-harden.io in the namespace that the query names; a preview needs it in every namespace that an object of the body names too.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The preview listener (TLS), by default port 9443.' }],
    security: [{ bearer: [] }, {}],
    tags: [
      { name: 'preview', description: 'What hardening does to manifests.' },
      { name: 'catalogue', description: 'What there is to choose from.' },
    ],
    paths: {
      '/preview': { post: await previewOperation() },
      '/api/rules': {
        get: {
          operationId: 'listRules',
          tags: ['catalogue'],
          summary: 'Every hardening rule, from its own metadata.',
          parameters: [authorizedNamespace()],
          responses: { '200': json('The rule catalogue.', schemaRef(rulesAnswer)), ...COMMON },
        },
      },
      '/api/policies': {
        get: {
          operationId: 'listPolicies',
          tags: ['catalogue'],
          summary: 'The policies in force, every default filled in.',
          parameters: [authorizedNamespace()],
          responses: {
            '200': json('The policies in force.', { $ref: `${SCHEMAS}PoliciesAnswer` }),
            ...COMMON,
          },
        },
      },
      '/openapi.json': {
        get: {
          operationId: 'getOpenApi',
          tags: ['catalogue'],
          summary: 'This document.',
          parameters: [authorizedNamespace()],
          responses: {
            '200': json('This document.', {
              type: 'object',
              description: 'An OpenAPI 3.1 document.',
              required: ['openapi', 'info', 'paths', 'components'],
            }),
            ...COMMON,
          },
        },
      },
    },
    components: {
      schemas: { ...answerSchemas(), ...policySchemas() },
      responses: problemResponses(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'In a cluster: a token that its API server accepts, such as that of kubectl create token. The API server is asked who it belongs to and whether that user may create previews.kube-harden.io. Without a cluster no token is looked at.',
        },
      },
    },
  };
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function json(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}

const TEXT = { type: 'string' };

async function previewOperation(): Promise<Json> {
  return {
    operationId: 'preview',
    tags: ['preview'],
    summary: 'What hardening does to these manifests.',
    description:
      'Takes one or many Kubernetes objects in YAML (as Kubernetes reads it, 1.1) or JSON: several documents, Lists, which are taken apart, or an AdmissionReview, whose request is taken as it is. The answer follows Accept; application/json unless asked for another.',
    parameters: previewParameters(),
    requestBody: {
      required: true,
      description: `The manifests, UTF-8, at most ${String(MAX_MANIFEST_BYTES)} bytes (${String(MAX_MANIFEST_BYTES / 1024 / 1024)} MiB), not compressed. A Content-Type of none, text/yaml, application/x-yaml, text/x-yaml, text/plain or application/x-www-form-urlencoded (which curl --data-binary says) is read as YAML too.`,
      content: {
        'application/yaml': {
          schema: { ...TEXT, description: 'One or many YAML documents.' },
          example: EXAMPLE,
        },
        'application/json': {
          schema: { type: 'object', description: 'A Kubernetes object, a List, or an AdmissionReview.' },
        },
      },
    },
    responses: {
      '200': {
        description: 'What hardening does to each object.',
        content: await withExamples(PREVIEW_ANSWERS),
      },
      '400': responseRef('BadRequest'),
      ...COMMON,
      '404': responseRef('NotFound'),
      '406': responseRef('NotAcceptable'),
      '413': responseRef('ContentTooLarge'),
      '415': responseRef('UnsupportedMediaType'),
    },
  };
}

/** Under each type that the preview answers with. */
const PREVIEW_ANSWERS: Readonly<Record<AnswerMediaType, Json>> = {
  'application/json': schemaRef(previewAnswer),
  'application/vnd.kube-harden.annotated+json': schemaRef(annotatedPreview),
  'application/yaml': {
    ...TEXT,
    description:
      'The manifests with the hardened fields written into them, templates too; comments at the top say what the lines cannot show. Asked for as text/yaml or application/x-yaml too.',
  },
  'text/x-diff': {
    ...TEXT,
    description:
      'The same as a unified diff that patch -p1 takes; empty where nothing changes. Asked for as text/x-patch too.',
  },
};

/** Hardened by its author but for one field, so that the answers are short. */
const EXAMPLE = `apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: "1", memory: 256Mi}}
      securityContext:
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
`;

/** Each with what it says of the request's example. */
async function withExamples(answers: Readonly<Record<AnswerMediaType, Json>>): Promise<Json> {
  const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: () => 0 });
  const host: PreviewHost = {
    authorize: authorizeAll,
    podSecurityMinor: () => Promise.resolve(undefined),
    planWith: (given) => plans.planWith(given),
  };
  const content: Record<string, Json> = {};
  for (const mediaType of ANSWER_MEDIA_TYPES) {
    const question: PreviewQuestion = { bytes: Buffer.from(EXAMPLE), choices: {}, mediaType };
    const { body } = await answerPreview(question, host);
    const example: unknown = mediaType.endsWith('json') ? JSON.parse(body) : body;
    content[mediaType] = { schema: answers[mediaType], example };
  }
  return content;
}

const NAMESPACE = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' };

function previewParameters(): Json[] {
  const parameter = (name: string, description: string, schema: Json, more: Json = {}): Json => ({
    name,
    in: 'query',
    description,
    schema,
    ...more,
  });
  return [
    parameter('namespace', 'The namespace of objects that name none.', { ...NAMESPACE, default: 'default' }),
    parameter(
      'policy',
      "The name of the policy to apply, one of GET /api/policies, whatever the namespace's label says.",
      TEXT,
    ),
    parameter('mode', "The mode to apply, whatever the namespace's label says.", {
      $ref: `${SCHEMAS}Mode`,
    }),
    parameter(
      'label',
      'A label that the namespace shall have: kube-harden.io/mode, kube-harden.io/policy, or kube-harden.io/ with the id of a rule and disabled or warn. May be given several times.',
      { type: 'array', items: { type: 'string', pattern: '^kube-harden\\.io/[A-Za-z]+=.+$' } },
      { style: 'form', explode: true, example: ['kube-harden.io/readOnlyRootFilesystem=disabled'] },
    ),
    parameter(
      'podSecurityVersion',
      'The version of the Pod Security Standards to judge by. latest: that of the API server; without a cluster the newest that is known.',
      { type: 'string', pattern: '^(latest|v1\\.(0|[1-9][0-9]*))$', default: 'latest' },
    ),
  ];
}

function authorizedNamespace(): Json {
  return {
    name: 'namespace',
    in: 'query',
    description:
      'In a cluster: the namespace in which the caller has the right to preview. Without it the right in all namespaces is asked for. The answer is the same.',
    schema: NAMESPACE,
  };
}

/** What every path may answer. */
const COMMON = {
  '401': responseRef('Unauthorized'),
  '403': responseRef('Forbidden'),
  '500': responseRef('InternalServerError'),
  '503': responseRef('ServiceUnavailable'),
  default: responseRef('Problem'),
};

function problemResponses(): Json {
  const answer = (description: string, headers?: Json): Json => ({
    description,
    ...(headers === undefined ? {} : { headers }),
    content: { [PROBLEM_MEDIA_TYPE]: { schema: schemaRef(problemDocument) } },
  });
  const header = (description: string, schema: Json): Json => ({ description, required: true, schema });
  return {
    BadRequest: answer(
      'The query or the manifests cannot be read. errors lists everything that is wrong, each with its document, line, column and field where it has one.',
    ),
    Unauthorized: answer('In a cluster: no bearer token, or one that the API server does not accept.', {
      'WWW-Authenticate': header('The challenge: Bearer, and what is wrong with the token.', TEXT),
    }),
    Forbidden: answer(
      'In a cluster: the user may not create previews.kube-harden.io in this namespace. Standalone: the caller is not on this machine.',
    ),
    NotFound: answer('A namespace that the manifests or the query name does not exist.'),
    NotAcceptable: answer('None of the types in Accept can be had; detail lists those that can.'),
    ContentTooLarge: answer(`The body is larger than ${String(MAX_MANIFEST_BYTES)} bytes.`),
    UnsupportedMediaType: answer(
      'The Content-Type is neither YAML nor JSON, the charset is not UTF-8, or the body is compressed.',
    ),
    InternalServerError: answer('The request could not be answered; the log of the server says why.'),
    ServiceUnavailable: answer(
      'It cannot be answered now: the cluster cannot be asked, a policy does not load, or the preview is busy.',
      {
        'Retry-After': {
          description: 'After how many seconds to try again.',
          schema: { type: 'integer', minimum: 0 },
        },
      },
    ),
    Problem: answer('Anything else that is wrong with the request.'),
  };
}

/** The schemas of the answers, without what says nothing here: `$id`, and read-only, which all of an answer is. */
function answerSchemas(): Json {
  const { schemas } = z.toJSONSchema(ANSWER_SCHEMAS, { uri: (id) => SCHEMAS + id, override: cleaned });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $id: _id, $schema: _schema, ...schema }]) => [id, schema]),
  );
}

/** Later versions add fields: clients are not told that there are no others. */
function cleaned({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  delete jsonSchema.readOnly;
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

interface ObjectSchema {
  readonly description?: string;
  readonly properties: Readonly<Record<string, ObjectSchema>>;
  readonly required?: readonly string[];
}

/** A policy as `/api/policies` lists it: the spec of a HardeningPolicy that has loaded, each rule's settings apart. */
function policySchemas(): Json {
  const document = z.toJSONSchema(policyDocumentSchema, {
    io: 'output',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // A quantity: given as text or number, kept as text.
      if (zodSchema._zod.def.type === 'transform') jsonSchema.type = 'string';
      cleaned({ jsonSchema });
    },
  }) as unknown as ObjectSchema;
  const spec = document.properties['spec']?.properties ?? {};
  const { rules, ...others } = spec;
  const name = document.properties['metadata']?.properties['name'];
  return {
    Policy: {
      type: 'object',
      description: 'A HardeningPolicy that has loaded, every default filled in.',
      properties: {
        name: { ...name, description: "The policy's name." },
        ...others,
        rules: {
          type: 'object',
          description: rules?.description,
          properties: Object.fromEntries(
            Object.entries(rules?.properties ?? {}).map(([id, rule]) => [id, loadedRule(rule)]),
          ),
          required: Object.keys(rules?.properties ?? {}),
        },
      },
      required: ['name', ...Object.keys(others), 'rules'],
    },
    PoliciesAnswer: {
      type: 'object',
      description: 'The policies in force.',
      properties: {
        policies: {
          type: 'array',
          description:
            'Each policy once, by name: the built-in ones, and those that take their place or join them.',
          items: { $ref: `${SCHEMAS}Policy` },
        },
      },
      required: ['policies'],
    },
  };
}

function loadedRule({ description, properties, required = [] }: ObjectSchema): Json {
  const { action, optOut, ...settings } = properties;
  return {
    type: 'object',
    description,
    properties: {
      action,
      optOut,
      settings: {
        type: 'object',
        description: "The rule's settings, every default filled in; empty where it has none.",
        properties: settings,
        required: required.filter((name) => name in settings),
      },
    },
    required: ['action', 'optOut', 'settings'],
  };
}

const PATH = 'src/preview/openapi.generated.ts';

async function content(): Promise<string> {
  const path = new URL(`../../${PATH}`, import.meta.url).pathname;
  const text = `/* Made by scripts/generated/openapi.ts from the schemas beside this file; do not edit. */

/** The OpenAPI document that GET /openapi.json answers. */
export const OPENAPI_DOCUMENT: object = ${JSON.stringify(await openApiDocument())};
`;
  return format(text, { ...(await resolveConfig(path)), parser: 'typescript' });
}

export const openApiFiles: readonly GeneratedFile[] = [{ path: PATH, content }];
