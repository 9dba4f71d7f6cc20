import { container, itHardens, pod, podWith } from '../../support/harden.js';

const PRIVILEGED = podWith({ privileged: true });
const FIELD = 'spec.containers[0].securityContext.privileged';
const BIDIRECTIONAL = pod({
  volumes: [{ name: 'csi', hostPath: { path: '/var/lib/csi' } }],
  containers: [
    container({
      securityContext: { privileged: true },
      volumeMounts: [{ name: 'csi', mountPath: '/csi', mountPropagation: 'Bidirectional' }],
    }),
  ],
});

describe('privileged', () => {
  itHardens('privileged', [
    { title: 'sets nothing where it is unset, for that means false', pod: pod() },
    { title: 'lets an explicit false be', pod: podWith({ privileged: false }), action: 'Deny' },
    { title: 'reports true under Default and leaves it', pod: PRIVILEGED, violated: [`${FIELD} = true`] },
    { title: 'Override makes it false', pod: PRIVILEGED, action: 'Override', set: { [FIELD]: false } },
    { title: 'Warn reports it', pod: PRIVILEGED, action: 'Warn', violated: [`${FIELD} = true`] },
    { title: 'Deny refuses it', pod: PRIVILEGED, action: 'Deny', violated: [`${FIELD} = true (denied)`] },
    { title: 'Disabled does not run', pod: PRIVILEGED, action: 'Disabled' },
    {
      title: 'is reported as opted out where the namespace says so',
      pod: PRIVILEGED,
      action: 'Override',
      labels: { privileged: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'only reports where the namespace says warn',
      pod: PRIVILEGED,
      action: 'Override',
      labels: { privileged: 'warn' },
      violated: [`${FIELD} = true`],
    },
    {
      title: 'does not heed the namespace where its opt-out is Forbidden',
      pod: PRIVILEGED,
      action: 'Override',
      optOut: 'Forbidden',
      labels: { privileged: 'disabled' },
      set: { [FIELD]: false },
    },
    {
      title: 'decides for each container: an excepted sibling exempts nobody, an init container neither',
      pod: pod({
        initContainers: [container({ name: 'sysctl', securityContext: { privileged: true } })],
        containers: [
          container({ securityContext: { privileged: true } }),
          container({ name: 'agent', securityContext: { privileged: true } }),
        ],
      }),
      action: 'Override',
      exceptions: [{ rules: ['privileged'], containers: ['agent'] }],
      set: { 'spec.initContainers[0].securityContext.privileged': false, [FIELD]: false },
      skipped: ['agent: Excepted'],
    },
    {
      title: 'Override leaves a container alone whose Bidirectional mount the API would then reject',
      pod: BIDIRECTIONAL,
      action: 'Override',
      skipped: ['web: ApiWouldReject'],
      violated: [`${FIELD} = true`],
    },
    {
      title: 'Deny refuses a Bidirectional one like any other',
      pod: BIDIRECTIONAL,
      action: 'Deny',
      violated: [`${FIELD} = true (denied)`],
    },
    {
      title: 'does not run on Windows',
      pod: pod({ os: { name: 'windows' } }),
      action: 'Override',
      skipped: ['WindowsPod'],
    },
    {
      title: 'runs on a pod with hostProcess, which a Linux kubelet ignores',
      pod: pod({
        hostNetwork: true,
        securityContext: { windowsOptions: { hostProcess: true } },
        containers: [container({ securityContext: { privileged: true } })],
      }),
      valid: false,
      action: 'Deny',
      violated: [`${FIELD} = true (denied)`],
    },
    {
      title: 'reaches the ephemeral containers that the request adds, and no other container',
      pod: pod({
        containers: [container({ securityContext: { privileged: true } })],
        ephemeralContainers: [
          container({ name: 'old', securityContext: { privileged: true } }),
          container({ name: 'debug', securityContext: { privileged: true } }),
        ],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [1],
      action: 'Override',
      set: { 'spec.ephemeralContainers[1].securityContext.privileged': false },
    },
    {
      title: 'is not written for an image that nobody knows under unknownImages: Safe, and still reported',
      pod: PRIVILEGED,
      action: 'Override',
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
      violated: [`${FIELD} = true`],
    },
  ]);
});
