import type { Pod, PodSecurityContext, SecurityContext } from '../../../src/hardening/podSpec.js';
import { container, itHardens, pod, podWith, type RuleChoice } from '../../support/harden.js';

const ON_POD = 'spec.securityContext.runAsNonRoot';
const FIELD = 'spec.containers[0].securityContext.runAsNonRoot';
const SECOND = 'spec.containers[1].securityContext.runAsNonRoot';
const UID: { rules: { runAsUser: RuleChoice } } = { rules: { runAsUser: 'Default' } };

const two = (
  first: NonNullable<Parameters<typeof podWith>[0]>,
  second: Parameters<typeof podWith>[0],
  onPod?: NonNullable<Pod['spec']['securityContext']>,
): Pod =>
  pod({
    ...(onPod && { securityContext: onPod }),
    containers: [container({ securityContext: first }), container({ name: 'side', securityContext: second })],
  });

describe('runAsNonRoot', () => {
  itHardens('runAsNonRoot', [
    {
      title: 'goes on the pod where every container gets a uid',
      pod: pod(),
      ...UID,
      set: { [ON_POD]: true },
    },
    {
      title:
        'goes on each container where their uids differ: a sidecar that is injected later is not to inherit it',
      pod: two({ runAsUser: 1000 }, { runAsUser: 2000 }),
      set: { [FIELD]: true, [SECOND]: true },
    },
    {
      title: 'goes on the pod where the pod has a uid, even where a container has its own',
      pod: two({}, { runAsUser: 2000 }, { runAsUser: 1000 }),
      set: { [ON_POD]: true },
    },
    {
      title: 'goes on each container as soon as one is left out',
      pod: two({ runAsUser: 1000 }, { runAsUser: 0 }),
      ...UID,
      set: { [FIELD]: true },
      skipped: ['side: ExplicitRoot'],
    },
    {
      title: 'does not reach a container that says false for itself',
      pod: two({ runAsUser: 1000 }, { runAsNonRoot: false }),
      ...UID,
      set: { [FIELD]: true },
      violated: [`${SECOND} = false`],
    },
    {
      title: 'is never written without a uid: the container would not start',
      pod: pod(),
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'is not written where runAsUser only warns',
      pod: pod(),
      rules: { runAsUser: 'Warn' },
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'lets true on the pod be',
      pod: pod({ securityContext: { runAsNonRoot: true } }),
      action: 'Deny',
    },
    { title: 'lets true on the container be', pod: podWith({ runAsNonRoot: true }), action: 'Deny' },
    {
      title: 'true on one container does not stand for its sibling',
      pod: two({ runAsNonRoot: true }, {}),
      ...UID,
      set: { [SECOND]: true },
    },
    {
      title: 'reports an explicit false beside a non-root uid: that container does not start as root',
      pod: podWith({ runAsUser: 1000, runAsNonRoot: false }),
      violated: [`${FIELD} = false`],
    },
    {
      title: 'Override replaces false beside a non-root uid',
      pod: podWith({ runAsUser: 1000, runAsNonRoot: false }),
      action: 'Override',
      set: { [FIELD]: true },
    },
    {
      title: 'Override replaces false on the pod, and the uid comes with it',
      pod: pod({ securityContext: { runAsNonRoot: false } }),
      action: 'Override',
      ...UID,
      set: { [ON_POD]: true },
    },
    {
      title: 'Override does not replace false where the container stays root: it would never start',
      pod: podWith({ runAsUser: 0, runAsNonRoot: false }),
      action: 'Override',
      ...UID,
      violated: [`${FIELD} = false`],
    },
    {
      title: 'Override goes on a container below a pod that says false and has a root sibling',
      pod: two({ runAsUser: 1000 }, { runAsUser: 0 }, { runAsNonRoot: false }),
      action: 'Override',
      set: { [FIELD]: true },
      skipped: ['side: ExplicitRoot'],
      violated: [`${ON_POD} = false`],
    },
    {
      title: 'reports false on the pod once under Default',
      pod: two({ runAsUser: 1000 }, {}, { runAsNonRoot: false }),
      ...UID,
      violated: [`${ON_POD} = false`],
    },
    {
      title: 'Warn reports what Default would set',
      pod: pod(),
      action: 'Warn',
      ...UID,
      violated: [ON_POD],
    },
    {
      title: 'Warn reports it where runAsUser only warns too',
      pod: pod(),
      action: 'Warn',
      rules: { runAsUser: 'Warn' },
      violated: [ON_POD],
    },
    {
      title: 'Deny refuses an unset one',
      pod: pod(),
      action: 'Deny',
      ...UID,
      violated: [`${ON_POD} (denied)`],
    },
    {
      title: 'Deny refuses a container that means to be root',
      pod: podWith({ runAsUser: 0 }),
      action: 'Deny',
      ...UID,
      violated: [`${FIELD} (denied)`],
    },
    { title: 'Disabled does not run', pod: podWith({ runAsNonRoot: false }), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      ...UID,
      labels: { runAsNonRoot: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception for one of two containers keeps it off the pod',
      pod: two({}, {}),
      ...UID,
      exceptions: [{ rules: ['runAsNonRoot'], containers: ['side'] }],
      set: { [FIELD]: true },
      skipped: ['side: Excepted'],
    },
    {
      title: 'an exception from runAsUser alone leaves that container without it as well',
      pod: two({}, {}),
      ...UID,
      exceptions: [{ rules: ['runAsUser'], containers: ['side'] }],
      set: { [FIELD]: true },
      skipped: ['side: Excepted'],
    },
    {
      title: 'leaves a privileged container alone',
      pod: podWith({ privileged: true }),
      ...UID,
      skipped: ['web: PrivilegedContainer'],
    },
    {
      title: 'leaves a container alone that adds capabilities and names no uid, in any spelling',
      pod: podWith({ capabilities: { add: ['cap_net_admin'] } }),
      ...UID,
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'NET_BIND_SERVICE alone does not mean root',
      pod: podWith({ capabilities: { add: ['NET_BIND_SERVICE'] } }),
      ...UID,
      set: { [ON_POD]: true },
    },
    {
      title: 'a capability that this pass overrides does not mean root',
      pod: podWith({ capabilities: { add: ['NET_ADMIN'] } }),
      rules: { runAsUser: 'Default', capabilities: 'Override' },
      set: { [ON_POD]: true },
    },
    {
      title: 'is not written beside a uid 0 inherited from the pod',
      pod: pod({ securityContext: { runAsUser: 0 } }),
      ...UID,
      skipped: ['web: ExplicitRoot'],
    },
    {
      title: 'leaves a container on a lasting volume alone, whose image nobody knows',
      pod: pod({
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
        containers: [container({ volumeMounts: [{ name: 'data', mountPath: '/data' }] })],
      }),
      ...UID,
      skipped: ['web: StatefulUnknownImage'],
    },
    {
      title: 'is held back for an unknown image under Safe',
      pod: pod(),
      ...UID,
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
    },
    {
      title: 'goes on an added ephemeral container, where the pod cannot be written',
      pod: pod({ ephemeralContainers: [container({ name: 'debug', securityContext: { runAsUser: 1000 } })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      set: { 'spec.ephemeralContainers[0].securityContext.runAsNonRoot': true },
    },
    {
      title: 'finds what an added ephemeral container comes to below the pod, where the pod is not looked at',
      pod: pod({
        securityContext: { runAsNonRoot: false },
        ephemeralContainers: [container({ name: 'debug' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
      violated: ['spec.securityContext.runAsNonRoot = false (denied)'],
    },
    {
      title: 'has nothing to say to an ephemeral container below a pod that says true',
      pod: pod({
        securityContext: { runAsNonRoot: true },
        ephemeralContainers: [container({ name: 'debug' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
    },
  ]);

  describe('on Windows', () => {
    const windows = (onPod: PodSecurityContext, own?: SecurityContext): Pod =>
      pod({
        os: { name: 'windows' },
        securityContext: onPod,
        containers: [container(own ? { securityContext: own } : {})],
      });
    const named = { windowsOptions: { runAsUserName: 'ContainerUser' } };

    itHardens('runAsNonRoot', [
      { title: 'is only reported under Default', pod: windows(named), skipped: ['web: WindowsPod'] },
      {
        title: 'Override sets it where the user is named, on the pod or the container',
        pod: pod({
          os: { name: 'windows' },
          securityContext: named,
          containers: [
            container(),
            container({ name: 'side', securityContext: { windowsOptions: { runAsUserName: 'app' } } }),
          ],
        }),
        action: 'Override',
        set: { [FIELD]: true, [SECOND]: true },
      },
      {
        title: 'Override leaves it where no user is named',
        pod: windows({}),
        action: 'Override',
        skipped: ['web: WindowsPod'],
      },
      {
        title: 'Override leaves ContainerAdministrator, in any case',
        pod: windows(named, { windowsOptions: { runAsUserName: 'CONTAINERADMINISTRATOR' } }),
        action: 'Override',
        skipped: ['web: WindowsPod'],
      },
      {
        title: 'reports an explicit false',
        pod: windows(named, { runAsNonRoot: false }),
        violated: [`${FIELD} = false`],
      },
      {
        title: 'Override replaces an explicit false where the user is named',
        pod: windows(named, { runAsNonRoot: false }),
        action: 'Override',
        set: { [FIELD]: true },
      },
      {
        title: 'Override reports an explicit false where no user is named',
        pod: windows({}, { runAsNonRoot: false }),
        action: 'Override',
        violated: [`${FIELD} = false`],
      },
      {
        title: 'reports false on the pod as the pod’s',
        pod: windows({ runAsNonRoot: false }),
        violated: [`${ON_POD} = false`],
      },
      {
        title: 'Override sets it on a container below a pod that says false',
        pod: windows({ ...named, runAsNonRoot: false }),
        action: 'Override',
        set: { [FIELD]: true },
      },
      { title: 'lets true be', pod: windows({ runAsNonRoot: true }), action: 'Override' },
      {
        title: 'is reported as opted out',
        pod: windows(named),
        labels: { runAsNonRoot: 'disabled' },
        skipped: ['web: OptedOut'],
      },
    ]);
  });
});
