import { eventually } from './wait.js';
import { world } from './world.js';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export async function makeClusterRole(name: string, rules: readonly PolicyRule[]): Promise<void> {
  await create('/clusterroles', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules,
  });
}

/**
 * Binds a ClusterRole, in one namespace where it is given. Its effect comes a moment later.
 *
 * @param user a user's name, or `namespace:name` of a ServiceAccount
 */
export async function bindClusterRole(role: string, user: string, namespace?: string): Promise<void> {
  const [inside, account] = user.split(':');
  const subject =
    account === undefined
      ? { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }
      : { kind: 'ServiceAccount', namespace: inside, name: account };
  await create(namespace === undefined ? '/clusterrolebindings' : `/namespaces/${namespace}/rolebindings`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name: `${role}-${user.replace(':', '-')}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [subject],
  });
}

/** Resolves once a kubeconfig's owner has the right that a rule gives, in a namespace. */
export async function untilAllowed(
  kubeconfig: string,
  { verbs: [verb = ''], resources: [resource = ''] }: PolicyRule,
  namespace: string,
): Promise<void> {
  const question = ['auth', 'can-i', verb, resource, '-n', namespace];
  await eventually(`the right to ${verb} ${resource}`, async () => {
    return (await world().controlPlane.kubectl(question, { kubeconfig })).code === 0;
  });
}

async function create(path: string, object: object): Promise<void> {
  const { status, body } = await world().controlPlane.api('POST', RBAC + path, object);
  if (status !== 201) throw new Error(`${path}: not made: ${JSON.stringify(body)}`);
}
