import type { Pod, SecurityContext } from '../../../src/hardening/podSpec.js';
import { REMOVED, container, itHardens, pod, podWith } from '../../support/harden.js';

const ON_POD = 'spec.securityContext.seccompProfile';
const FIELD = 'spec.containers[0].securityContext.seccompProfile';
const SECOND = 'spec.containers[1].securityContext.seccompProfile';
const DEFAULT = { type: 'RuntimeDefault' };
const NONE = { type: 'Unconfined' };
const POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
const annotationOf = (name: string): string => `container.seccomp.security.alpha.kubernetes.io/${name}`;
const annotation = (key: string): string => `metadata.annotations["${key}"]`;

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
const UNCONFINED_POD = pod({ securityContext: { seccompProfile: NONE } });

describe('seccompProfile', () => {
  itHardens('seccompProfile', [
    { title: 'goes on the pod', pod: two({}), set: { [ON_POD]: DEFAULT } },
    {
      title: 'lets a profile on the pod be',
      pod: pod({ securityContext: { seccompProfile: DEFAULT } }),
      action: 'Deny',
    },
    {
      title: 'lets Localhost be, on the pod and the container',
      pod: two(
        {},
        { seccompProfile: { type: 'Localhost', localhostProfile: 'a.json' } },
        {
          seccompProfile: { type: 'Localhost', localhostProfile: 'b.json' },
        },
      ),
      action: 'Override',
    },
    {
      title: 'has nothing to say where every container has its own',
      pod: podWith({ seccompProfile: DEFAULT }),
      action: 'Deny',
    },
    {
      title: 'reports Unconfined on the container',
      pod: podWith({ seccompProfile: NONE }),
      violated: [`${FIELD} = {"type":"Unconfined"}`],
    },
    {
      title: 'reports Unconfined on the pod',
      pod: UNCONFINED_POD,
      violated: [`${ON_POD} = {"type":"Unconfined"}`],
    },
    {
      title: 'Override replaces it on the container',
      pod: podWith({ seccompProfile: NONE }),
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
    {
      title: 'Deny refuses Unconfined',
      pod: UNCONFINED_POD,
      action: 'Deny',
      violated: [`${ON_POD} = {"type":"Unconfined"} (denied)`],
    },
    { title: 'Disabled does not run', pod: UNCONFINED_POD, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      labels: { seccompProfile: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'reports Unconfined on the pod as opted out',
      pod: UNCONFINED_POD,
      labels: { seccompProfile: 'disabled' },
      skipped: ['OptedOut', 'web: OptedOut'],
    },
    {
      title: 'an exception for one of two containers keeps it off the pod, which that one would inherit',
      pod: two({}),
      exceptions: [{ rules: ['seccompProfile'], containers: ['side'] }],
      set: { [FIELD]: DEFAULT },
      skipped: ['side: Excepted'],
    },
    {
      title:
        'Override leaves Unconfined on the pod where an excepted container inherits it, and confines the others',
      pod: two({}, {}, { seccompProfile: NONE }),
      action: 'Override',
      exceptions: [{ rules: ['seccompProfile'], containers: ['side'] }],
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
      pod: podWith({ privileged: true, seccompProfile: NONE }),
      skipped: ['web: PrivilegedContainer'],
    },
    {
      title: 'Deny refuses it there',
      pod: podWith({ privileged: true, seccompProfile: NONE }),
      action: 'Deny',
      violated: [`${FIELD} = {"type":"Unconfined"} (denied)`],
    },
    {
      title: 'leaves an image out whose profile in the policy has its own sandbox',
      pod: two({}, { runAsUser: 1 }),
      imageProfiles: [{ images: ['registry.example/shop/web'], needs: ['unconfinedSeccomp'] }],
      skipped: ['web: ImageNeeds', 'side: ImageNeeds'],
    },
    {
      title: 'lets such an image say Unconfined, under Deny too',
      pod: podWith({ seccompProfile: NONE }),
      action: 'Deny',
      imageProfiles: [{ images: ['registry.example/shop/web'], needs: ['unconfinedSeccomp'] }],
      skipped: ['web: ImageNeeds'],
    },
    {
      title: 'is of low risk: unknown images get it under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      set: { [ON_POD]: DEFAULT },
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'goes on the ephemeral container that is added',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      set: { 'spec.ephemeralContainers[0].securityContext.seccompProfile': DEFAULT },
    },
    {
      title: 'finds what an added ephemeral container comes to below the pod, where the pod is not looked at',
      pod: pod({
        securityContext: { seccompProfile: NONE },
        ephemeralContainers: [container({ name: 'debug' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
      violated: [`${ON_POD} = ${JSON.stringify(NONE)} (denied)`],
    },
    {
      title: 'Override confines an ephemeral container below an unconfined pod',
      pod: pod({
        securityContext: { seccompProfile: NONE },
        ephemeralContainers: [container({ name: 'debug' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Override',
      set: { 'spec.ephemeralContainers[0].securityContext.seccompProfile': DEFAULT },
    },
    {
      title: 'Override on an ephemeral container leaves the pod’s annotation, which cannot be changed there',
      pod: pod(
        { ephemeralContainers: [container({ name: 'debug', securityContext: { seccompProfile: NONE } })] },
        { annotations: { [annotationOf('debug')]: 'unconfined' } },
      ),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Override',
      set: { 'spec.ephemeralContainers[0].securityContext.seccompProfile': DEFAULT },
    },
    { title: 'has nothing to do in a pod without containers', pod: pod({ containers: [] }), valid: false },
  ]);

  describe('legacy annotations', () => {
    itHardens('seccompProfile', [
      ...['runtime/default', 'docker/default'].flatMap((value) => [
        {
          title: `${value} on the pod agrees`,
          pod: two({ [POD_ANNOTATION]: value }),
          set: { [ON_POD]: DEFAULT },
        },
        {
          title: `${value} on a container agrees`,
          pod: two({ [annotationOf('web')]: value }),
          set: { [ON_POD]: DEFAULT },
        },
      ]),
      ...['localhost/a.json', 'unconfined'].flatMap((value) => [
        {
          title: `beside "${value}" on the pod the containers get it`,
          pod: two({ [POD_ANNOTATION]: value }),
          set: { [FIELD]: DEFAULT, [SECOND]: DEFAULT },
          skipped: ['LegacyAnnotation'],
        },
        {
          title: `a container with "${value}" is left out, and does not inherit it from the pod`,
          pod: two({ [annotationOf('side')]: value }),
          set: { [FIELD]: DEFAULT },
          skipped: ['side: LegacyAnnotation'],
        },
      ]),
      {
        title: 'both at once: no field where there is an annotation',
        pod: two({ [POD_ANNOTATION]: 'unconfined', [annotationOf('web')]: 'localhost/x' }),
        set: { [SECOND]: DEFAULT },
        skipped: ['LegacyAnnotation', 'web: LegacyAnnotation'],
      },
      {
        title: 'an annotation for a container that there is not does not matter',
        pod: two({ [annotationOf('other')]: 'unconfined' }),
        set: { [ON_POD]: DEFAULT },
      },
      {
        title: 'Override removes the pod’s with it',
        pod: two({ [POD_ANNOTATION]: 'unconfined' }),
        action: 'Override',
        set: { [ON_POD]: DEFAULT, [annotation(POD_ANNOTATION)]: REMOVED },
      },
      {
        title: 'Override removes the containers’ with it',
        pod: two({ [annotationOf('web')]: 'unconfined', [annotationOf('side')]: 'localhost/x' }),
        action: 'Override',
        set: {
          [ON_POD]: DEFAULT,
          [annotation(annotationOf('web'))]: REMOVED,
          [annotation(annotationOf('side'))]: REMOVED,
        },
      },
      {
        title: 'Override removes a container’s beside its own Unconfined',
        pod: two({ [annotationOf('side')]: 'unconfined' }, { seccompProfile: NONE }),
        action: 'Override',
        set: { [SECOND]: DEFAULT, [annotation(annotationOf('side'))]: REMOVED, [ON_POD]: DEFAULT },
      },
      {
        title: 'Override of Unconfined on the pod removes the pod’s and the containers’',
        pod: two(
          { [POD_ANNOTATION]: 'unconfined', [annotationOf('web')]: 'unconfined' },
          {},
          { seccompProfile: NONE },
        ),
        action: 'Override',
        set: {
          [ON_POD]: DEFAULT,
          [annotation(POD_ANNOTATION)]: REMOVED,
          [annotation(annotationOf('web'))]: REMOVED,
        },
      },
      {
        title: 'Warn reports the containers that would get it, and the annotation',
        pod: two({ [POD_ANNOTATION]: 'unconfined' }),
        action: 'Warn',
        skipped: ['LegacyAnnotation'],
        violated: [FIELD, SECOND],
      },
      {
        title: 'an annotation is not the way past Deny',
        pod: two({ [annotationOf('web')]: 'unconfined', [annotationOf('side')]: 'localhost/x' }),
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
