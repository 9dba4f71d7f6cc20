import type { Pod, SecurityContext } from '../../../src/hardening/podSpec.js';
import { REMOVED, container, itHardens, pod, podWith } from '../../support/harden.js';

const ON_POD = 'spec.securityContext.appArmorProfile';
const FIELD = 'spec.containers[0].securityContext.appArmorProfile';
const SECOND = 'spec.containers[1].securityContext.appArmorProfile';
const DEFAULT = { type: 'RuntimeDefault' };
const NONE = { type: 'Unconfined' };
const LOCAL = { type: 'Localhost', localhostProfile: 'shop' };
const keyOf = (name: string): string => `container.apparmor.security.beta.kubernetes.io/${name}`;
const annotationOf = (name: string): string => `metadata.annotations["${keyOf(name)}"]`;
const KEEP = { whenUnset: 'Keep' };

const two = (
  annotations: Record<string, string>,
  own: SecurityContext = {},
  onPod?: Pod['spec']['securityContext'],
): Pod =>
  pod(
    {
      ...(onPod && { securityContext: onPod }),
      containers: [container(), container({ name: 'side', securityContext: own })],
    },
    { annotations },
  );
const UNCONFINED_POD = pod({ securityContext: { appArmorProfile: NONE } });

describe('appArmorProfile', () => {
  itHardens('appArmorProfile', [
    { title: 'goes on the pod', pod: two({}), set: { [ON_POD]: DEFAULT } },
    {
      title: 'lets a profile on the pod be',
      pod: pod({ securityContext: { appArmorProfile: DEFAULT } }),
      action: 'Deny',
    },
    {
      title: 'lets Localhost be, on the pod and the container',
      pod: two({}, { appArmorProfile: LOCAL }, { appArmorProfile: LOCAL }),
      action: 'Override',
    },
    {
      title: 'reports Unconfined on the container',
      pod: podWith({ appArmorProfile: NONE }),
      violated: [`${FIELD} = {"type":"Unconfined"}`],
    },
    {
      title: 'reports Unconfined on the pod',
      pod: UNCONFINED_POD,
      violated: [`${ON_POD} = {"type":"Unconfined"}`],
    },
    {
      title: 'Override replaces it on the container',
      pod: podWith({ appArmorProfile: NONE }),
      action: 'Override',
      set: { [FIELD]: DEFAULT },
    },
    {
      title: 'Override replaces it on the pod',
      pod: UNCONFINED_POD,
      action: 'Override',
      set: { [ON_POD]: DEFAULT },
    },
    { title: 'Warn reports an unset one', pod: pod(), action: 'Warn', violated: [ON_POD] },
    { title: 'Deny refuses an unset one', pod: pod(), action: 'Deny', violated: [`${ON_POD} (denied)`] },
    { title: 'Disabled does not run', pod: UNCONFINED_POD, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      labels: { appArmorProfile: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception for one of two containers keeps it off the pod, which that one would inherit',
      pod: two({}),
      exceptions: [{ rules: ['appArmorProfile'], containers: ['side'] }],
      set: { [FIELD]: DEFAULT },
      skipped: ['side: Excepted'],
    },
    {
      title: 'Override leaves Unconfined on the pod where an excepted container inherits it',
      pod: two({}, {}, { appArmorProfile: NONE }),
      action: 'Override',
      exceptions: [{ rules: ['appArmorProfile'], containers: ['side'] }],
      set: { [FIELD]: DEFAULT },
      skipped: ['side: Excepted'],
      violated: [`${ON_POD} = {"type":"Unconfined"}`],
    },
    {
      title: 'leaves a privileged container out, whose siblings get their own',
      pod: two({}, { privileged: true }),
      set: { [FIELD]: DEFAULT },
      skipped: ['side: PrivilegedContainer'],
    },
    {
      title: 'leaves Unconfined on a privileged container',
      pod: podWith({ privileged: true, appArmorProfile: NONE }),
      action: 'Override',
      skipped: ['web: PrivilegedContainer'],
    },
    {
      title: 'Deny refuses it there',
      pod: podWith({ privileged: true, appArmorProfile: NONE }),
      action: 'Deny',
      violated: [`${FIELD} = {"type":"Unconfined"} (denied)`],
    },
    {
      title: 'is of high risk: unknown images do not get it under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'goes on the ephemeral container that is added',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      set: { 'spec.ephemeralContainers[0].securityContext.appArmorProfile': DEFAULT },
    },
    {
      title: 'finds what an added ephemeral container comes to below the pod, where the pod is not looked at',
      pod: pod({
        securityContext: { appArmorProfile: NONE },
        ephemeralContainers: [container({ name: 'debug' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
      violated: [`spec.securityContext.appArmorProfile = ${JSON.stringify(NONE)} (denied)`],
    },
    {
      title: 'Override confines an ephemeral container below an unconfined pod',
      pod: pod({
        securityContext: { appArmorProfile: NONE },
        ephemeralContainers: [container({ name: 'debug' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Override',
      set: { 'spec.ephemeralContainers[0].securityContext.appArmorProfile': DEFAULT },
    },
    { title: 'has nothing to do in a pod without containers', pod: pod({ containers: [] }), valid: false },
  ]);

  describe('with whenUnset: Keep', () => {
    itHardens('appArmorProfile', [
      { title: 'names no profile', pod: two({}), action: 'Override', settings: KEEP },
      { title: 'does not ask for one', pod: two({}), action: 'Deny', settings: KEEP },
      {
        title: 'Override makes Unconfined unset on the pod, so that nodes without AppArmor take it',
        pod: UNCONFINED_POD,
        action: 'Override',
        settings: KEEP,
        set: { [ON_POD]: REMOVED },
      },
      {
        title: 'the same on a container',
        pod: podWith({ appArmorProfile: NONE }),
        action: 'Override',
        settings: KEEP,
        set: { [FIELD]: REMOVED },
      },
      {
        title: 'and on both',
        pod: two({}, { appArmorProfile: NONE }, { appArmorProfile: NONE }),
        action: 'Override',
        settings: KEEP,
        set: { [ON_POD]: REMOVED, [SECOND]: REMOVED },
      },
      {
        title: 'names RuntimeDefault where the container would inherit a profile of the node’s',
        pod: two({}, { appArmorProfile: NONE }, { appArmorProfile: LOCAL }),
        action: 'Override',
        settings: KEEP,
        set: { [SECOND]: DEFAULT },
      },
      {
        title: 'names it below an Unconfined that an excepted container keeps on the pod',
        pod: two({}, {}, { appArmorProfile: NONE }),
        action: 'Override',
        settings: KEEP,
        exceptions: [{ rules: ['appArmorProfile'], containers: ['side'] }],
        set: { [FIELD]: DEFAULT },
        skipped: ['side: Excepted'],
        violated: [`${ON_POD} = {"type":"Unconfined"}`],
      },
      {
        title: 'reports Unconfined under Default',
        pod: UNCONFINED_POD,
        settings: KEEP,
        violated: [`${ON_POD} = {"type":"Unconfined"}`],
      },
      {
        title: 'Override takes away the annotation that says it',
        pod: two({ [keyOf('side')]: 'unconfined' }),
        action: 'Override',
        settings: KEEP,
        set: { [annotationOf('side')]: REMOVED },
      },
    ]);
  });

  describe('annotations of before Kubernetes 1.30', () => {
    itHardens('appArmorProfile', [
      {
        title: '"runtime/default" agrees',
        pod: two({ [keyOf('web')]: 'runtime/default' }),
        set: { [ON_POD]: DEFAULT },
      },
      {
        title: '"localhost/x" is the container’s profile: the pod gets none, which would conflict with it',
        pod: two({ [keyOf('side')]: 'localhost/x' }),
        action: 'Override',
        set: { [FIELD]: DEFAULT },
      },
      {
        title: 'nothing is left to say where every container has one',
        pod: pod({}, { annotations: { [keyOf('web')]: 'localhost/x' } }),
        action: 'Deny',
      },
      {
        title: '"unconfined" is reported, and keeps the profile off the pod',
        pod: two({ [keyOf('side')]: 'unconfined' }),
        set: { [FIELD]: DEFAULT },
        violated: [`${annotationOf('side')} = "unconfined"`],
      },
      {
        title: 'Deny refuses "unconfined"',
        pod: pod({}, { annotations: { [keyOf('web')]: 'unconfined' } }),
        action: 'Deny',
        violated: [`${annotationOf('web')} = "unconfined" (denied)`],
      },
      {
        title: 'Override takes "unconfined" away',
        pod: two({ [keyOf('side')]: 'unconfined' }),
        action: 'Override',
        set: { [annotationOf('side')]: REMOVED, [ON_POD]: DEFAULT },
      },
      {
        title: 'Override takes it away together with the field that agrees with it',
        pod: two({ [keyOf('side')]: 'unconfined' }, { appArmorProfile: NONE }),
        action: 'Override',
        set: { [SECOND]: DEFAULT, [annotationOf('side')]: REMOVED, [ON_POD]: DEFAULT },
      },
      {
        title: 'and below an Unconfined of the pod',
        pod: two({ [keyOf('side')]: 'unconfined' }, {}, { appArmorProfile: NONE }),
        action: 'Override',
        set: { [annotationOf('side')]: REMOVED, [ON_POD]: DEFAULT },
      },
      {
        title: 'under Default both are reported',
        pod: two({ [keyOf('side')]: 'unconfined' }, {}, { appArmorProfile: NONE }),
        violated: [`${annotationOf('side')} = "unconfined"`, `${ON_POD} = {"type":"Unconfined"}`],
      },
      {
        title: '"unconfined" of a privileged container stays',
        pod: two({ [keyOf('side')]: 'unconfined' }, { privileged: true }),
        action: 'Override',
        set: { [FIELD]: DEFAULT },
        skipped: ['side: PrivilegedContainer'],
      },
      {
        title: 'an empty one says nothing, and the API server refuses any field beside it',
        pod: two({ [keyOf('side')]: '' }),
        set: { [FIELD]: DEFAULT },
        skipped: ['side: LegacyAnnotation'],
      },
      {
        title: 'Override takes an empty one away',
        pod: two({ [keyOf('side')]: '' }),
        action: 'Override',
        set: { [ON_POD]: DEFAULT, [annotationOf('side')]: REMOVED },
      },
      {
        title: 'an empty one is not the way past Deny',
        pod: two({ [keyOf('side')]: '' }),
        action: 'Deny',
        violated: [`${FIELD} (denied)`, `${SECOND} (denied)`],
      },
      {
        title: 'keys of Object.prototype are no annotations',
        pod: pod({ containers: [container({ name: 'constructor' })] }, { annotations: { other: 'x' } }),
        set: { [ON_POD]: DEFAULT },
      },
    ]);
  });
});
