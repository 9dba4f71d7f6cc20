import { expect } from 'chai';
import { build, find, idOf, type Manifest } from './support/manifests.js';

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Binding {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

const COMMON = [
  '* hardeningpolicies.kube-harden.io list',
  '* hardeningpolicies.kube-harden.io watch',
  '* hardeningpolicies/status.kube-harden.io patch',
  '* limitranges list',
  '* limitranges watch',
  '* namespaces get',
  '* namespaces list',
  '* namespaces watch',
  '* resourcequotas list',
  '* resourcequotas watch',
  'default events.events.k8s.io create',
  'kube-harden leases.coordination.k8s.io kube-harden get',
  'kube-harden leases.coordination.k8s.io kube-harden update',
];
const SELF_MANAGED = [
  '* mutatingwebhookconfigurations.admissionregistration.k8s.io kube-harden get',
  '* mutatingwebhookconfigurations.admissionregistration.k8s.io kube-harden patch',
  'kube-harden secrets kube-harden-certificates get',
  'kube-harden secrets kube-harden-certificates update',
  'kube-harden secrets kube-harden-certificates watch',
];
const PREVIEW = [
  '* subjectaccessreviews.authorization.k8s.io create',
  '* tokenreviews.authentication.k8s.io create',
];

/** Every right of the server's service account, as `namespace resource.group name verb`. */
function rightsOf(objects: readonly Manifest[], account: string, namespace: string): string[] {
  const bindings = objects.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding');
  return bindings
    .flatMap((binding) => {
      const { roleRef, subjects } = binding as unknown as Binding;
      if (!subjects.some((subject) => subject.name === account && subject.namespace === namespace)) return [];
      // OpenShift's own.
      if (roleRef.name.startsWith('system:')) return [`${binding.metadata.namespace ?? '*'} ${roleRef.name}`];
      const where = roleRef.kind === 'Role' ? binding.metadata.namespace : undefined;
      const rules = find(objects, roleRef.kind, roleRef.name, where)['rules'] as readonly PolicyRule[];
      return rules.flatMap((rule) => rightsIn(rule, binding.metadata.namespace ?? '*'));
    })
    .sort();
}

function rightsIn(rule: PolicyRule, where: string): string[] {
  const names = rule.resourceNames?.map((name) => [name]) ?? [[]];
  return rule.apiGroups.flatMap((group) =>
    rule.resources.flatMap((resource) =>
      names.flatMap((name) =>
        rule.verbs.map((verb) => [where, group === '' ? resource : `${resource}.${group}`, ...name, verb].join(' ')),
      ),
    ),
  );
}

describe('manifests: rights', () => {
  for (const [overlay, components, expected] of [
    ['overlays/self-signed', [], [...COMMON, ...SELF_MANAGED]],
    ['overlays/cert-manager', [], COMMON],
    ['overlays/self-signed', ['components/preview'], [...COMMON, ...SELF_MANAGED, ...PREVIEW]],
    ['overlays/cert-manager', ['components/preview'], [...COMMON, ...PREVIEW]],
    ['overlays/self-signed', ['components/monitoring', 'components/fail-open'], [...COMMON, ...SELF_MANAGED]],
    ['overlays/self-signed', ['components/openshift'], [...COMMON, ...SELF_MANAGED, 'kube-harden system:openshift:scc:nonroot-v2']],
  ] as const) {
    it(`${[overlay, ...components].join(' + ')}: the server may do what it does, and nothing more`, () => {
      expect(rightsOf(build(overlay, components), 'kube-harden', 'kube-harden')).to.deep.equal([...expected].sort());
    });
  }

  it('nobody gets a right by a wildcard', () => {
    for (const object of build('overlays/self-signed', ['components/preview', 'components/openshift'])) {
      if (object.kind === 'Role' || object.kind === 'ClusterRole')
        expect(JSON.stringify(object['rules']), idOf(object)).to.not.include('"*"');
    }
  });

  it('nobody but the server and, with its component, OpenShift is bound to anything', () => {
    const objects = build('overlays/self-signed', ['components/preview', 'components/openshift']);
    const subjects = objects.flatMap((object) => (object['subjects'] as Binding['subjects'] | undefined) ?? []);
    expect([...new Set(subjects.map(({ kind, name, namespace }) => [kind, namespace, name].join(' ')))].sort()).to.deep.equal([
      'ServiceAccount kube-harden kube-harden',
      'ServiceAccount openshift-infra namespace-security-allocation-controller',
    ]);
    const allocator = rightsOf(objects, 'namespace-security-allocation-controller', 'openshift-infra');
    expect(allocator).to.deep.equal(['* namespaces.kube-harden.io label']);
  });

  it('platform teams may label namespaces and manage policies', () => {
    const role = find(build('base'), 'ClusterRole', 'kube-harden-platform');
    const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
    expect((role['rules'] as PolicyRule[]).flatMap((rule) => rightsIn(rule, '*')).sort()).to.deep.equal(
      [...verbs.map((verb) => `* hardeningpolicies.kube-harden.io ${verb}`), '* namespaces.kube-harden.io label'].sort(),
    );
    // Aggregated to admin or edit it would be in the hands of those whom it keeps out.
    expect(Object.keys(role.metadata.labels ?? {}).filter((key) => key.includes('aggregate'))).to.deep.equal([]);
  });

  it('whoever may write workloads may ask for a preview of them', () => {
    const role = find(build('base'), 'ClusterRole', 'kube-harden-preview');
    expect((role['rules'] as PolicyRule[]).flatMap((rule) => rightsIn(rule, '*'))).to.deep.equal([
      '* previews.kube-harden.io create',
    ]);
    expect(role.metadata.labels).to.include({ 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' });
  });
});
