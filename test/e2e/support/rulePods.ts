import type { RuleId } from '../../../src/hardening/rule.js';
import type { ApiReply, Json } from '../controlPlane/apiClient.js';
import { changedRules, podOf, type PodManifest, type PodReply } from './podRequests.js';

/** The strongest that each rule can do, one line a rule in the warnings. */
export const EVERY_RULE = {
  warnings: 'Full',
  templates: 'Warn',
  rules: {
    privileged: { action: 'Override' },
    runAsNonRoot: { action: 'Default' },
    runAsUser: { action: 'Default' },
    capabilities: { action: 'Default' },
    allowPrivilegeEscalation: { action: 'Default' },
    readOnlyRootFilesystem: { action: 'Default' },
    seccompProfile: { action: 'Default' },
    resources: { action: 'Default' },
    hostNamespaces: { action: 'Override' },
    hostPath: { action: 'Override' },
    runtimeSocket: { action: 'Deny' },
    sshd: { action: 'Deny' },
    automountServiceAccountToken: { action: 'Default' },
    scheduling: { action: 'Default', nodeSelector: { disk: 'ssd' } },
    unprivilegedPorts: { action: 'Default' },
    procMount: { action: 'Override' },
    appArmorProfile: { action: 'Default' },
    hostUsers: { action: 'Default' },
    enableServiceLinks: { action: 'Override' },
    imagePullPolicy: { action: 'Override' },
    supplementalGroupsPolicy: { action: 'Default' },
  },
};

const web = (more: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> => ({
  name: 'main',
  image: 'registry.example/shop/web:1',
  ...more,
});

function withHostPath(path: string): PodManifest {
  return podOf('web', {
    volumes: [{ name: 'host', hostPath: { path } }],
    containers: [web({ volumeMounts: [{ name: 'host', mountPath: '/host' }] })],
  });
}

/** For each rule a pod that shows whether it acts. */
export const RULE_PODS: readonly (readonly [rule: RuleId, manifest: PodManifest])[] = [
  ['privileged', podOf('web', { containers: [web({ securityContext: { privileged: true } })] })],
  ['runAsNonRoot', podOf('web')],
  ['runAsUser', podOf('web')],
  ['capabilities', podOf('web')],
  ['allowPrivilegeEscalation', podOf('web')],
  ['readOnlyRootFilesystem', podOf('web')],
  ['seccompProfile', podOf('web')],
  ['resources', podOf('web')],
  ['hostNamespaces', podOf('web', { hostNetwork: true })],
  ['hostPath', withHostPath('/etc/ssl')],
  ['runtimeSocket', withHostPath('/var/run/docker.sock')],
  ['sshd', podOf('web', { containers: [web({ ports: [{ containerPort: 22 }] })] })],
  ['automountServiceAccountToken', podOf('web')],
  ['scheduling', podOf('web')],
  ['unprivilegedPorts', podOf('web', { containers: [web({ ports: [{ containerPort: 80 }] })] })],
  [
    'procMount',
    podOf('web', { hostUsers: false, containers: [web({ securityContext: { procMount: 'Unmasked' } })] }),
  ],
  ['appArmorProfile', podOf('web')],
  ['hostUsers', podOf('web')],
  ['enableServiceLinks', podOf('web')],
  ['imagePullPolicy', podOf('web')],
  ['supplementalGroupsPolicy', podOf('web')],
];

export type Effect = 'acts' | 'reports' | 'silent';

/** What a rule did to an object, from the answer alone. */
export function effectOf(rule: RuleId, { status, body, warnings }: ApiReply<PodReply>): Effect {
  if (status === 403 && body.message?.includes(rule) === true) return 'acts';
  if (status !== 201) throw new Error(`pod not admitted: ${JSON.stringify(body)}`);
  if (changedRules(body).includes(rule)) return 'acts';
  return warnings.some((warning) => warning.startsWith(`${rule} violated `)) ? 'reports' : 'silent';
}
