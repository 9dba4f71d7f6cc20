import { container, itHardens, pod, podWith } from '../../support/harden.js';

const FIELD = 'spec.containers[0].securityContext.allowPrivilegeEscalation';
const own = (needs: string[], images = ['registry.example/shop/web']) => ({
  imageProfiles: [{ images, needs }],
});

describe('allowPrivilegeEscalation', () => {
  itHardens('allowPrivilegeEscalation', [
    { title: 'is false where it is unset', pod: pod(), set: { [FIELD]: false } },
    { title: 'lets an explicit false be', pod: podWith({ allowPrivilegeEscalation: false }), action: 'Deny' },
    {
      title: 'reports an explicit true and leaves it',
      pod: podWith({ allowPrivilegeEscalation: true }),
      violated: [`${FIELD} = true`],
    },
    {
      title: 'Override replaces an explicit true',
      pod: podWith({ allowPrivilegeEscalation: true }),
      action: 'Override',
      set: { [FIELD]: false },
    },
    { title: 'Warn reports an unset one', pod: pod(), action: 'Warn', violated: [FIELD] },
    { title: 'Deny refuses an unset one', pod: pod(), action: 'Deny', violated: [`${FIELD} (denied)`] },
    {
      title: 'Deny refuses an explicit true',
      pod: podWith({ allowPrivilegeEscalation: true }),
      action: 'Deny',
      violated: [`${FIELD} = true (denied)`],
    },
    { title: 'Disabled does not run', pod: podWith({ allowPrivilegeEscalation: true }), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      labels: { allowPrivilegeEscalation: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'only reports where the namespace says warn',
      pod: pod(),
      labels: { allowPrivilegeEscalation: 'warn' },
      violated: [FIELD],
    },
    {
      title: 'an exception lifts it from one of two containers',
      pod: pod({ containers: [container(), container({ name: 'side' })] }),
      exceptions: [{ rules: ['allowPrivilegeEscalation'], containers: ['side'] }],
      set: { [FIELD]: false },
      skipped: ['side: Excepted'],
    },
    {
      title: 'skips a privileged container, which the API would reject with it, and hardens its siblings',
      pod: pod({
        initContainers: [container({ name: 'init', securityContext: { privileged: true } })],
      }),
      set: { [FIELD]: false },
      skipped: ['init: PrivilegedContainer'],
    },
    ...['CAP_SYS_ADMIN', 'SYS_ADMIN', 'sys_admin', 'ALL', 'all'].map((name) => ({
      title: `skips a container that adds ${name}`,
      pod: podWith({ capabilities: { add: [name] } }),
      valid: false,
      skipped: ['web: ApiWouldReject'],
    })),
    {
      title: 'an added SYS_ADMIN is not the way past Deny',
      pod: podWith({ capabilities: { add: ['SYS_ADMIN'] } }),
      action: 'Deny',
      violated: [`${FIELD} (denied)`],
    },
    {
      title: 'Deny refuses an explicit true on a privileged container',
      pod: podWith({ privileged: true, allowPrivilegeEscalation: true }),
      action: 'Deny',
      violated: [`${FIELD} = true (denied)`],
    },
    {
      title: 'Deny leaves an unset one on a privileged container to the rule `privileged`',
      pod: podWith({ privileged: true }),
      action: 'Deny',
      skipped: ['web: PrivilegedContainer'],
    },
    {
      title: 'is set where this pass takes SYS_ADMIN away',
      pod: podWith({ capabilities: { add: ['SYS_ADMIN'] } }),
      rules: { capabilities: 'Override' },
      set: { [FIELD]: false },
    },
    {
      title: 'is set where this pass makes a container unprivileged',
      pod: podWith({ privileged: true }),
      rules: { privileged: 'Override' },
      set: { [FIELD]: false },
    },
    {
      title: 'is skipped where the policy’s own profile says that the image needs it',
      pod: pod(),
      ...own(['allowPrivilegeEscalation']),
      skipped: ['web: ImageNeeds'],
    },
    {
      title: 'which holds under Deny, as an exception does',
      pod: podWith({ allowPrivilegeEscalation: true }),
      action: 'Deny',
      ...own(['allowPrivilegeEscalation']),
      skipped: ['web: ImageNeeds'],
    },
    {
      title: 'and not for a pattern, whose images a pod author can name',
      pod: pod(),
      ...own(['allowPrivilegeEscalation'], ['registry.example/shop/*']),
      set: { [FIELD]: false },
    },
    {
      title: 'nor for a mirror of the image that the entry names',
      pod: pod({ containers: [container({ image: 'evil.example/library/sudo' })] }),
      ...own(['allowPrivilegeEscalation'], ['docker.io/library/sudo']),
      set: { [FIELD]: false },
    },
    {
      title: 'is of low risk: unknown images get it under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      set: { [FIELD]: false },
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'reaches the ephemeral container that is added',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      set: { 'spec.ephemeralContainers[0].securityContext.allowPrivilegeEscalation': false },
    },
    { title: 'is set on a bare pod and a template alike', pod: pod(), bare: true, set: { [FIELD]: false } },
  ]);
});
