/**
 * The CRD of PolicyReports as far as it says what an object may hold, written down from the one that Kyverno ships: field
 * names, kinds, enums and what is required. The API server itself then says whether ours are valid.
 *
 * @see https://github.com/kyverno/kyverno/blob/main/config/crds/policyreport/wgpolicyk8s.io_policyreports.yaml
 */
const text = { type: 'string' };
const whole = { type: 'integer' };

function object(properties: object, required: readonly string[] = []): object {
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

const reference = object({
  apiVersion: text,
  fieldPath: text,
  kind: text,
  name: text,
  namespace: text,
  resourceVersion: text,
  uid: text,
});

const result = object(
  {
    category: text,
    message: text,
    policy: text,
    properties: { type: 'object', additionalProperties: text },
    resources: { type: 'array', items: reference },
    result: { type: 'string', enum: ['pass', 'fail', 'warn', 'error', 'skip'] },
    rule: text,
    scored: { type: 'boolean' },
    severity: { type: 'string', enum: ['critical', 'high', 'low', 'medium', 'info'] },
    source: text,
    timestamp: object({ nanos: { ...whole, format: 'int32' }, seconds: { ...whole, format: 'int64' } }, [
      'nanos',
      'seconds',
    ]),
  },
  ['policy'],
);

export const POLICY_REPORT_SCHEMA = object({
  apiVersion: text,
  kind: text,
  metadata: { type: 'object' },
  results: { type: 'array', items: result },
  scope: reference,
  summary: object({ error: whole, fail: whole, pass: whole, skip: whole, warn: whole }),
});

export const POLICY_REPORT_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'policyreports.wgpolicyk8s.io' },
  spec: {
    group: 'wgpolicyk8s.io',
    names: {
      kind: 'PolicyReport',
      listKind: 'PolicyReportList',
      plural: 'policyreports',
      singular: 'policyreport',
    },
    scope: 'Namespaced',
    versions: [
      { name: 'v1alpha2', served: true, storage: true, schema: { openAPIV3Schema: POLICY_REPORT_SCHEMA } },
    ],
  },
};
