import type { Rule } from '../rule.js';

const FIELD = ['spec', 'enableServiceLinks'];

/**
 * Takes the environment variables away that tell every container the address of every Service of its namespace
 * (`REDIS_SERVICE_HOST`, `REDIS_PORT` and so on).
 *
 * Field: `spec.enableServiceLinks`; unset means true. The API server writes that `true` into every Pod and template
 * before a webhook sees it (core/v1 defaults.go, SetDefaults_PodSpec), so nobody can tell what its author wrote: hence
 * no Default. `KUBERNETES_SERVICE_HOST` and its kin stay in any case (kubelet_pods.go, getServiceEnvVarMap).
 */
export const enableServiceLinks: Rule = {
  id: 'enableServiceLinks',
  title: 'Containers are not told the address of every Service',
  reason:
    'The variables are a map of the namespace for whoever breaks in, and programs take some of them for settings.',
  risk: 'medium',
  os: 'any',
  actions: ['Override', 'Warn', 'Deny', 'Disabled'],
  refused: {
    Default:
      'the API server fills in true before a webhook sees the pod, so there is no unset value that could be set; use Override',
  },
  sets: { Default: 'not possible: use Override', Override: '`false`' },
  fields: ['spec.enableServiceLinks'],
  wholePod: true,

  apply(pod) {
    if (!pod.podIsWritable) return;
    const value = pod.field('enableServiceLinks');
    if (value === undefined) pod.fill(undefined, FIELD, false);
    else if (value) pod.replace(undefined, FIELD, value, false);
  },
};
