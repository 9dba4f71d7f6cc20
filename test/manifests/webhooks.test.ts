import { expect } from 'chai';
import { scopeOf } from '../../src/admission/scope.js';
import type { AdmissionRequest } from '../../src/admission/types.js';
import { WORKLOAD_KINDS, type WorkloadKind } from '../../src/hardening/locate.js';
import { podTemplate, workload, pod } from '../admission/support/reviews.js';
import { MUTATE_PATHS } from '../../src/server/admissionListener.js';
import { INSTALLATIONS } from './support/installations.js';
import { build, find } from './support/manifests.js';

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly service: Readonly<Record<string, string | number>> };
  readonly rules: readonly Rule[];
  readonly namespaceSelector: { readonly matchExpressions: readonly Expression[] };
  readonly failurePolicy: string;
  readonly timeoutSeconds: number;
  readonly [field: string]: unknown;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly string[];
  readonly scope: string;
}

interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];
const SUBRESOURCES = [undefined, 'ephemeralcontainers', 'status', 'scale', 'resize', 'exec', 'binding', 'eviction'];

function webhooksOf(objects: Parameters<typeof find>[0]): readonly Webhook[] {
  return find(objects, 'MutatingWebhookConfiguration')['webhooks'] as readonly Webhook[];
}

/** Each call that a rule asks for, as `apps/v1 deployments CREATE`. */
function callsOf({ rules }: Webhook): string[] {
  const calls = rules.flatMap(({ apiGroups, apiVersions, resources, operations }) =>
    apiGroups.flatMap((group) =>
      apiVersions.flatMap((version) =>
        resources.flatMap((resource) => operations.map((operation) => call(group, version, resource, operation))),
      ),
    ),
  );
  return calls.sort();
}

function call(group: string, version: string, resource: string, operation: string): string {
  return `${group === '' ? version : `${group}/${version}`} ${resource} ${operation}`;
}

/** Each call that the handler has something to say to. */
function callsInScope(): string[] {
  const calls = WORKLOAD_KINDS.flatMap((kind) =>
    OPERATIONS.flatMap((operation) =>
      SUBRESOURCES.flatMap((subResource) => {
        // A subresource is never created; the API server knows no such call.
        if (subResource !== undefined && operation === 'CREATE') return [];
        const request = requestOf(kind, operation, subResource);
        if ('because' in scopeOf(request)) return [];
        const resource = `${kind.toLowerCase()}s${subResource === undefined ? '' : `/${subResource}`}`;
        return [call(request.kind.group, request.kind.version, resource, operation)];
      }),
    ),
  );
  return calls.sort();
}

/** A request with everything in it that could matter: a template that changed, an ephemeral container that is new. */
function requestOf(kind: WorkloadKind, operation: string, subResource: string | undefined): AdmissionRequest {
  const ephemeral = subResource === undefined ? {} : { ephemeralContainers: [{ name: 'debug', image: 'debug:1' }] };
  const object = kind === 'Pod' ? pod(ephemeral) : workload(kind);
  const oldObject = kind === 'Pod' ? pod() : workload(kind, podTemplate({ hostNetwork: true }));
  const [group = '', version = ''] = String(object.apiVersion).includes('/')
    ? String(object.apiVersion).split('/')
    : ['', String(object.apiVersion)];
  return {
    uid: '1',
    kind: { group, version, kind },
    operation,
    subResource,
    namespace: 'shop',
    object: operation === 'DELETE' ? null : object,
    oldObject: operation === 'CREATE' ? null : oldObject,
  };
}

/** As the API server evaluates a label selector. */
function selects({ namespaceSelector }: Webhook, labels: Readonly<Record<string, string>>): boolean {
  return namespaceSelector.matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'In') return value !== undefined && values.includes(value);
    if (operator === 'NotIn') return value === undefined || !values.includes(value);
    throw new Error(`operator ${operator}`);
  });
}

describe('manifests: webhook configuration', () => {
  for (const { name, objects } of INSTALLATIONS) {
    it(`${name}: both entries call for exactly what is in scope`, () => {
      const webhooks = webhooksOf(objects);
      expect(webhooks.map((webhook) => webhook.name)).to.deep.equal(['enforce.kube-harden.io', 'audit.kube-harden.io']);
      for (const webhook of webhooks) {
        expect(callsOf(webhook), webhook.name).to.deep.equal(callsInScope());
        for (const { scope } of webhook.rules) expect(scope).to.equal('Namespaced');
      }
    });

    it(`${name}: no entry can be got out of by an object's labels, or changes what the other does`, () => {
      for (const webhook of webhooksOf(objects)) {
        expect(webhook).to.not.have.any.keys('objectSelector', 'matchConditions');
        expect(webhook).to.deep.include({
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          matchPolicy: 'Equivalent',
          reinvocationPolicy: 'IfNeeded',
        });
        expect(webhook.timeoutSeconds).to.be.within(1, 5);
      }
    });

    it(`${name}: each entry calls the Service at a path that is answered`, () => {
      const { service } = { service: find(objects, 'Service') };
      const [{ port } = {}] = (service['spec'] as { ports: { port: number }[] }).ports;
      for (const { name: entry, clientConfig } of webhooksOf(objects)) {
        const path = `/mutate/${entry.split('.')[0] ?? ''}`;
        expect(clientConfig.service).to.deep.equal({ namespace: 'kube-harden', name: 'kube-harden', path, port });
        expect(MUTATE_PATHS).to.include(path);
      }
    });
  }

  for (const [label, expected] of [
    ['enforce', ['enforce.kube-harden.io']],
    ['audit', ['audit.kube-harden.io']],
    ['enfroce', ['audit.kube-harden.io']],
    ['', ['audit.kube-harden.io']],
    ['disabled', []],
    [undefined, []],
  ] as const) {
    it(`mode ${label === undefined ? 'not set' : `"${label}"`}: ${expected.join() || 'nothing'} is called, and nothing in protected namespaces`, () => {
      const webhooks = webhooksOf(build('base'));
      const called = (name: string): string[] => {
        const labels = { 'kubernetes.io/metadata.name': name, ...(label !== undefined && { 'kube-harden.io/mode': label }) };
        return webhooks.filter((webhook) => selects(webhook, labels)).map((webhook) => webhook.name);
      };
      expect(called('shop')).to.deep.equal(expected);
      for (const name of ['kube-system', 'kube-public', 'kube-node-lease', 'kube-harden'])
        expect(called(name), name).to.deep.equal([]);
    });
  }

  it('fails closed where objects are hardened, open where they are only looked at', () => {
    const policies = webhooksOf(build('base')).map(({ failurePolicy }) => failurePolicy);
    expect(policies).to.deep.equal(['Fail', 'Ignore']);
  });

  it('fail-open makes both Ignore, and changes nothing else', () => {
    const before = webhooksOf(build('base'));
    const after = webhooksOf(build('overlays/self-signed', ['components/fail-open']));
    expect(after).to.deep.equal(before.map((webhook) => ({ ...webhook, failurePolicy: 'Ignore' })));
  });
});
