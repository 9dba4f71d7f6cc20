import { expect } from 'chai';
import { Buffer } from 'node:buffer';
import { createAdmissionHandler } from '../../src/admission/handler.js';
import type { KubernetesObject } from '../../src/admission/types.js';
import { loadPolicies } from '../../src/policy/load.js';
import { parseNamespaces } from '../../src/policy/namespacesFile.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { DecisionLog } from '../../src/telemetry/decisionLog.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import {
  patched,
  podTemplate,
  requestOf,
  responseOf,
  reviewOf,
  workload,
} from '../admission/support/reviews.js';
import { withBuiltin } from '../support/policies.js';
import { closeServers, RecordingLogger, startServers, type TestServers } from './support/testServers.js';
import { post } from './support/clients.js';

const POLICIES = `
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata: {name: override}
spec:
  rules:
    privileged: {action: Override}
    allowPrivilegeEscalation: {action: Override, optOut: Forbidden}
    readOnlyRootFilesystem: {action: Override}
---
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata: {name: warn}
spec:
  warnings: Full
  rules:
    runAsNonRoot: {action: Warn}
    readOnlyRootFilesystem: {action: Warn}
---
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata: {name: deny}
spec:
  templates: Mutate
  rules:
    privileged: {action: Deny}
    hostNamespaces: {action: Deny, optOut: Forbidden}
---
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata: {name: disabled}
spec:
  rules:
    readOnlyRootFilesystem: {action: Disabled}
    resources: {action: Disabled}
---
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata: {name: excepted}
spec:
  exceptions:
    - name: legacy-billing
      reason: writes to its own image; ticket OPS-1432
      expires: "2027-03-01"
      match: {namespaces: [billing], containers: [main], images: ["registry.example/invoice:*"]}
      rules: [readOnlyRootFilesystem]
    - name: expired-billing
      reason: was to be mended in 2026
      expires: "2026-12-31"
      match: {namespaces: [billing]}
      rules: [resources]
`;

const NAMESPACES = `
apiVersion: v1
kind: List
items:
${Object.entries({
  shop: { mode: 'enforce' },
  override: { mode: 'enforce', policy: 'override' },
  warn: { mode: 'enforce', policy: 'warn' },
  deny: { mode: 'enforce', policy: 'deny' },
  disabled: { mode: 'enforce', policy: 'disabled' },
  'opted-out': { mode: 'enforce', readOnlyRootFilesystem: 'disabled', seccompProfile: 'warn' },
  forbidden: { mode: 'enforce', policy: 'override', allowPrivilegeEscalation: 'disabled' },
  'unknown-rule': { mode: 'enforce', readonlyRootFS: 'disabled' },
  'unknown-value': { mode: 'enforce', readOnlyRootFilesystem: 'skip' },
  billing: { mode: 'enforce', policy: 'excepted' },
  audit: { mode: 'audit' },
  'audit-deny': { mode: 'audit', policy: 'deny' },
  'unknown-policy': { mode: 'enforce', policy: 'strict' },
  typo: { mode: 'enforced' },
  'turned-off': { mode: 'disabled' },
  plain: {},
  'kube-system': { mode: 'enforce' },
})
  .map(([name, labels]) => {
    const ours = Object.entries(labels).map(([key, value]) => `kube-harden.io/${key}: ${value}`);
    return `  - {apiVersion: v1, kind: Namespace, metadata: {name: ${name}, labels: {${ours.join(', ')}}}}`;
  })
  .join('\n')}
`;

/** Something of everything: an explicit weak value beside what is unset. */
function pod(namespace: string, securityContext?: object, spec: object = {}): KubernetesObject {
  const main = { name: 'main', image: 'registry.example/invoice:7' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace },
    spec: { containers: [{ ...main, ...(securityContext && { securityContext }) }], ...spec },
  };
}

interface Answered {
  readonly allowed: boolean;
  readonly message: string;
  readonly warnings: string;
  readonly audit: Readonly<Record<string, string>>;
  readonly operations: number;
  /** The object with the patch; as sent where there is none. */
  readonly result: KubernetesObject;
}

interface Case {
  readonly what: string;
  readonly object: KubernetesObject;
  readonly expected: (answer: Answered) => void;
}

/** The first container's securityContext in the object as it is stored. */
function securityContext({ result }: Answered): Record<string, unknown> {
  const { containers } = result.spec as { containers: { securityContext?: Record<string, unknown> }[] };
  return containers[0]?.securityContext ?? {};
}

function resources({ result }: Answered): unknown {
  return (result.spec as { containers: { resources?: unknown }[] }).containers[0]?.resources;
}

const ESCALATES = { allowPrivilegeEscalation: true };
const PRIVILEGED = { privileged: true };

const cases: Case[] = [
  {
    what: 'Default sets what is unset',
    object: pod('shop'),
    expected: (answer) => {
      expect(answer.result.spec).to.deep.nested.include({
        'securityContext.runAsNonRoot': true,
        'securityContext.runAsUser': 65532,
        'securityContext.seccompProfile': { type: 'RuntimeDefault' },
      });
      expect(securityContext(answer)).to.deep.include({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(answer.result.metadata?.annotations?.['kube-harden.io/changed']).to.equal(
        'runAsNonRoot, runAsUser, capabilities, allowPrivilegeEscalation, readOnlyRootFilesystem, seccompProfile, resources',
      );
      expect(answer.audit).to.include({ policy: 'default', mode: 'enforce', violated: '' });
    },
  },
  {
    what: 'Default leaves an explicit weaker value, and reports it',
    object: pod('shop', ESCALATES),
    expected: (answer) => {
      expect(securityContext(answer)).to.include(ESCALATES);
      expect(answer.audit['violated']).to.equal('allowPrivilegeEscalation');
      expect(answer.warnings).to.contain('policy default: 1 violation (allowPrivilegeEscalation)');
    },
  },
  {
    what: 'Override replaces an explicit weaker value',
    object: pod('override', { ...PRIVILEGED, ...ESCALATES, readOnlyRootFilesystem: false }),
    expected: (answer) => {
      expect(securityContext(answer)).to.include({
        privileged: false,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
      });
      expect(answer.audit).to.include({ policy: 'override', violated: '' });
    },
  },
  {
    what: 'Warn changes nothing of its rule, and reports',
    object: pod('warn'),
    expected: (answer) => {
      expect(securityContext(answer)).to.not.have.any.keys('readOnlyRootFilesystem', 'runAsNonRoot');
      expect(securityContext(answer)).to.include({ allowPrivilegeEscalation: false });
      expect(answer.audit['violated']).to.equal('runAsNonRoot,readOnlyRootFilesystem');
      expect(answer.warnings).to.contain('readOnlyRootFilesystem violated on container "main"; opt out: ');
    },
  },
  {
    what: 'Deny refuses, and says how to lift each violation',
    object: pod('deny', PRIVILEGED, { hostPID: true }),
    expected: ({ allowed, message, operations }) => {
      expect({ allowed, operations }).to.deep.equal({ allowed: false, operations: 0 });
      expect(message).to.match(/^kube-harden refuses pod\/web: 2 violations of policy deny\. /);
      expect(message).to.contain('kubectl label ns deny kube-harden.io/privileged=disabled');
      expect(message).to.contain('spec.hostPID is true; lift it: mend the field, or ask for an exception');
    },
  },
  {
    what: 'Deny lets what is not violated through, hardened',
    object: pod('deny'),
    expected: ({ allowed, operations }) => {
      expect(allowed).to.equal(true);
      expect(operations).to.be.above(0);
    },
  },
  {
    what: 'Deny refuses a template under templates: Mutate',
    object: workload('Deployment', podTemplate({ hostPID: true }), { namespace: 'deny' }),
    expected: ({ allowed, message }) => {
      expect(allowed).to.equal(false);
      expect(message).to.contain('refuses deployment/web: 1 violation of policy deny');
    },
  },
  {
    what: 'Disabled does not run, nor report',
    object: pod('disabled'),
    expected: (answer) => {
      expect(securityContext(answer)).to.not.have.property('readOnlyRootFilesystem');
      expect(resources(answer)).to.equal(undefined);
      expect(securityContext(answer)).to.include({ allowPrivilegeEscalation: false });
      const { changed, skipped, violated } = answer.audit;
      expect([changed, skipped, violated].join()).to.not.match(/readOnlyRootFilesystem|resources/);
    },
  },
  {
    what: 'opt-out labels: disabled turns a rule off, warn makes it report',
    object: pod('opted-out'),
    expected: (answer) => {
      expect(securityContext(answer)).to.not.have.property('readOnlyRootFilesystem');
      expect(answer.result.spec).to.not.have.nested.property('securityContext.seccompProfile');
      expect(answer.audit['skipped']).to.equal('readOnlyRootFilesystem');
      expect(answer.audit['violated']).to.equal('seccompProfile');
      expect(answer.warnings).to.not.contain('is ignored');
    },
  },
  {
    what: 'an opt-out label that the policy forbids is ignored, with a warning',
    object: pod('forbidden', ESCALATES),
    expected: (answer) => {
      expect(securityContext(answer)).to.include({ allowPrivilegeEscalation: false });
      expect(answer.warnings).to.contain(
        'label kube-harden.io/allowPrivilegeEscalation=disabled is ignored: policy override forbids it',
      );
    },
  },
  {
    what: 'an opt-out label of an unknown rule is ignored, with a warning',
    object: pod('unknown-rule'),
    expected: (answer) => {
      expect(securityContext(answer)).to.include({ readOnlyRootFilesystem: true });
      expect(answer.warnings).to.contain(
        'label kube-harden.io/readonlyRootFS is ignored: there is no such rule',
      );
    },
  },
  {
    what: 'an opt-out label of an unknown value is ignored, with a warning',
    object: pod('unknown-value'),
    expected: (answer) => {
      expect(securityContext(answer)).to.include({ readOnlyRootFilesystem: true });
      expect(answer.warnings).to.contain(
        'label kube-harden.io/readOnlyRootFilesystem=skip is ignored: it is not disabled or warn',
      );
    },
  },
  {
    what: 'an exception that matches lifts its rule from its container, and an expired one lifts nothing',
    object: pod('billing', undefined, {
      containers: [
        { name: 'main', image: 'registry.example/invoice:7' },
        { name: 'sidecar', image: 'registry.example/invoice:7' },
      ],
    }),
    expected: (answer) => {
      expect(securityContext(answer)).to.not.have.property('readOnlyRootFilesystem');
      expect(securityContext(answer)).to.include({ allowPrivilegeEscalation: false });
      expect(answer.result.spec).to.have.nested.property(
        'containers[1].securityContext.readOnlyRootFilesystem',
        true,
      );
      expect(answer.audit['skipped']).to.equal('readOnlyRootFilesystem');
      expect(resources(answer)).to.have.property('limits');
      expect(answer.warnings).to.contain(
        'exception expired-billing expired on 2026-12-31 and no longer applies',
      );
    },
  },
  {
    what: 'an exception for another image lifts nothing',
    object: pod('billing', undefined, { containers: [{ name: 'main', image: 'registry.example/other:7' }] }),
    expected: (answer) => {
      expect(securityContext(answer)).to.include({ readOnlyRootFilesystem: true });
      expect(answer.audit['skipped']).to.equal('');
    },
  },
  {
    what: 'an exception for another container lifts nothing',
    object: pod('billing', undefined, {
      containers: [{ name: 'maim', image: 'registry.example/invoice:7' }],
    }),
    expected: (answer) => {
      expect(securityContext(answer)).to.include({ readOnlyRootFilesystem: true });
    },
  },
  {
    what: 'audit mode changes nothing, and warns of everything rule by rule',
    object: pod('audit', PRIVILEGED),
    expected: ({ allowed, operations, warnings, audit }) => {
      expect({ allowed, operations }).to.deep.equal({ allowed: true, operations: 0 });
      expect(warnings).to.contain('privileged violated on container "main"; opt out: ');
      expect(warnings).to.contain('resources would be set on container "main"; opt out: ');
      expect(audit).to.include({ mode: 'audit', changed: 'resources', violated: 'privileged' });
    },
  },
  {
    what: 'audit mode says what enforce would refuse',
    object: pod('audit-deny', PRIVILEGED),
    expected: ({ allowed, warnings }) => {
      expect(allowed).to.equal(true);
      expect(warnings).to.contain('privileged would be refused on container "main"; opt out: ');
    },
  },
  {
    what: 'an unknown policy label means default, with a warning',
    object: pod('unknown-policy'),
    expected: (answer) => {
      expect(answer.audit['policy']).to.equal('default');
      expect(securityContext(answer)).to.include({ readOnlyRootFilesystem: true });
      expect(answer.warnings).to.contain(
        'label kube-harden.io/policy=strict names no policy: default applies',
      );
    },
  },
  {
    what: 'an unknown mode means audit, with a warning',
    object: pod('typo'),
    expected: ({ operations, warnings, audit }) => {
      expect(operations).to.equal(0);
      expect(audit['mode']).to.equal('audit');
      expect(warnings).to.contain('label kube-harden.io/mode=enforced is not enforce, audit or disabled');
      expect(warnings).to.contain('seccompProfile would be set');
    },
  },
  ...['turned-off', 'plain', 'kube-system'].map((namespace): Case => ({
    what: `nothing is done in ${namespace}`,
    object: pod(namespace, PRIVILEGED),
    expected: ({ allowed, operations, warnings, audit }) => {
      expect({ allowed, operations, warnings, audit }).to.deep.equal({
        allowed: true,
        operations: 0,
        warnings: '',
        audit: {},
      });
    },
  })),
];

const bad: [what: string, body: string | Buffer, status: number, message: string][] = [
  ['an empty body', '', 400, 'the body is empty'],
  ['what is not JSON', 'kind: AdmissionReview', 400, 'the body is not JSON'],
  ['half a review', reviewOf(requestOf(pod('shop'))).slice(0, 100), 400, 'the body is not JSON'],
  ['null', 'null', 400, 'the body is null'],
  ['an array', '[]', 400, 'the body is a list'],
  ['a scalar', '"x"', 400, 'the body is "x"'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'the body is not UTF-8'],
  ['no request', reviewOf(undefined), 400, 'request: is missing'],
  ['no uid', reviewOf({ ...requestOf(pod('shop')), uid: '' }), 400, 'request.uid: is missing'],
  ['no object', reviewOf({ ...requestOf(pod('shop')), object: null }), 400, 'request.object: is missing'],
  [
    'another version',
    '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2"}',
    400,
    'use admission.k8s.io/v1',
  ],
  ['100,000 levels', `${'{"a":'.repeat(100_000)}0${'}'.repeat(100_000)}`, 400, 'is not AdmissionReview'],
  [
    '100,000 levels in a field of ours',
    reviewOf(requestOf(pod('shop', undefined, { hostPID: '@' }))).replace(
      '"@"',
      '['.repeat(100_000) + ']'.repeat(100_000),
    ),
    400,
    'spec.hostPID: a list is not true or false',
  ],
  [
    'a namespace that nobody knows',
    reviewOf(requestOf(pod('nowhere'))),
    500,
    'namespace "nowhere" is not in the',
  ],
];

describe('POST /mutate, the whole way', () => {
  let server: TestServers;
  const metrics = new Metrics({ version: 'test' });

  before(async () => {
    const plans = new StandalonePlans({
      policies: withBuiltin(...loadPolicies(POLICIES)),
      namespaces: parseNamespaces(NAMESPACES),
      clock: () => Date.parse('2027-02-01T00:00:00Z'),
    });
    const observer = new DecisionLog(metrics, new RecordingLogger(), 'all');
    server = await startServers({ handler: createAdmissionHandler({ plans, observer }) });
  });
  after(closeServers);

  async function mutate(object: KubernetesObject, uid: string): Promise<Answered> {
    const reply = await post(server.port, reviewOf(requestOf(object, { uid })));
    expect(reply.status, reply.text).to.equal(200);
    const response = responseOf({ body: reply.text });
    expect(response.uid).to.equal(uid);
    expect(response.patchType).to.equal(response.patch === undefined ? undefined : 'JSONPatch');
    const warnings = response.warnings ?? [];
    for (const warning of warnings) expect(warning.length, warning).to.be.at.most(120);
    return {
      allowed: response.allowed,
      message: response.status?.message ?? '',
      warnings: warnings.join('\n'),
      audit: response.auditAnnotations ?? {},
      operations: response.operations.length,
      result: patched(object, response.operations),
    };
  }

  for (const { what, object, expected } of cases) {
    it(`${what}; and a second pass changes nothing`, async () => {
      const answer = await mutate(object, 'first');
      expected(answer);
      const again = await mutate(answer.result, 'second');
      expect(again.operations).to.equal(0);
      expect(again.allowed).to.equal(answer.allowed);
    });
  }

  for (const [what, body, status, message] of bad) {
    it(`answers ${status} to ${what}, and then a healthy request`, async () => {
      const reply = await post(server.port, body);
      expect(reply.status).to.equal(status);
      expect(JSON.parse(reply.text)).to.deep.include({ kind: 'Status', status: 'Failure', code: status });
      expect(reply.text).to.contain(JSON.stringify(message).slice(1, -1));
      expect((await mutate(pod('shop'), 'healthy')).operations).to.be.above(0);
    });
  }

  it('answers rightly where 100,000 levels lie in a field that is not ours', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const body = reviewOf(requestOf(pod('shop', undefined, { foreign: '@' }))).replace('"@"', deep);
    const reply = await post(server.port, body);
    expect(reply.status).to.equal(200);
    expect(responseOf({ body: reply.text }).operations.length).to.be.above(0);
  });
});
