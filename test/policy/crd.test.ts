import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Structural } from '../../scripts/generated/crd.js';
import { crdFiles, openApiSchema } from '../../scripts/generated/crd.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { RULES_BY_ID } from '../../src/hardening/rules/index.js';
import { BUILTIN_POLICY_TEXTS } from '../../src/policy/builtin.generated.js';
import { loadPolicies } from '../../src/policy/load.js';
import type { Policy } from '../../src/policy/policy.js';
import { PolicyError } from '../../src/policy/policyError.js';
import type { PolicyObject } from '../support/policyDocuments.js';
import { RIGHT_POLICIES, WRONG_POLICIES } from '../support/policyDocuments.js';
import { asStored } from '../support/structuralDefaults.js';

const SCHEMA = openApiSchema();
const FOLDER = new URL('../../manifests/crd/', import.meta.url);

/** Every schema in it with its path, `[]` for a list's items and `{}` for a map's values. */
function* nodes(schema: Structural, path = ''): Generator<readonly [path: string, node: Structural]> {
  yield [path, schema];
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    yield* nodes(inner, path === '' ? name : `${path}.${name}`);
  if (schema.items) yield* nodes(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* nodes(schema.additionalProperties, `${path}{}`);
}
const NODES = [...nodes(SCHEMA)];

const at = (path: string): Structural => {
  const found = NODES.find(([candidate]) => candidate === path);
  if (!found) throw new Error(`the CRD has no ${path}`);
  return found[1];
};

function load(document: PolicyObject): Policy {
  const [policy] = loadPolicies(JSON.stringify(document));
  if (!policy) throw new Error('no policy');
  return policy;
}

/** What an API server knows of a structural schema; anything else in one makes the CRD NonStructural or is dropped. */
const KEYWORDS = [
  'description',
  'type',
  'format',
  'enum',
  'default',
  'nullable',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'maxProperties',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
];

describe("the CRD's schema", () => {
  it('is structural', () => {
    for (const [path, node] of NODES) {
      expect(KEYWORDS, path).to.include.members(Object.keys(node));
      const isIntOrString = node['x-kubernetes-int-or-string'] === true;
      expect(node.type === undefined, `${path} has a type or is an int or string`).to.equal(isIntOrString);
      expect(node.properties !== undefined && node.additionalProperties !== undefined, path).to.equal(false);
      if (node.type === 'array') expect(node.items, path).to.be.an('object');
      const known = Object.keys(node.properties ?? {});
      expect(known, path).to.include.members([...(node.required ?? [])]);
    }
  });

  it('says of metadata no more than an API server allows', () => {
    expect(at('metadata')).to.deep.equal({ type: 'object', properties: { name: { type: 'string' } } });
  });

  it('has keys for its maps, and sets of nothing but scalars', () => {
    for (const [path, { items, ...node }] of NODES) {
      const keys = node['x-kubernetes-list-map-keys'] ?? [];
      if (node['x-kubernetes-list-type'] === 'map') {
        expect(keys, path).to.have.length.above(0);
        expect(items?.required, path).to.include.members([...keys]);
      }
      if (node['x-kubernetes-list-type'] === 'set')
        expect(['string', 'integer'], path).to.include(items?.type);
    }
  });

  it('describes every field', () => {
    for (const [path, { description }] of NODES) {
      if (/\[\]$|\{\}$|^metadata/.test(path)) continue;
      expect(description, path).to.match(/\w.*\.$/s);
    }
  });

  for (const id of RULE_IDS) {
    const rule = RULES_BY_ID.get(id);

    it(`${id} has exactly the actions that it can do`, () => {
      expect(at(`spec.rules.${id}.action`).enum).to.have.members([...(rule?.actions ?? [])]);
    });

    it(`${id} is explained`, () => {
      const { description } = at(`spec.rules.${id}`);
      expect(description).to.include(`${rule?.title ?? ''}. ${rule?.reason ?? ''} `);
      for (const action of ['Default', 'Override'] as const) {
        const refused = rule?.refused?.[action];
        expect(description).to.include(refused ?? rule?.sets[action].replace(/^nothing more$/, 'as Default'));
      }
    });
  }

  it('has a message for every rule in CEL, and a refused policy for every message', () => {
    const messages = [
      ...WRONG_POLICIES.map(({ message = '' }) => message),
      ...RIGHT_POLICIES.map(({ refused = '' }) => refused),
    ];
    for (const [path, node] of NODES)
      for (const { rule, message, messageExpression } of node['x-kubernetes-validations'] ?? []) {
        expect(message, `${path}: ${rule}`).to.match(/^\S.*\S$/);
        const said = messages.filter((text) =>
          messageExpression === undefined ? text === message : text.includes(constantOf(messageExpression)),
        );
        expect(said, `${path}: ${message ?? ''}`).to.have.length.above(0);
      }
  });
});

/** The constant part of an expression that makes a message: the one that has words. */
const constantOf = (expression: string): string =>
  expression
    .split("'")
    .map((part) => part.replace(/^"/, '').trim())
    .find((part) => /^is [a-z]+ [a-z]/.test(part)) ?? expression;

describe('a policy in a cluster', () => {
  const right = [
    ...RIGHT_POLICIES.map(({ name, document }) => [name, document] as const),
    ...Object.entries(BUILTIN_POLICY_TEXTS).map(
      ([name, text]) => [`the built-in policy ${name}`, parse(text) as PolicyObject] as const,
    ),
  ];
  for (const [name, document] of right)
    it(`is the same with the CRD's defaults as without them: ${name}`, () => {
      const stored = asStored(SCHEMA, document) as PolicyObject;
      expect(load(stored)).to.deep.equal(load(document));
    });

  it('has every rule, once it is stored', () => {
    const { spec } = asStored(SCHEMA, { ...RIGHT_POLICIES[0]?.document }) as {
      spec: { rules: Record<string, unknown> };
    };
    expect(Object.keys(spec.rules)).to.have.members([...RULES_BY_ID.keys()]);
    expect(spec.rules['seccompProfile']).to.deep.equal({
      type: 'RuntimeDefault',
      action: 'Default',
      optOut: 'Allowed',
    });
  });

  it('stores no default that kubectl apply would merge with what an author adds later', () => {
    const { spec } = asStored(SCHEMA, { ...RIGHT_POLICIES[0]?.document }) as {
      spec: { rules: Record<string, object> };
    };
    expect(spec.rules['resources']).to.not.have.any.keys('requests', 'limits');
    for (const [path, node] of NODES)
      if (node['x-kubernetes-list-type'] === 'set') expect(node, path).not.to.have.property('default');
  });

  for (const { name, document, path, apiServer } of WRONG_POLICIES) {
    it(`is refused by the loader for ${name}`, () => {
      let issues: readonly { path: string }[] = [];
      try {
        load(document);
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
        issues = error.issues;
      }
      expect(issues.map((issue) => issue.path)).to.deep.equal([path]);
    });

    if (apiServer === 'prunes')
      it(`has a field that the schema does not know: ${name}`, () => {
        const paths = NODES.map(([known]) => known);
        expect(paths).not.to.include(path.replaceAll(/\[\d+\]/g, '[]'));
      });
  }
});

describe('manifests/crd', () => {
  it('is listed by its kustomization', () => {
    const { resources } = parse(readFileSync(new URL('kustomization.yaml', FOLDER), 'utf8')) as {
      resources: readonly string[];
    };
    expect(resources.map((file) => `manifests/crd/${file}`)).to.deep.equal(crdFiles.map(({ path }) => path));
  });

  it('fits into the annotation of kubectl apply, which keeps it whole', () => {
    const [file = ''] = crdFiles.map(({ path }) => path.replace(/^manifests\/crd\//, ''));
    const object: unknown = parse(readFileSync(new URL(file, FOLDER), 'utf8'));
    // k8s.io/apimachinery validation.TotalAnnotationSizeLimitB
    expect(Buffer.byteLength(JSON.stringify(object))).to.be.below(256 * 1024);
  });
});
