import { API_VERSION, KIND, policyDocumentSchema, type PolicyDocument } from '../../src/policy/schema.js';

/** The spec of a policy that gives nothing but its name. */
export function policyDefaults(): PolicyDocument['spec'] {
  const shortest = { apiVersion: API_VERSION, kind: KIND, metadata: { name: 'shortest' }, spec: {} };
  return policyDocumentSchema.parse(shortest).spec;
}
